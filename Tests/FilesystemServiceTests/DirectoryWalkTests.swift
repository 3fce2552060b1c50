import EnvdTestSupport
import Glibc
import LinuxSystem
import SandboxContext
import SystemPackage
import Testing

@testable import FilesystemService

@Suite struct DirectoryWalkTests {
    private let scratch: ScratchDirectory
    private let resolver = FileResolver(links: .all, isRetried: false)

    init() throws {
        self.scratch = try ScratchDirectory()
    }

    private func walk(depth: Int = 10, behind last: String = "") throws -> DirectoryWalk {
        let directory = try OwnedDescriptor.open(try RawPath(self.scratch.path), [.readOnly, .directory])
        return try DirectoryWalk(directory, depth: depth, behind: Array(last.utf8))
    }

    private func rest(of walk: DirectoryWalk) throws -> [String] {
        var paths: [String] = []
        while let step = try walk.next(self.resolver) {
            paths.append(String(decoding: step.above + step.name, as: UTF8.self))
        }
        return paths
    }

    private func makeTree() throws -> [String] {
        for name in ["a", "a/x", "a/x/y", "b", "b/empty"] { try self.scratch.directory(name) }
        for name in ["a-", "a/1", "a/x/y/2", "a/z", "c"] { try self.scratch.file(name) }
        return ["a", "a/1", "a/x", "a/x/y", "a/x/y/2", "a/z", "a-", "b", "b/empty", "c"]
    }

    @Test func `the order is by name, depth first, and begins anywhere`() throws {
        let all = try self.makeTree()
        #expect(try self.rest(of: self.walk()) == all)
        for (index, path) in all.enumerated() {
            #expect(try self.rest(of: self.walk(behind: path)) == Array(all[(index + 1)...]))
        }
        #expect(try self.rest(of: self.walk(depth: 1, behind: "a")) == ["a-", "b", "c"])
        #expect(try self.rest(of: self.walk(depth: 2, behind: "a/x")) == ["a/z", "a-", "b", "b/empty", "c"])
    }

    @Test func `what vanishes or changes its kind is left out`() throws {
        _ = try self.makeTree()
        let walk = try self.walk()
        #expect(try #require(try walk.next(self.resolver)).name.elementsEqual("a".utf8))
        // It has been told, and is another thing before it is gone into.
        try #require(rename(self.scratch("a"), self.scratch("moved")) == 0)
        try self.scratch.link("a", to: "moved")
        unlink(self.scratch("a-"))
        #expect(try self.rest(of: walk) == ["b", "b/empty", "c"])
    }

    @Test func `after a failure it goes on with the entry that failed`() throws {
        _ = try self.makeTree()
        try #require(geteuid() == 0)
        chmod(self.scratch("a"), 0o700)
        let walk = try self.walk()
        let nobody = Credentials(uid: 54321, gid: 54321, groups: [])
        _ = try walk.next(self.resolver)
        for _ in 0..<2 {
            let failure = #expect(throws: DirectoryWalk.Failure.self) {
                try ThreadIdentity.acting(
                    as: nobody, powers: .user,
                    failure: { DirectoryWalk.Failure(errno: $0, call: "", path: []) }
                ) { () throws(DirectoryWalk.Failure) in _ = try walk.next(self.resolver) }
            }
            #expect(failure?.errno == .permissionDenied)
            #expect(failure?.call == "open")
            #expect(failure.map { String(decoding: $0.path, as: UTF8.self) } == "a")
        }
        #expect(try self.rest(of: walk).prefix(3) == ["a/1", "a/x", "a/x/y"])
    }

    @Test func `names are in bytewise order, each once, and found in it`() throws {
        var names = NameList()
        let texts = ["b", "", "a/", "ab", "a", "\u{ff}", "B", "a.b", "aa"]
        for text in texts + texts.dropLast() {
            try Array(text.utf8).withUnsafeBytes { bytes in try names.append(bytes) }
        }
        names.sort()
        let sorted = (0..<names.count).map { String(decoding: names[$0], as: UTF8.self) }
        #expect(sorted == texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        for (position, name) in sorted.enumerated() {
            #expect(names.position(of: Array(name.utf8)[...]) == position)
        }
        #expect(names.position(of: [0x61, 0x61, 0x61]) == 6)
        #expect(names.position(of: [0xff]) == names.count)
    }

    @Test func `a tree that is moved while it is removed is not followed to where it is`() async throws {
        try self.scratch.directory("outside")
        try self.scratch.file("outside/kept")
        for index in 0..<20 {
            try self.scratch.directory("tree-\(index)")
            try self.scratch.directory("tree-\(index)/inner")
            for file in 0..<50 { try self.scratch.file("tree-\(index)/inner/\(file)") }
            try self.scratch.directory("outside/inner-\(index)")
        }
        let renamer = Renamer(
            (0..<20).map { (self.scratch("tree-\($0)/inner"), self.scratch("outside/inner-\($0)")) })
        let directory = try OwnedDescriptor.open(try RawPath(self.scratch.path), [.pathOnly, .directory])
        for index in 0..<20 {
            do throws(TreeRemoval.Failure) {
                try TreeRemoval.remove(try RawPath(name: "tree-\(index)"), in: directory)
            } catch {
                #expect([.staleNFSFileHandle, .directoryNotEmpty].contains(error.errno))
            }
        }
        _ = try? await renamer.stop()
        #expect(self.scratch.status("outside/kept") != nil)
        #expect(self.scratch.status("outside") != nil)
    }
}

extension RawPath {
    fileprivate init(name: String) throws(TreeRemoval.Failure) {
        do {
            try self.init(name)
        } catch {
            throw TreeRemoval.Failure(errno: error, path: .empty)
        }
    }
}
