import LinuxSystem
import Testing

@testable import FileTransfer

@Suite struct TargetPathTests {
    private static let account = Account(
        name: "user", uid: 1000, gid: 1000, home: "/home/user", shell: "/bin/sh", groups: [1000])

    private func path(_ text: String) throws -> TargetPath {
        try TargetPath(Array(text.utf8), for: Self.account, workingDirectory: nil)
    }

    @Test(arguments: [
        ("/a/b.txt", "/a/b.txt", "b.txt"), ("b", "/home/user/b", "b"), ("~/x", "/home/user/x", "x"),
        ("/a/../b//c/", "/a/../b//c/", "c"), ("/", "/", "/"), ("", "/home/user", "user"),
    ])
    func `have a text and a name`(asked: String, text: String, name: String) throws {
        #expect(try self.path(asked).text == text)
        #expect(try self.path(asked).name == name)
    }

    @Test(arguments: [
        ("/a/b/c.txt", ["/a", "/a/b"]), ("/c.txt", []), ("/a/b/", ["/a", "/a/b"]),
        ("/a/../b//c", ["/b"]), ("x/y", ["/home", "/home/user", "/home/user/x"]),
    ])
    func `have directories above them`(asked: String, ancestors: [String]) throws {
        #expect(try self.path(asked).ancestors == ancestors.map { Array($0.utf8) })
    }

    @Test func `need not be UTF-8`() throws {
        let path = try TargetPath([0x2F, 0x61, 0x2F, 0xFF], for: Self.account, workingDirectory: nil)
        #expect(path.text == "/a/\u{FFFD}")
        #expect(try Array(path.raw().bytes) == [0x2F, 0x61, 0x2F, 0xFF])
        let relative = try TargetPath([0xFF], for: Self.account, workingDirectory: nil)
        #expect(try Array(relative.raw().bytes) == Array("/home/user/".utf8) + [0xFF])
    }

    @Test func `with a NUL lead nowhere`() throws {
        let path = try self.path("/etc/passwd\u{0}.txt")
        #expect(throws: (any Error).self) { try path.raw() }
    }
}
