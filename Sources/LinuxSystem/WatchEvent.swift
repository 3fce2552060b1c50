import Glibc
package import SystemPackage

/// One change that inotify reports.
///
/// - SeeAlso: inotify(7).
package struct WatchEvent: Sendable, Equatable {
    /// What happened; several bits at once are possible.
    package struct Mask: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        private init(_ value: some BinaryInteger) {
            self.rawValue = UInt32(truncatingIfNeeded: value)
        }

        package static let modified = Mask(IN_MODIFY)
        package static let attributesChanged = Mask(IN_ATTRIB)
        package static let movedFrom = Mask(IN_MOVED_FROM)
        package static let movedTo = Mask(IN_MOVED_TO)
        package static let created = Mask(IN_CREATE)
        package static let deleted = Mask(IN_DELETE)
        /// The watched directory itself.
        package static let deletedSelf = Mask(IN_DELETE_SELF)
        /// The watched directory itself.
        package static let movedSelf = Mask(IN_MOVE_SELF)
        /// The file system with the watched directory is gone.
        package static let unmounted = Mask(IN_UNMOUNT)
        /// Events have been dropped; it belongs to no watch.
        package static let overflow = Mask(IN_Q_OVERFLOW)
        /// The watch has ended.
        package static let ignored = Mask(IN_IGNORED)
        /// It happened to a directory.
        package static let isDirectory = Mask(IN_ISDIR)

        /// All that changes what is in a directory, and what happens to the directory itself.
        package static let changes: Mask = [
            .modified, .attributesChanged, .movedFrom, .movedTo, .created, .deleted, .deletedSelf, .movedSelf,
        ]
    }

    /// Which watch it belongs to; -1 for an overflow.
    package var watch: Int32
    package var mask: Mask
    /// The same for both events of a rename, else 0.
    package var cookie: UInt32
    /// The entry's name in the watched directory, as the file system has it; empty when the directory itself
    /// changed.
    package var name: [UInt8]

    package init(watch: Int32, mask: Mask, cookie: UInt32 = 0, name: [UInt8] = []) {
        self.watch = watch
        self.mask = mask
        self.cookie = cookie
        self.name = name
    }

    /// Bytes before the name.
    private static let headBytes = 16

    /// Decodes what one `read(2)` on an inotify descriptor returned.
    ///
    /// Layout: 16 bytes per event (`wd: i32`, `mask: u32`, `cookie: u32`, `len: u32`, host byte order), then
    /// `len` bytes of NUL-padded name; `len` is 0 when the watched object itself changed.
    ///
    /// - Throws: `Errno.invalidArgument` if `bytes` ends inside an event.
    /// - SeeAlso: inotify(7), "Reading events from an inotify file descriptor".
    package static func decode(_ bytes: RawSpan) throws(Errno) -> [WatchEvent] {
        var events: [WatchEvent] = []
        var offset = 0
        while offset < bytes.byteCount {
            guard bytes.byteCount - offset >= Self.headBytes else { throw .invalidArgument }
            let length = Int(bytes.unsafeLoadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            let end = offset + Self.headBytes + length
            guard end <= bytes.byteCount else { throw .invalidArgument }
            let padded = bytes.extracting(offset + Self.headBytes..<end)
            events.append(
                WatchEvent(
                    watch: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int32.self),
                    mask: Mask(
                        rawValue: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)),
                    cookie: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt32.self),
                    name: padded.withUnsafeBytes { Array($0.prefix { $0 != 0 }) }))
            offset = end
        }
        return events
    }
}
