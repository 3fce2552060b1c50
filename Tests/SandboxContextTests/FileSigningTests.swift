import SandboxContext
import Testing

@Suite struct FileSigningTests {
    private static let now: Int64 = 1_700_000_000

    private func request(
        _ operation: FileSignature.Operation = .read, path: String? = "a.txt", user: String? = nil,
        signature: String? = nil, expiration: Int64? = nil, maximumBytes: Int64? = nil, token: String? = nil
    ) -> FileSigning.Request {
        FileSigning.Request(
            operation: operation, path: path, user: user, signature: signature, expiration: expiration,
            maximumBytes: maximumBytes, token: token)
    }

    /// Why the request is refused; nil if it is not.
    private func refusal(_ request: FileSigning.Request, token: String = "tok") throws -> String? {
        let signing = FileSigning(AccessPolicy(token: try AccessToken(token))) { Self.now }
        do {
            _ = try signing.check(request)
            return nil
        } catch {
            return error.message
        }
    }

    // MARK: Before signatures

    @Test func `without a token everything may go on, whatever it shows`() throws {
        for policy in [
            AccessPolicy(),
            {
                $0.set(nil); return $0
            }(AccessPolicy()),
        ] {
            let signing = FileSigning(policy)
            #expect(try signing.check(self.request()).maximumBodyBytes == nil)
            _ = try signing.check(self.request(signature: "v1_wrong", expiration: 1, token: "wrong"))
        }
    }

    @Test func `the token in the header decides, whatever the signature`() throws {
        let valid = "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM"
        #expect(try self.refusal(self.request(signature: "v1_wrong", token: "tok")) == nil)
        #expect(try self.refusal(self.request(token: "tok")) == nil)
        for token in ["wrong", "to", "toktok", "tok ", "TOK"] {
            let refusal = try self.refusal(self.request(signature: valid, token: token))
            #expect(refusal == "access token present in header but does not match")
        }
        #expect(try self.refusal(self.request(signature: valid, token: "")) == nil)
    }

    @Test func `without a signature nothing may go on`() throws {
        #expect(try self.refusal(self.request()) == "missing signature query parameter")
        #expect(try self.refusal(self.request(signature: "")) == "invalid signature")
    }

    // MARK: First version

