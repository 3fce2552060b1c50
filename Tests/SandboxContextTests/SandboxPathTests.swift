import Connect
import LinuxSystem
import SandboxContext
import Testing

@Suite struct SandboxPathTests {
    private static let account = Account(
        name: "ann", uid: 1000, gid: 1000, home: "/home/ann", shell: "/bin/sh", groups: [1000])

    @Test(arguments: [
        // Absolute paths stay as they are.
        ("/", "/"), ("/a/b", "/a/b"), ("/a/../b//c/", "/a/../b//c/"), ("//", "//"),
        // The home, and what is below it, cleaned.
        ("~", "/home/ann"), ("~/", "/home/ann"), ("~/a", "/home/ann/a"), ("~//a/./b/../c/", "/home/ann/a/c"),
        ("~\\a", "/home/ann/a"), ("~/..", "/home"), ("~/../../..", "/"),
        // Relative paths are below the home, cleaned.
        ("a", "/home/ann/a"), ("a/", "/home/ann/a"), ("./a//b", "/home/ann/a/b"), ("..", "/home"),
        ("../../../a", "/a"), (".", "/home/ann"), ("a~", "/home/ann/a~"), (" ", "/home/ann/ "),
        ("é/日本", "/home/ann/é/日本"),
    ])
    func `a path means`(_ path: String, _ meaning: String) throws {
        #expect(try SandboxPath.resolve(path, for: Self.account) == meaning)
        // The working directory is only for the empty path.
        #expect(try SandboxPath.resolve(path, for: Self.account, workingDirectory: "/work") == meaning)
    }

    @Test(arguments: [
        (nil, "/home/ann"), ("", "/home/ann"), ("/srv/app", "/srv/app"), ("/srv/../app/", "/srv/../app/"),
        ("~/app", "/home/ann/app"), ("app", "/home/ann/app"),
    ])
    func `the empty path is the working directory, else the home`(_ directory: String?, _ meaning: String)
        throws
    {
        #expect(try SandboxPath.resolve("", for: Self.account, workingDirectory: directory) == meaning)
    }

    @Test(arguments: ["~bob", "~bob/a", "~~", "~ann", "~.", "~é"])
    func `the home of another user is refused`(_ path: String) {
        let error = #expect(throws: ConnectError.self) { try SandboxPath.resolve(path, for: Self.account) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("cannot expand user-specific home dir") == true)
        #expect(error?.message.contains("for user 'ann'") == true)
    }

    @Test func `a home with a trailing slash or of root makes no double slashes`() throws {
        var account = Self.account
        account.home = "/root/"
        #expect(try SandboxPath.resolve("~", for: account) == "/root")
        #expect(try SandboxPath.resolve("a", for: account) == "/root/a")
        account.home = "/"
        #expect(try SandboxPath.resolve("a", for: account) == "/a")
        #expect(try SandboxPath.resolve("", for: account) == "/")
    }

    @Test(arguments: [
        ("", "."), (".", "."), ("/", "/"), ("//", "/"), ("a/..", "."), ("../a", "../a"), ("../..", "../.."),
        ("/..", "/"), ("/a/./b/", "/a/b"), ("a//b", "a/b"), ("a/../../b", "../b"), ("/a/b/../../c", "/c"),
        ("...", "..."), ("..a", "..a"),
        // A mark that goes with the character before it leaves a slash a slash.
        ("/a/../\u{301}x/..", "/"), ("/a//\u{301}b/", "/a/\u{301}b"), ("/d\u{600}/", "/d\u{600}"),
        ("/a/\u{200D}/..", "/a"), ("a/\u{FE0F}", "a/\u{FE0F}"),
    ])
    func `a path is cleaned by its text alone`(_ path: String, _ clean: String) {
        #expect(SandboxPath.clean(path) == clean)
    }
}
