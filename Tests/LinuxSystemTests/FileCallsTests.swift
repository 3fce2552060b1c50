import Glibc
import LinuxSystem
import SystemPackage
import Testing

@Suite struct FileCallsTests {
    private let scratch: TemporaryDirectory
    private let directory: Directory

    /// Holds an open directory for as long as a test runs.
    private final class Directory {
        let descriptor: OwnedDescriptor

        init(_ path: String) throws {
            self.descriptor = try OwnedDescriptor.open(try RawPath(path), [.readOnly, .directory])
        }
    }

    init() throws {
        self.scratch = try TemporaryDirectory()
        self.directory = try Directory(self.scratch.path)
    }

    @Test func `a path is its bytes`() throws {
        let path: RawPath = "/a//b/../c/"
        #expect(path.components.map { String(decoding: $0, as: UTF8.self) } == ["a", "b", "..", "c"])
        #expect(path.isAbsolute && path.endsWithSlash && !path.isEmpty)
        #expect(path.appending("d").text == "/a//b/../c/d")
        #expect(RawPath.root.appending("d").text == "/d")
        #expect(RawPath("a").appending("b").text == "a/b")
        #expect(RawPath.empty.appending("b") == "b")
        #expect(RawPath("a").appending(.empty) == "a")
        #expect(RawPath.empty.isEmpty && RawPath.empty.components.isEmpty)
        #expect(try RawPath([0x61, 0xFF]).text == "a\u{FFFD}")
        #expect(throws: Errno.invalidArgument) { try RawPath("a\0b".utf8) }
    }

    @Test(arguments: [
        [0..<5], [], [1 << 20..<(1 << 20) + 3], [0..<300_000, 8 << 20..<(8 << 20) + 1],
        [0..<8192, 16384..<20000],
    ])
    func `a copy has the bytes, the size and the holes of its file`(data: [Range<Int>]) throws {
        let size = 12 << 20
        let file = try self.directory.descriptor.open("file", [.create, .readWrite], mode: 0o600)
        for range in data {
            let bytes = range.map { UInt8(truncatingIfNeeded: $0 % 251 + 1) }
            #expect(pwrite(file.rawValue, bytes, bytes.count, range.lowerBound) == bytes.count)
        }
        #expect(ftruncate(file.rawValue, size) == 0)
        let copy = try self.directory.descriptor.open("copy", [.create, .readWrite], mode: 0o600)
        try file.copyWithHoles(to: copy)
        #expect(try copy.status().size == Int64(size))
        #expect(try Self.content(of: copy) == Self.content(of: file))
        var (one, other) = (stat(), stat())
        #expect(fstat(file.rawValue, &one) == 0 && fstat(copy.rawValue, &other) == 0)
        #expect(other.st_blocks <= one.st_blocks)
    }

    @Test func `a copy of a file without holes or without a size is complete`() throws {
        let file = try self.directory.descriptor.open("file", [.create, .readWrite], mode: 0o600)
        try file.writeAll(Array(repeating: 7, count: 100_000))
        let copy = try self.directory.descriptor.open("copy", [.create, .readWrite], mode: 0o600)
        try file.copyWithHoles(to: copy)
        #expect(try Self.content(of: copy) == Array(repeating: 7, count: 100_000))

        let version = try OwnedDescriptor.open("/proc/version", flags: O_RDONLY)
        let text = try self.directory.descriptor.open("version", [.create, .readWrite], mode: 0o600)
        try version.copyWithHoles(to: text)
        #expect(try Self.content(of: text).starts(with: "Linux version".utf8))
    }

    private static func content(of file: borrowing OwnedDescriptor) throws -> [UInt8] {
        try #require(lseek(file.rawValue, 0, SEEK_SET) == 0)
        return try file.readAll(limit: 64 << 20)
    }

    @Test func `the entries of a directory are read as they are, in small pieces and large`() throws {
        var expected: Set<[UInt8]> = [[0xFF], [0x0A]]
        for number in 0..<300 {
            expected.insert(Array(("\(number)" + String(repeating: "x", count: number % 200)).utf8))
        }
        for name in expected {
            _ = try self.directory.descriptor.open(try RawPath(name), [.create, .writeOnly], mode: 0o600)
        }
        try self.directory.descriptor.makeDirectory("directory", mode: 0o700)
        for size in [512, 32 << 10] {
            let reading = try Directory(self.scratch.path)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
            defer { buffer.deallocate() }
            var found: Set<[UInt8]> = []
            while true {
                let count = try reading.descriptor.readDirectory(into: buffer)
                guard count > 0 else { break }
                for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    let isDirectory = entry.name.elementsEqual("directory".utf8)
                    #expect(entry.isDirectory == isDirectory)
                    if !isDirectory { #expect(found.insert(Array(entry.name)).inserted) }
                }
            }
            #expect(found == expected)
        }
    }

    @Test(
        arguments: [[], [0], Array(repeating: 0, count: 19), Array(repeating: 0xFF, count: 64)] as [[UInt8]])
    func `what is no entry is the end`(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in #expect(Array(DirectoryEntries(buffer)).isEmpty) }
    }