    @Test func `the published signatures are valid`() throws {
        #expect(
            try self.refusal(
                self.request(
                    path: "hello.txt", user: "user",
                    signature: "v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E"),
                token: "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0") == nil)
        #expect(
            try self.refusal(
                self.request(
                    .write, path: "/path/to/demo.txt", user: "root",
                    signature: "v1_lBs3UB8YidWbWkExnyxa81tZNSbGcpXdicXNVcYFZAs", expiration: 1_700_000_000),
                token: "secret-access-token") == nil)
        let third = "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM"
        #expect(try self.refusal(self.request(signature: third)) == nil)
        #expect(try self.refusal(self.request(user: "", signature: third)) == nil)
    }

    @Test(arguments: [
        "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM=", "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQj",
        "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjN", "V1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM",
        "gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM", "v1_gDv73H8R9a10OdCSX0_JNMqMYLPpmCQAYJY-U68oQjM",
        "v2_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM", "v1_", "tok", "v1_\u{0}",
        " v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM",
    ])
    func `another spelling of a valid signature is none`(_ signature: String) throws {
        #expect(try self.refusal(self.request(signature: signature)) == "invalid signature")
    }

    @Test func `a signature is for one path, operation, user, expiration and token`() throws {
        // Of "a.txt:read:user:tok:1700000100".
        let signature = "v1_9QCxP9W+dY+5aXjnGCW5vDQJ0ZSDuJHSLo3qCQSJgCc"
        let valid = self.request(user: "user", signature: signature, expiration: Self.now + 100)
        #expect(try self.refusal(valid) == nil)
        #expect(try self.refusal(valid, token: "tok2") == "invalid signature")
        let changes: [(inout FileSigning.Request) -> Void] = [
            { $0.path = "b.txt" }, { $0.path = "./a.txt" }, { $0.path = nil }, { $0.path = "a.txt\u{0}" },
            { $0.operation = .write }, { $0.user = "root" }, { $0.user = nil }, { $0.user = "User" },
            { $0.expiration = nil }, { $0.expiration = Self.now + 101 }, { $0.expiration = .max },
            { $0.expiration = .min }, { $0.expiration = -1 },
        ]
        for change in changes {
            var other = valid
            change(&other)
            #expect(try self.refusal(other) == "invalid signature", "\(other)")
        }
    }

    @Test func `colons cannot be moved between the fields`() throws {
        // Of "a:read:b:read:c:tok", for the path "a:read:b" and the user "c".
        let signature = "v1_nrfJv5qqDcxuBpvTWrCHvCR5bJn93pOuLvB1B5g8jqQ"
        #expect(try self.refusal(self.request(path: "a:read:b", user: "c", signature: signature)) == nil)
        let other = self.request(path: "a", user: "b:read:c", signature: signature)
        #expect(try self.refusal(other) == "invalid signature")
    }

    @Test func `a signature is valid in the second of its expiration, and not in the next`() throws {
        // Of "a.txt:read::tok:" and the time.
        let atNow = "v1_Zc9p8yT9kTYmIGkN0Vz/yF5D/0tTBrvv+Rx/0y8k1EA"
        #expect(try self.refusal(self.request(signature: atNow, expiration: Self.now)) == nil)
        let before = "v1_GICsLACw6YOMEjoMzaweooUaYeUo8OaZTQ8fTexRlb8"
        #expect(
            try self.refusal(self.request(signature: before, expiration: Self.now - 1))
                == "signature is already expired")
        #expect(
            try self.refusal(self.request(signature: "v1_wrong", expiration: 1)) == "invalid signature")
    }

    // MARK: Second version

    private let second = "v2_LlfQ9knMaTWS04tGZlOgtUkpfNwD7mEdxB_OQX45k_g"
    private let token = "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0"

    private var validSecond: FileSigning.Request {
        self.request(path: "hello.txt", user: "user", signature: self.second, expiration: Self.now)
    }

    @Test func `a second signature is the code that Python makes with hmac`() throws {
        #expect(try self.refusal(self.validSecond, token: self.token) == nil)
        let long = self.request(
            .write, path: "/ü/demo.txt", signature: "v2_qhBB4wAduZrtmZtETziKtiisQnf3EDaV7UBNgXH3sH0",
            expiration: Self.now, maximumBytes: 1_048_576)
        #expect(try self.refusal(long, token: String(repeating: "k", count: 100)) == nil)
        let both = self.request(
            path: "f1", signature: "v2_q4lT1cIEBFaADVYBb92vsroUr-NgvzN6bSBK_o5wK48",
            expiration: 4_102_444_800)
        #expect(try self.refusal(both, token: "secret") == nil)
    }

    @Test func `a second signature covers all it is made for`() throws {
        let changes: [(inout FileSigning.Request) -> Void] = [
            { $0.path = "b.txt" }, { $0.path = nil }, { $0.path = "" }, { $0.operation = .write },
            { $0.user = nil }, { $0.user = "user,1" }, { $0.expiration = nil }, { $0.expiration = .max },
            { $0.expiration = Self.now + 1 }, { $0.maximumBytes = 1 }, { $0.maximumBytes = .max },
            { $0.signature = "v1_" + (self.second.dropFirst(3)) }, { $0.signature = "v2_" },
            { $0.path = "hello.txt,4:user" },
        ]
        for change in changes {
            var other = self.validSecond
            change(&other)
            #expect(try self.refusal(other, token: self.token) == "invalid signature", "\(other)")
        }
    }

    @Test func `a second signature expires`() throws {
        let signing = FileSigning(AccessPolicy(token: try AccessToken(self.token))) { Self.now + 1 }
        let refusal = #expect(throws: FileSigning.Refusal.self) { try signing.check(self.validSecond) }
        #expect(refusal?.message == "signature is already expired")
    }

    @Test func `the size that was signed is granted, one that was not is no matter`() throws {
        let long = self.request(
            .write, path: "/ü/demo.txt", signature: "v2_qhBB4wAduZrtmZtETziKtiisQnf3EDaV7UBNgXH3sH0",
            expiration: Self.now, maximumBytes: 1_048_576)
        let policy = AccessPolicy(token: try AccessToken(String(repeating: "k", count: 100)))
        #expect(try FileSigning(policy) { Self.now }.check(long).maximumBodyBytes == 1_048_576)
        let first = self.request(
            signature: "v1_gDv73H8R9a10OdCSX0/JNMqMYLPpmCQAYJY+U68oQjM", maximumBytes: 5)
        let signing = FileSigning(AccessPolicy(token: try AccessToken("tok")))
        #expect(try signing.check(first).maximumBodyBytes == nil)
    }
}
