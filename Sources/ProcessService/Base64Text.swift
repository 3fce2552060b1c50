import NIOCore

/// Base64 with padding (RFC 4648, section 4), fast: two characters for every twelve bits from one table.
enum Base64Text {
    /// Pairs of characters, by the twelve bits that they stand for, in the order in which they lie in memory.
    private static let pairs: [UInt16] = {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        return (0..<4096).map { UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8 }
    }()

    /// Characters for `count` bytes.
    static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes `bytes` as text.
    static func write(_ bytes: ByteBufferView, into buffer: inout ByteBuffer) {
        let length = Self.length(of: bytes.count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { target in
            bytes.withUnsafeBytes { source in
                Self.pairs.withUnsafeBufferPointer { pairs in
                    Self.encode(source, pairs, into: target)
                }
            }
            return length
        }
    }

    private static func encode(
        _ source: UnsafeRawBufferPointer, _ pairs: UnsafeBufferPointer<UInt16>,
        into target: UnsafeMutableRawBufferPointer
    ) {
        var input = 0
        var output = 0
        // Six bytes at a time, loaded as eight.
        while input + 8 <= source.count {
            let word = source.loadUnaligned(fromByteOffset: input, as: UInt64.self).bigEndian
            let first = pairs[Int(word >> 52)]
            let second = pairs[Int(word >> 40 & 0xFFF)]
            let third = pairs[Int(word >> 28 & 0xFFF)]
            let fourth = pairs[Int(word >> 16 & 0xFFF)]
            let text =
                UInt64(first) | UInt64(second) << 16 | UInt64(third) << 32 | UInt64(fourth) << 48
            target.storeBytes(of: text.littleEndian, toByteOffset: output, as: UInt64.self)
            input += 6
            output += 8
        }
        while input < source.count {
            let left = min(3, source.count - input)
            var bits = UInt32(source[input]) << 16
            if left > 1 { bits |= UInt32(source[input + 1]) << 8 }
            if left > 2 { bits |= UInt32(source[input + 2]) }
            target.storeBytes(of: pairs[Int(bits >> 12)].littleEndian, toByteOffset: output, as: UInt16.self)
            target.storeBytes(
                of: pairs[Int(bits & 0xFFF)].littleEndian, toByteOffset: output + 2, as: UInt16.self)
            if left < 3 { target[output + 3] = UInt8(ascii: "=") }
            if left < 2 { target[output + 2] = UInt8(ascii: "=") }
            input += left
            output += 4
        }
    }
}
