import EnvdTestSupport
import Glibc
import LinuxIO
import LinuxSystem
import SandboxContext
import SystemPackage
import Testing

/// Links, names and directories that sandboxed code leaves where somebody else's request will pass.
@Suite(.enabled("needs root") { geteuid() == 0 }) struct FileAccessTests {
    static let uid: UInt32 = 54321
    static let account = Account(
        name: "somebody", uid: Self.uid, gid: Self.uid, home: "/", shell: "/bin/sh", groups: [Self.uid])

    private let scratch: ScratchDirectory
    private let access = FileAccess(pool: Children.pool)

    init() throws {
        self.scratch = try ScratchDirectory()
        try self.scratch.directory("home", owner: Self.uid)
        try self.scratch.directory("private", mode: 0o700)
        try self.scratch.file("private/secret", "secret", mode: 0o600)
        try self.scratch.directory("readable")
        try self.scratch.file("readable/secret", "secret", mode: 0o600)
    }

    /// What is in the file at `path`, as `account` gets to see it.
    private func read(
        _ path: String, as account: Account = Self.account, _ access: FileAccess? = nil
    ) async throws(Errno) -> String {
        try await (access ?? self.access).perform(as: account) { resolver throws(Errno) in
            try resolver.open(try RawPath(path), .readOnly).readText()
        }
    }

    /// Writes "written" as an upload does.
    private func write(_ path: String, _ access: FileAccess? = nil) async throws(Errno) {
        try await (access ?? self.access).perform(as: Self.account) { resolver throws(Errno) in
            try resolver.open(try RawPath(path), [.writeOnly, .create, .truncate], mode: 0o666).writeText(
                "written")
        }
    }

    private func secretsAreUntouched() throws -> Bool {
        for name in ["private/secret", "readable/secret"] {
            let status = try #require(self.scratch.status(name))
            guard try self.scratch.content(name) == "secret", status.st_uid == 0, status.st_gid == 0,
                status.st_mode & 0o7777 == 0o600
            else { return false }
        }
        return true
    }

    // MARK: Success

    @Test func `what the account may do is done as the account`() async throws {
        try await self.write(self.scratch("home/new"))
        let status = try #require(self.scratch.status("home/new"))
        #expect(status.st_uid == Self.uid)
        #expect(status.st_gid == Self.uid)
        #expect(try self.scratch.content("home/new") == "written")
    }

    @Test func `what the account is denied is done all the same, and what is made is the account's`()
        async throws
    {
        #expect(try await self.read(self.scratch("private/secret")) == "secret")
        try await self.write(self.scratch("private/new"))
        let status = try #require(self.scratch.status("private/new"))
        #expect(status.st_uid == Self.uid)
        #expect(status.st_gid == Self.uid)
        try await self.write(self.scratch("readable/secret"))
        #expect(try self.scratch.content("readable/secret") == "written")
        #expect(try #require(self.scratch.status("readable/secret")).st_uid == 0)
    }

    @Test func `in the mode user what the account is denied is denied`() async throws {
        let strict = FileAccess(pool: Children.pool, mode: .user)
        await #expect(throws: Errno.permissionDenied) {
            try await self.read(self.scratch("private/secret"), strict)
        }
        await #expect(throws: Errno.permissionDenied) {
            try await self.write(self.scratch("private/new"), strict)
        }
        #expect(self.scratch.status("private/new") == nil)
        try await self.write(self.scratch("home/new"), strict)
        #expect(try self.secretsAreUntouched())
    }

    @Test func `root's own requests follow links as always`() async throws {
        let root = try #require(try Account.named("root"))
        try self.scratch.link("home/link", to: self.scratch("private/secret"), owner: Self.uid)
        #expect(try await self.read(self.scratch("home/link"), as: root) == "secret")
    }

    @Test func `links of root are followed on the second attempt, relative, absolute and in between`()
        async throws
    {
        try self.scratch.link("absolute", to: self.scratch("private/secret"))
        try self.scratch.link("private/relative", to: "../private/../private/./secret")
        try self.scratch.link("directory", to: "private/")
        for path in ["absolute", "private/relative", "directory/secret", "directory/relative"] {
            #expect(try await self.read(self.scratch(path)) == "secret", "\(path)")
        }
    }

    // MARK: Planted links

    @Test func `a planted link to a root-only file leads nowhere`() async throws {
        for target in [self.scratch("private/secret"), "../private/secret", self.scratch("readable/secret")] {
            let link = try self.scratch.link("home/link", to: target, owner: Self.uid)
            await #expect(throws: Errno.permissionDenied) { try await self.read(link) }
            await #expect(throws: Errno.permissionDenied) { try await self.write(link) }
            #expect(try self.secretsAreUntouched())
            unlink(link)
        }
        let shadow = try self.statusOfShadow()
        let link = try self.scratch.link("home/link", to: "/etc/shadow", owner: Self.uid)
        await #expect(throws: Errno.permissionDenied) { try await self.read(link) }
        await #expect(throws: Errno.permissionDenied) { try await self.write(link) }
        #expect(try self.statusOfShadow() == shadow)
    }

    private func statusOfShadow() throws -> [Int64] {
        let status = try OwnedDescriptor.open("/etc/shadow", .pathOnly).status()
        return [
            Int64(status.mode), Int64(status.uid), Int64(status.gid), status.size, status.modifiedSeconds,
            Int64(status.modifiedNanoseconds),
        ]
    }

    @Test func `a planted link on the way leads nowhere`() async throws {
        try self.scratch.link("home/way", to: "../private", owner: Self.uid)
        for path in ["home/way/secret", "home/way/../private/secret", "home/way/new"] {
            await #expect(throws: Errno.permissionDenied) { try await self.write(self.scratch(path)) }
        }
        #expect(self.scratch.status("private/new") == nil)
        #expect(try self.secretsAreUntouched())
    }

    @Test func `a link of root that leads through a planted one leads nowhere`() async throws {
        try self.scratch.link("home/way", to: "../private", owner: Self.uid)
        try self.scratch.link("private/honest", to: self.scratch("home/way/secret"))
        await #expect(throws: Errno.permissionDenied) { try await self.read(self.scratch("private/honest")) }
    }

    @Test func `a second name for a root-only file does not open it`() async throws {
        for name in ["private/secret", "readable/secret"] {
            try #require(Glibc.link(self.scratch(name), self.scratch("home/name")) == 0)
            await #expect(throws: Errno.permissionDenied) { try await self.read(self.scratch("home/name")) }
            await #expect(throws: Errno.permissionDenied) { try await self.write(self.scratch("home/name")) }
            #expect(try self.secretsAreUntouched())
            unlink(self.scratch("home/name"))
        }
    }

    @Test func `a second name for a link of root does not lead where it leads`() async throws {
        try self.scratch.link("private/link", to: self.scratch("private/secret"))
        try #require(Glibc.link(self.scratch("private/link"), self.scratch("home/link")) == 0)
        await #expect(throws: Errno.permissionDenied) { try await self.write(self.scratch("home/link")) }
        #expect(try self.secretsAreUntouched())
    }

    @Test func `links to the daemon's own open files and directories lead nowhere`() async throws {
        let held = try OwnedDescriptor.open(try RawPath(self.scratch("private")), [.pathOnly, .directory])
        for way in ["/proc/self/fd/\(held.rawValue)", "/proc/\(getpid())/fd/\(held.rawValue)"] {
            await #expect(throws: Errno.self) { try await self.read("\(way)/secret") }
            try self.scratch.link("home/link", to: way, owner: Self.uid)
            await #expect(throws: Errno.self) { try await self.read(self.scratch("home/link/secret")) }
            unlink(self.scratch("home/link"))
        }
        await #expect(throws: Errno.self) {
            try await self.read("/proc/self/root\(self.scratch("private/secret"))")
        }
    }

    @Test func `cycles and long chains of links end, whoever made them`() async throws {
        for owner in [0, Self.uid] {
            try self.scratch.directory("private/\(owner)", owner: owner)
            try self.scratch.link("private/\(owner)/a", to: "b", owner: owner)
            try self.scratch.link("private/\(owner)/b", to: "a", owner: owner)
            await #expect(throws: Errno.permissionDenied) {
                try await self.read(self.scratch("private/\(owner)/a"))
            }
            try self.scratch.link("home/self-\(owner)", to: "self-\(owner)/x", owner: owner)
            await #expect(throws: Errno.tooManySymbolicLinkLevels) {
                try await self.read(self.scratch("home/self-\(owner)"))
            }
        }
    }

    @Test
    func `while the names on its way change all the time, a request never reaches what is not the account's`()
        async throws
    {
        // Three places between which the planted name alternates.
        try self.scratch.directory("home/real", owner: Self.uid)
        try self.scratch.file("home/real/secret", "own", owner: Self.uid)
        try self.scratch.link("home/link", to: "../private", owner: Self.uid)
        try self.scratch.file("home/file", "own", owner: Self.uid)
        try self.scratch.link("home/file-link", to: "../private/secret", owner: Self.uid)
        let renamer = Renamer([
            (self.scratch("home/real"), self.scratch("home/link")),
            (self.scratch("home/file"), self.scratch("home/file-link")),
        ])
        for _ in 0..<2000 {
            for path in ["home/real/secret", "home/file"] {
                do {
                    #expect(try await self.read(self.scratch(path)) != "secret")
                    try await self.write(self.scratch(path))
                } catch {
                    #expect(error == .permissionDenied || error == .notDirectory)
                }
            }
        }
        #expect(try await renamer.stop() > 100)
        #expect(try self.secretsAreUntouched())
    }

    // MARK: Ways

    @Test(arguments: ["", "relative/../../x"]) func `a path without a beginning is not from here`(
        _ path: String
    ) async throws {
        await #expect(throws: Errno.self) { try await self.read(path) }
    }

    @Test func `a location is the directory and the name, whatever slashes there are`() async throws {
        let cases: [(String, String, Bool)] = [
            ("/", ".", true), ("///", ".", true), ("/tmp", "tmp", false), ("//tmp//", "tmp", true),
            ("/tmp/.", ".", false), ("/tmp/..", "..", false), ("/tmp/./x y", "x y", false),
        ]
        for links in [FileResolver.Links.all, .ofRoot] {
            for (path, name, needsDirectory) in cases {
                let location = try FileResolver(links: links, isRetried: false).location(
                    of: try RawPath(path))
                #expect(location.name.text == name)
                #expect(location.needsDirectory == needsDirectory)
            }
        }
    }

    @Test func `step by step leads where the kernel leads, and fails as it does`() async throws {
        try self.scratch.link("home/here", to: ".")
        try self.scratch.link("home/up", to: "..")
        try self.scratch.link("home/root", to: "/")
        try self.scratch.link("home/broken", to: "nothing")
        try self.scratch.file("home/file", "own")
        try self.scratch.link("home/to-file", to: "file")
        try self.scratch.link("home/to-file-slash", to: "file/")
        let home = self.scratch("home")
        let paths = [
            "/", "/.", "/..", "/../..", "//", "/tmp", "/tmp/", "/tmp/.", home, "\(home)/", "\(home)/..",
            "\(home)/here", "\(home)/here/here/up/home/file", "\(home)/root/", "\(home)/root/tmp/..",
            "\(home)/broken", "\(home)/broken/", "\(home)/broken/x", "\(home)/file", "\(home)/file/",
            "\(home)/file/.", "\(home)/file/..", "\(home)/to-file", "\(home)/to-file/",
            "\(home)/to-file-slash",
            "\(home)/no", "\(home)/no/..", "\(home)/\(String(repeating: "n", count: 256))",
            "/\(String(repeating: "d/", count: 2047))x",
        ]
        let flags: [OpenFlags] = [
            .pathOnly, .readOnly, [.pathOnly, .directory], [.pathOnly, .noFollow], [.readOnly, .noFollow],
            [.readOnly, .directory, .noFollow], .writeOnly,
        ]
        for path in paths {
            for flags in flags {
                let path = try RawPath(path)
                let kernel = Self.outcome(FileResolver(links: .all, isRetried: false), path, flags)
                let steps = Self.outcome(FileResolver(links: .ofRoot, isRetried: false), path, flags)
                #expect(kernel == steps, "\(path.text.prefix(80)) \(flags)")
            }
        }
    }

    private static func outcome(
        _ resolver: FileResolver, _ path: RawPath, _ flags: OpenFlags
    ) -> Result<FileStatus.Identity, Errno> {
        do throws(Errno) {
            return .success(try resolver.open(path, flags).status().identity)
        } catch {
            return .failure(error)
        }
    }
}
