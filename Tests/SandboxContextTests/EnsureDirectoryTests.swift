import EnvdTestSupport
import Glibc
import LinuxSystem
import SandboxContext
import SystemPackage
import Testing

@Suite(.enabled("needs root") { geteuid() == 0 }) struct EnsureDirectoryTests {
    private static let account = FileAccessTests.account
    private let scratch: ScratchDirectory
    private let access = FileAccess(pool: Children.pool)

    init() throws {
        self.scratch = try ScratchDirectory()
        try self.scratch.directory("home", owner: FileAccessTests.uid)
        try self.scratch.directory("private", mode: 0o700)
    }

    private func ensure(_ path: String) async -> DirectoryFailure? {
        do {
            try await self.access.perform(as: Self.account) { resolver throws(DirectoryFailure) in
                _ = try resolver.ensureDirectory(path, for: Self.account)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["home", "private"])
    func `missing directories are made, and are the account's`(_ place: String) async throws {
        #expect(await self.ensure(self.scratch("\(place)/a/./b//c/")) == nil)
        for name in ["a", "a/b", "a/b/c"] {
            let status = try #require(self.scratch.status("\(place)/\(name)"))
            #expect((status.st_uid, status.st_gid) == (FileAccessTests.uid, FileAccessTests.uid))
            #expect(status.st_mode & 0o7777 == 0o755)
        }
        #expect(await self.ensure(self.scratch("\(place)/a/b/c")) == nil)
        #expect(await self.ensure("/") == nil)
        #expect(try #require(self.scratch.status("private")).st_uid == 0)
    }

    @Test func `a file on the way, or at its end, is told`() async throws {
        try self.scratch.file("home/file")
        let message = "path is a file: \(self.scratch("home/file"))"
        for path in ["home/file", "home/file/a", "home/file/a/b"] {
            #expect(await self.ensure(self.scratch(path))?.message == message)
        }
    }

    @Test func `planted links are not gone through with more than the account's powers`() async throws {
        try self.scratch.link("home/way", to: "../private", owner: FileAccessTests.uid)
        for path in ["home/way/new", "home/way/new/deeper", "home/way/../private/new"] {
            #expect(await self.ensure(self.scratch(path))?.errno == .permissionDenied)
        }
        #expect(self.scratch.status("private/new") == nil)
        try self.scratch.link("private/way", to: "../private")
        #expect(await self.ensure(self.scratch("private/way/new")) == nil)
        #expect(try #require(self.scratch.status("private/new")).st_uid == FileAccessTests.uid)
    }

    @Test func `names are known until the account files change, and numbers without a name are themselves`() {
        let names = OwnerNames()
        for _ in 0..<2 {
            #expect(names.now().user(0) == "root")
            #expect(names.now().group(0) == "root")
            #expect(names.now().user(4_000_000_000) == "4000000000")
            #expect(names.now().group(4_000_000_000) == "4000000000")
        }
        for uid in 100_000..<103_000 { #expect(names.now().user(UInt32(uid)) == "\(uid)") }
    }
}
