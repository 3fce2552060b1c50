public import NIOCore

/// A way to make messages smaller.
public protocol Compression: Sendable {
    /// The name in `Content-Encoding` and its relatives, as `gzip`.
    var name: String { get }

    /// `message`, compressed.
    func compress(_ message: ByteBuffer) throws(ConnectError) -> ByteBuffer

    /// What `message` was before it was compressed.
    ///
    /// - Throws: `ConnectError`: `invalidArgument` if it is not in this format, `resourceExhausted` if it has more
    ///   than `limit` bytes or was compressed implausibly well.
    func decompress(_ message: ByteBuffer, limit: Int) throws(ConnectError) -> ByteBuffer
}
