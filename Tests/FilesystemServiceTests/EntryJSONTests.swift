import EnvdAPI
import EnvdTestSupport
import Glibc
import LinuxSystem
import SandboxContext
import SwiftProtobuf
import SystemPackage
import Testing

@testable import FilesystemService

/// What is written by hand, against SwiftProtobuf.
@Suite struct EntryJSONTests {
    private let scratch: ScratchDirectory
    private let names = OwnerNames().now()

    init() throws {
        self.scratch = try ScratchDirectory()
    }

    /// The entry's JSON, and the message's.
    private func written(_ name: RawPath, isReduced: Bool = false) throws -> (hand: String, protobuf: String)
    {
        let directory = try OwnedDescriptor.open(try RawPath(self.scratch.path), [.pathOnly, .directory])
        let facts = try EntryFacts(of: name, in: directory, FileResolver(links: .all, isRetried: false))
        var json = EntryJSON(self.names, isReduced: isReduced)
        var bytes: [UInt8] = []
        var above: [UInt8] = []
        EntryJSON.appendEscaped(Array("\(self.scratch.path)/".utf8)[...], to: &above)
        json.append(facts, name.bytes, above: above, to: &bytes)
        var message = Filesystem_EntryInfo(facts, path: "\(self.scratch.path)/\(name.text)", self.names)
        if isReduced { message = message.reduced }
        var options = JSONEncodingOptions()
        options.useDeterministicOrdering = true
        return (String(decoding: bytes, as: UTF8.self), try message.jsonString(options: options))
    }

    private func expectTheSame(_ name: RawPath) throws {
        for isReduced in [false, true] {
            let (hand, protobuf) = try self.written(name, isReduced: isReduced)
            #expect(hand == protobuf)
        }
    }

    @Test(arguments: [
        "plain", "with space", "quote\"", "back\\slash", "new\nline", "\u{1}\u{8}\t\u{c}\r\u{1f}\u{7f}",
        "é日本😀", "\u{80}\u{9f}\u{a0}\u{2028}", "<&>",
    ])
    func `every name`(_ name: String) throws {
        try self.scratch.file(name, "content")
        try self.expectTheSame(try RawPath(name))
    }

    @Test(
        arguments: [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0x61, 0x80, 0x0A]]
            as [[UInt8]])
    func `names that are not UTF-8`(_ name: [UInt8]) throws {
        let path = try RawPath(name)
        let directory = try OwnedDescriptor.open(try RawPath(self.scratch.path), [.pathOnly, .directory])
        _ = try directory.open(path, [.create, .writeOnly], mode: 0o600)
        try self.expectTheSame(path)
    }

    @Test(arguments: [
        (0, 0), (0, 1), (1, 0), (1_700_000_000, 120_000_000), (1_700_000_000, 120_456_000),
        (951_827_696, 999_999_999), (-1, 0), (-1, 999_999_999), (-2_208_988_800, 5), (4_102_444_800, 0),
    ])
    func `every time`(_ seconds: Int64, _ nanoseconds: UInt32) throws {
        let path = try self.scratch.file("file")
        try OwnedDescriptor.open(try RawPath(path), .readOnly).setModified(
            seconds: seconds, nanoseconds: nanoseconds)
        try self.expectTheSame("file")
    }

    @Test func `every kind of entry, with and without metadata`() throws {
        try self.scratch.file("file", "content", mode: 0o4755, owner: 54321)
        try self.scratch.file("empty", mode: 0)
        try self.scratch.directory("directory", mode: 0o1777)
        try self.scratch.link("link", to: "file")
        try self.scratch.link("up", to: "..")
        try self.scratch.link("broken", to: "nothing")
        try #require(mkfifo(self.scratch("fifo"), 0o640) == 0)
        let file = try OwnedDescriptor.open(try RawPath(self.scratch("file")), .readOnly)
        for (key, value) in [("b", "\"\n"), ("a", ""), ("Z", "é")] {
            try file.setAttribute(RawPath(EntryFacts.metadataPrefix + key), Array(value.utf8))
        }
        for name: RawPath in ["file", "empty", "directory", "link", "up", "broken", "fifo"] {
            try self.expectTheSame(name)
        }
    }

    @Test func `days are those of the calendar`() {
        var days: Int64 = -719_162  // 0001-01-01
        var isRight = true
        for year in 1...9999 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            for (month, length) in lengths.enumerated() {
                let (first, last) = (
                    CivilDate(daysSinceEpoch: days), CivilDate(daysSinceEpoch: days + Int64(length) - 1)
                )
                isRight =
                    isRight && (first.year, first.month, first.day) == (year, month + 1, 1)
                    && (last.year, last.month, last.day) == (year, month + 1, length)
                days += Int64(length)
            }
        }
        #expect(isRight)
    }
}
