import LinuxSystem

/// A code that only who has the key can make.
///
/// - SeeAlso: RFC 2104, section 2.
enum HMACSHA256 {
    /// The code of `message`.
    static func code(of message: some Sequence<UInt8>, key: UnsafeRawBufferPointer) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: SHA2<UInt32>.blockBytes)
        defer { block.withUnsafeMutableBytes { wipe($0) } }
        if key.count > block.count {
            for (index, byte) in SHA2<UInt32>.digest(of: key).enumerated() { block[index] = byte }
        } else {
            for (index, byte) in key.enumerated() { block[index] = byte }
        }
        var inner = SHA2<UInt32>()
        inner.update(block.lazy.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA2<UInt32>()
        outer.update(block.lazy.map { $0 ^ 0x5C })
        outer.update(inner.finish())
        return outer.finish()
    }
}
