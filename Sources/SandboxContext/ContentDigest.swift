/// Digests by which clients know a file's content.
package enum ContentDigest {
    /// SHA-256, in lower-case hexadecimal digits.
    package static func sha256(of bytes: UnsafeRawBufferPointer) -> String {
        SHA2<UInt32>.hexDigest(of: bytes)
    }
}
