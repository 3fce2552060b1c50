/// The entries in a buffer that ``OwnedDescriptor/readDirectory(into:)`` has filled, but for `.` and `..`.
///
/// Layout: `d_ino: u64`, `d_off: i64`, `d_reclen: u16`, `d_type: u8`, then the name with its NUL and padding up to
/// `d_reclen` bytes in all; host byte order.
///
/// - SeeAlso: getdents(2).
package struct DirectoryEntries: Sequence, IteratorProtocol {
    /// One entry. Its name is in the buffer.
    package struct Entry {
        package var name: UnsafeRawBufferPointer
        /// Whether it is a directory; nil where the file system does not tell.
        package var isDirectory: Bool?
    }

    private static let lengthOffset = 16
    private static let typeOffset = 18
    private static let nameOffset = 19
    /// `DT_UNKNOWN` and `DT_DIR`; dirent.h.
    private static let typeUnknown: UInt8 = 0
    private static let typeDirectory: UInt8 = 4

    private var rest: Slice<UnsafeRawBufferPointer>

    /// The entries in `bytes`, for as long as the buffer exists.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.rest = bytes[...]
    }

    package mutating func next() -> Entry? {
        while self.rest.count > Self.nameOffset {
            let record = UnsafeRawBufferPointer(rebasing: self.rest)
            let length = Int(record.loadUnaligned(fromByteOffset: Self.lengthOffset, as: UInt16.self))
            guard length > Self.nameOffset, length <= record.count else { return nil }
            self.rest = self.rest.dropFirst(length)
            let padded = UnsafeRawBufferPointer(rebasing: record[Self.nameOffset..<length])
            let end = padded.firstIndex(of: 0) ?? padded.count
            let name = UnsafeRawBufferPointer(rebasing: padded[..<end])
            let dot = UInt8(ascii: ".")
            if name.allSatisfy({ $0 == dot }), name.count <= 2 { continue }
            let type = record[Self.typeOffset]
            return Entry(
                name: name, isDirectory: type == Self.typeUnknown ? nil : type == Self.typeDirectory)
        }
        return nil
    }
}
