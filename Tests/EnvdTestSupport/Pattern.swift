/// Bytes of which no two pieces are alike.
package enum Pattern {
    /// The first `count` bytes of a sequence that repeats itself only after 16 MiB: blocks of 256 bytes, each of which
    /// begins with its number.
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 167) }
            for block in 0..<(count / 256) {
                buffer[block * 256] = UInt8(truncatingIfNeeded: block)
                buffer[block * 256 + 1] = UInt8(truncatingIfNeeded: block >> 8)
            }
            initialized = count
        }
    }
}
