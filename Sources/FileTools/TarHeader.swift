import NIOCore

/// The blocks that stand before an entry's content.
///
/// Layout of a header's 512 bytes: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type 1, link's target
/// 100, magic 6, version 2, owner 32, group 32, device 8 + 8, prefix 155; numbers are octal digits ended by a NUL. What
/// does not fit stands before it, as the content of an entry of type `x`: records of their own length, a space, a
/// keyword, `=`, a value and a line feed.
enum TarHeader {
    static let blockBytes = 512
    private static let nameBytes = 100
    private static let largestID: UInt32 = 0o7777777
    private static let largestNumber: Int64 = 0o77777777777
    private static let extended = UInt8(ascii: "x")

    /// Bytes after a content of `size` bytes up to the next block.
    static func padding(after size: Int64) -> Int {
        let rest = Int(size % Int64(Self.blockBytes))
        return rest == 0 ? 0 : Self.blockBytes - rest
    }

    /// Writes the header of `entry`.
    static func write(_ entry: TarEntry, into output: inout ByteBuffer) {
        var records: [UInt8] = []
        func add(_ keyword: String, _ value: some Collection<UInt8>) {
            records += Self.record(keyword, value)
        }
        if entry.path.count > Self.nameBytes { add("path", entry.path) }
        if entry.target.count > Self.nameBytes { add("linkpath", entry.target) }
        if entry.size > Self.largestNumber { add("size", String(entry.size).utf8) }
        if !(0...Self.largestNumber).contains(entry.modified) { add("mtime", String(entry.modified).utf8) }
        if entry.uid > Self.largestID { add("uid", String(entry.uid).utf8) }
        if entry.gid > Self.largestID { add("gid", String(entry.gid).utf8) }
        if !records.isEmpty {
            let size = Int64(records.count)
            let header = TarEntry(path: Array("PaxHeader".utf8), kind: .file, size: size)
            Self.writeBlock(header, type: Self.extended, into: &output)
            output.writeBytes(records)
            output.writeRepeatingByte(0, count: Self.padding(after: size))
        }
        Self.writeBlock(entry, type: entry.kind.rawValue, into: &output)
    }

    /// Writes what ends an archive.
    static func writeEnd(into output: inout ByteBuffer) {
        output.writeRepeatingByte(0, count: 2 * Self.blockBytes)
    }

    /// A record whose length includes the digits of the length.
    private static func record(_ keyword: String, _ value: some Collection<UInt8>) -> [UInt8] {
        let rest = Array(" \(keyword)=".utf8) + value + [UInt8(ascii: "\n")]
        var length = rest.count
        while String(length).utf8.count + rest.count != length {
            length = String(length).utf8.count + rest.count
        }
        return Array(String(length).utf8) + rest
    }

    private static func writeBlock(_ entry: TarEntry, type: UInt8, into output: inout ByteBuffer) {
        var block: [UInt8] = []
        block.reserveCapacity(Self.blockBytes)
        func text(_ bytes: some Collection<UInt8>, _ width: Int) {
            block += bytes.prefix(width)
            block += repeatElement(0, count: width - min(width, bytes.count))
        }
        func number(_ value: some BinaryInteger, _ width: Int) {
            let digits = String(value, radix: 8).utf8
            block += repeatElement(UInt8(ascii: "0"), count: max(0, width - 1 - digits.count))
            block += digits.prefix(width - 1)
            block.append(0)
        }
        text(entry.path, Self.nameBytes)
        number(entry.mode & 0o7777, 8)
        number(entry.uid > Self.largestID ? 0 : entry.uid, 8)
        number(entry.gid > Self.largestID ? 0 : entry.gid, 8)
        number(entry.kind == .file ? (entry.size > Self.largestNumber ? 0 : entry.size) : 0, 12)
        number((0...Self.largestNumber).contains(entry.modified) ? entry.modified : 0, 12)
        let checksumAt = block.count
        block += repeatElement(UInt8(ascii: " "), count: 8)
        block.append(type)
        text(entry.target, Self.nameBytes)
        text("ustar".utf8, 6)
        block += "00".utf8
        block += repeatElement(0, count: Self.blockBytes - block.count)
        let sum = block.reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8).utf8
        let checksum = Array(repeatElement(UInt8(ascii: "0"), count: max(0, 6 - digits.count))) + digits
        block.replaceSubrange(checksumAt..<checksumAt + 8, with: checksum + [0, UInt8(ascii: " ")])
        output.writeBytes(block)
    }
}
