import EnvdTestSupport
import LinuxSystem
import SystemPackage
import Testing

@Suite struct WatchEventTests {
    /// One event as the kernel lays it out, with the name padded to a multiple of 16.
    private static func bytes(_ watch: Int32, _ mask: UInt32, _ cookie: UInt32, _ name: String) -> [UInt8] {
        var padded = Array(name.utf8)
        if !padded.isEmpty { padded += Array(repeating: 0, count: 16 - padded.count % 16) }
        var bytes: [UInt8] = []
        for field in [UInt32(bitPattern: watch), mask, cookie, UInt32(padded.count)] {
            withUnsafeBytes(of: field) { bytes += $0 }
        }
        return bytes + padded
    }

    @Test func `events are decoded one after the other, without the padding of their names`() throws {
        let bytes =
            Self.bytes(1, 0x100, 0, "a") + Self.bytes(2, 0x4000_0040, 77, "a directory of a long name")
            + Self.bytes(-1, 0x4000, 0, "")
        let events = try bytes.withUnsafeBytes { try WatchEvent.decode($0.bytes) }
        #expect(
            events == [
                WatchEvent(watch: 1, mask: .created, name: Array("a".utf8)),
                WatchEvent(
                    watch: 2, mask: [.movedFrom, .isDirectory], cookie: 77,
                    name: Array("a directory of a long name".utf8)),
                WatchEvent(watch: -1, mask: .overflow),
            ])
    }

    @Test(arguments: [1, 15, 17, 31])
    func `bytes that end inside an event are an error`(_ count: Int) {
        let bytes = Array(Self.bytes(1, 0x100, 0, "a").prefix(count))
        #expect(throws: Errno.invalidArgument) {
            try bytes.withUnsafeBytes { try WatchEvent.decode($0.bytes) }
        }
    }

    @Test func `a watched directory's changes are read, and its watch ends`() throws {
        let scratch = try ScratchDirectory()
        let inotify = try Inotify()
        let directory = try OwnedDescriptor.open(try RawPath(scratch.path), [.readOnly, .directory])
        let watch = try inotify.watch(directory)
        #expect(try inotify.watch(directory) == watch)
        #expect(try inotify.read().events.isEmpty)
        try scratch.file("a", "hello")
        #expect(inotify.readyBytes > 0)
        let events = try inotify.read().events
        #expect(events.first == WatchEvent(watch: watch, mask: .created, name: [UInt8(ascii: "a")]))
        #expect(events.contains { $0.mask == .modified })
        inotify.unwatch(watch)
        #expect(try inotify.read().events == [WatchEvent(watch: watch, mask: .ignored)])
    }

    @Test func `limits are read from the kernel`() throws {
        for limit in InotifyLimit.allCases {
            let value = try #require(limit.value)
            #expect(value > 0)
            #expect(limit.text.contains(" is "))
            #expect(!limit.raise(to: value))
        }
    }
}
