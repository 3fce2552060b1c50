import NIOCore
import Testing

@testable import FileTools

@Suite struct TarTests {
    /// All events of an archive that comes in pieces of `size` bytes; pieces of content are joined.
    private func events(_ archive: ByteBuffer, pieces size: Int) throws -> [TarParser.Event] {
        var parser = TarParser()
        var rest = archive
        var events: [TarParser.Event] = []
        while true {
            switch try parser.next() {
            case .hungry:
                guard rest.readableBytes > 0,
                    let piece = rest.readSlice(length: min(size, rest.readableBytes))
                else {
                    return events
                }
                parser.feed(piece)
            case .end:
                return events + [.end]
            case .content(let piece):
                if case .content(var before)? = events.last {
                    before.writeImmutableBuffer(piece)
                    events[events.count - 1] = .content(before)
                } else {
                    events.append(.content(piece))
                }
            case let event:
                events.append(event)
            }
        }
    }

    private func archive(_ entries: [TarEntry], content: String = "") -> ByteBuffer {
        var output = ByteBuffer()
        for entry in entries {
            TarHeader.write(entry, into: &output)
            if entry.kind == .file {
                output.writeString(content)
                output.writeRepeatingByte(0, count: TarHeader.padding(after: entry.size))
            }
        }
        TarHeader.writeEnd(into: &output)
        return output
    }

    private static let long = Array(String(repeating: "directory/", count: 30).utf8)
    private static let entries = [
        TarEntry(
            path: Array("a".utf8), kind: .file, mode: 0o640, uid: 1, gid: 2, size: 5, modified: 1_700_000_000),
        TarEntry(path: Self.long, kind: .directory, mode: 0o755, uid: 3_000_000, gid: 4_000_000, modified: 8),
        TarEntry(path: Array("l".utf8), kind: .symbolicLink, mode: 0o777, target: Self.long),
        TarEntry(path: Array("é".utf8), kind: .hardLink, target: Array("a".utf8)),
        TarEntry(path: Array("old".utf8), kind: .directory, modified: -5),
    ]

    @Test(arguments: [1, 511, 512, 513, 100_000]) func `What was written is read again, however it is cut`(
        size: Int
    ) throws {
        let events = try self.events(self.archive(Self.entries, content: "12345"), pieces: size)
        var expected = Self.entries
        // The owner is not among what is read of records: files belong to who unpacks them.
        (expected[1].uid, expected[1].gid) = (0, 0)
        let rest = expected.dropFirst().map { TarParser.Event.entry($0) }
        #expect(
            events == [.entry(expected[0]), .content(ByteBuffer(string: "12345")), .contentEnd] + rest + [
                .end
            ])
    }

    @Test func `A size that octal digits cannot tell is told in a record`() throws {
        var output = ByteBuffer()
        let entry = TarEntry(path: [0x61], kind: .file, size: 1 << 40)
        TarHeader.write(entry, into: &output)
        #expect(try self.events(output, pieces: 512) == [.entry(entry)])
    }

    @Test func `An archive that ends early has no end`() throws {
        let whole = self.archive(Self.entries, content: "12345")
        for count in stride(from: 0, to: whole.readableBytes - 512, by: 256) {
            let part = try #require(whole.getSlice(at: 0, length: count))
            #expect(try self.events(part, pieces: 1000).last != .end)
        }
    }

    @Test func `What is damaged is refused`() throws {
        for (place, byte) in [(0, 0x62), (124, 0x39), (148, 0x39), (156, 0x53), (200, 0xFF)] as [(Int, UInt8)]
        {
            var archive = self.archive([Self.entries[0]], content: "12345")
            archive.setInteger(byte, at: place)
            #expect(throws: TarParser.Problem.self) { try self.events(archive, pieces: 512) }
        }
    }

    @Test func `What an archive tells of an entry is limited`() {
        var output = ByteBuffer()
        let path = [UInt8](repeating: 0x61, count: TarParser.metadataLimit + 1)
        TarHeader.write(TarEntry(path: path, kind: .file), into: &output)
        #expect(throws: TarParser.Problem.self) { try self.events(output, pieces: 512) }
    }

    @Test(arguments: [
        ("a", "b", true), ("a/b", "../c", true), ("a/b", "../../c", false), ("a", "..", false),
        ("a/b", "..", true),
        ("a/b", "c/../d", false), ("a/b", "/etc", false), ("a/b", "", false), ("a/b/c", "../.././d", true),
        ("a/b", "./x", true),
    ])
    func `Links stay below the directory`(path: String, target: String, isAdmitted: Bool) throws {
        #expect(try ArchivePath(Array(path.utf8)).admits(target: Array(target.utf8)) == isAdmitted)
    }

    @Test(arguments: ["/a", "../a", "a/../b", "a/..", "", "/", String(repeating: "a/", count: 300)])
    func `Paths that lead elsewhere are refused`(path: String) {
        #expect(throws: ToolFailure.self) { try ArchivePath(Array(path.utf8)) }
    }
}