    @Test func `attributes are those of the entry, by name and by every kind of descriptor`() throws {
        let path = try self.scratch.file("file", mode: 0o600)
        try #require(symlink("file", "\(self.scratch.path)/link") == 0)
        let opened = try OwnedDescriptor.open(try RawPath(path), .readOnly)
        let place = try OwnedDescriptor.open(try RawPath(path), .pathOnly)
        try opened.setAttribute("user.one", [1, 0, 2])
        try place.setAttribute("user.two", [])
        try self.directory.descriptor.setAttribute("user.three", [3], of: "file")
        #expect(try Set(opened.attributeNames()).isSuperset(of: ["user.one", "user.two", "user.three"]))
        #expect(try place.attributeNames() == opened.attributeNames())
        #expect(try self.directory.descriptor.attributeNames(of: "file") == opened.attributeNames())
        #expect(try place.attribute("user.one") == [1, 0, 2])
        #expect(try opened.attribute("user.two") == [])
        #expect(try self.directory.descriptor.attribute("user.three", of: "file") == [3])
        #expect(try self.directory.descriptor.attributeNames(of: "link").contains("user.one") == false)
        try self.directory.descriptor.removeAttribute("user.one", of: "file")
        try place.removeAttribute("user.two")
        #expect(throws: Errno.self) { try opened.attribute("user.one") }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try self.directory.descriptor.attributeNames(of: "no")
        }
        let large = [UInt8](repeating: 7, count: 3000)
        try opened.setAttribute("user.large", large)
        #expect(try place.attribute("user.large") == large)
    }

    @Test func `a file is what its status says`() throws {
        let path = try self.scratch.file("file", "content", mode: 0o640)
        let status = try self.directory.descriptor.status(of: "file")
        #expect(status.kind == .regular)
        #expect((status.size, status.permissions, status.links) == (7, 0o640, 1))
        #expect(try OwnedDescriptor.open(try RawPath(path), .pathOnly).status().identity == status.identity)
        #expect(try self.directory.descriptor.status().kind == .directory)
        #expect(try OwnedDescriptor.open("/proc", .pathOnly).status().isMountRoot)
        #expect(try !self.directory.descriptor.status().isMountRoot)
    }

    @Test func `names can be exchanged, replaced or kept`() throws {
        let root = try OwnedDescriptor.open(try RawPath(self.scratch.path), [.pathOnly, .directory])
        for (name, text) in [("a", "a"), ("b", "b")] { _ = try self.scratch.file(name, text, mode: 0o600) }
        let (a, b) = (try root.status(of: "a").identity, try root.status(of: "b").identity)
        #expect(throws: Errno.fileExists) { try root.rename("a", to: root, "b", .noReplace) }
        try root.rename("a", to: root, "b", .exchange)
        #expect(try root.status(of: "a").identity == b)
        try root.rename("b", to: root, "a")
        #expect(try root.status(of: "a").identity == a)
        #expect(throws: Errno.noSuchFileOrDirectory) { try root.status(of: "b") }
    }

    @Test(arguments: [0, 1, 70_000, 3 << 20]) func `all of a file is copied`(_ count: Int) throws {
        let text = String(repeating: "x", count: count)
        let source = try OwnedDescriptor.open(
            try RawPath(try self.scratch.file("a", text, mode: 0o600)), .readOnly)
        let copy = try self.directory.descriptor.open("b", [.create, .readWrite], mode: 0o600)
        #expect(try source.copyAll(to: copy) == Int64(count))
        #expect(try self.directory.descriptor.status(of: "b").size == Int64(count))
    }

    @Test func `a file that does not tell its size is copied too`() throws {
        let source = try OwnedDescriptor.open("/proc/self/status", .readOnly)
        let copy = try self.directory.descriptor.open("copy", [.create, .readWrite], mode: 0o600)
        #expect(try source.copyAll(to: copy) > 100)
        #expect(throws: Errno.fileTooLarge) {
            try OwnedDescriptor.open("/dev/zero", .readOnly).readAll(limit: 1 << 20)
        }
    }

    @Test func `an open file knows its path until it has none`() throws {
        let path = try RawPath(try self.scratch.file("file", mode: 0o600))
        let file = try OwnedDescriptor.open(path, .pathOnly)
        #expect(file.currentPath() == path)
        try self.directory.descriptor.remove("file")
        #expect(file.currentPath() == nil)
    }

    @Test func `mounts are decoded, and found below a directory`() throws {
        let text = """
            22 28 0:20 / /proc rw - proc proc rw
            30 28 0:25 / / rw - ext4 /dev/root rw
            31 28 0:26 / /a\\040b\\134c\\012d rw,nosuid shared:1 - tmpfs tmpfs rw
            32 28 0:26 / /ab rw - tmpfs tmpfs rw
            nonsense

            """
        let table = MountTable(Array(text.utf8))
        #expect(table.points.map(\.text) == ["/proc", "/", "/a b\\c\nd", "/ab"])
        #expect(table.below("/a") == [])
        #expect(table.below("/a b\\c\nd") == [])
        #expect(table.below("/").count == 3)
        #expect(try MountTable.current().points.contains("/proc"))
    }
}
