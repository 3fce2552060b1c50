import Glibc
import LinuxSystem
import SandboxContext
import SystemPackage
import Testing

@Suite struct AccessTokenTests {
    private let token = try? AccessToken("correct horse")

    @Test func `only the token itself matches`() throws {
        let token = try #require(self.token)
        #expect(token.matches("correct horse"))
        for candidate in [
            "", "c", "correct hors", "correct horsf", "Correct horse", "correct horse ", " correct horse",
            "correct horsecorrect horse", "correct horse\u{0}", "horse correct", "\u{0}",
        ] {
            #expect(!token.matches(candidate), "\(candidate)")
        }
    }

    @Test func `a candidate that repeats a short token does not match`() throws {
        let token = try #require(try AccessToken("a"))
        #expect(token.matches("a"))
        #expect(!token.matches("aa"))
        #expect(!token.matches(String(repeating: "a", count: 257)))
    }

    @Test func `every bit of every byte counts`() throws {
        let secret = [UInt8](0...127)
        let token = try #require(try AccessToken(String(decoding: secret, as: UTF8.self)))
        for index in secret.indices {
            for bit in 0..<7 {
                var other = secret
                other[index] ^= 1 << bit
                #expect(!token.matches(String(decoding: other, as: UTF8.self)))
            }
        }
    }

    @Test func `there is no empty token, and none of more than 64 KiB`() throws {
        #expect(try AccessToken("") == nil)
        #expect(try AccessToken(String(repeating: "a", count: AccessToken.limit)) != nil)
        #expect(throws: Errno.argListTooLong) {
            try AccessToken(String(repeating: "a", count: AccessToken.limit + 1))
        }
    }

    @Test func `no text of a token contains it`() throws {
        struct Holder { var token: AccessToken? }
        let token = try #require(self.token)
        let texts = [
            "\(token)", String(describing: token), String(reflecting: token), "\([token])", "\(["t": token])",
            String(reflecting: Optional(token)), "\(Holder(token: token))",
        ]
        for text in texts {
            #expect(!text.contains("correct"))
            #expect(!text.contains("99, 111, 114"))  // "cor" as numbers.
        }
    }

    // MARK: Files

    private func withFile<Result>(_ content: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        var template = Array("/tmp/token-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        try #require(write(descriptor, content, content.count) == content.count)
        return try body(path)
    }

    @Test(arguments: ["secret", "secret\n", " \t secret \r\n\n", "\u{B}\u{C}secret"])
    func `white space around the secret in a file does not count`(_ content: String) throws {
        let token = try self.withFile(Array(content.utf8)) { try AccessToken.read(from: $0) }
        #expect(token?.matches("secret") == true)
        #expect(token?.matches(content) == (content == "secret"))
    }

    @Test func `white space inside the secret counts`() throws {
        let token = try self.withFile(Array("two words\n".utf8)) { try AccessToken.read(from: $0) }
        #expect(token?.matches("two words") == true)
        #expect(token?.matches("twowords") == false)
    }

    @Test(arguments: ["", "\n", "  \t\r\n "])
    func `a file without a secret has no token`(_ content: String) throws {
        #expect(try self.withFile(Array(content.utf8)) { try AccessToken.read(from: $0) } == nil)
    }

    @Test func `a file that cannot be read is an error`() {
        #expect(throws: Errno.noSuchFileOrDirectory) { try AccessToken.read(from: "/nowhere/token") }
        #expect(throws: Errno.isDirectory) { try AccessToken.read(from: "/tmp") }
    }
}
