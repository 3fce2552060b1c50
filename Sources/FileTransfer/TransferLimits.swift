/// What one transfer may take from the daemon.
package struct TransferLimits: Sendable {
    /// Bytes of a file that are read before the response begins: smaller files are answered at once.
    package var startBytes = 64 << 10
    /// Bytes of a file that are read, and maybe compressed, at a time.
    package var pieceBytes = 256 << 10
    /// Bytes of a file that are handed to the kernel at a time, to send them by itself.
    package var regionBytes = 4 << 20
    /// Bytes up to which a file of known length is received before it is opened.
    package var heldBytes = 256 << 10
    /// Bytes that a compressed upload may decompress to.
    package var inflatedBytes = 1 << 40
    /// Bytes of a compressed upload that are decompressed at a time: what holds a thread is a thousand times as much.
    package var deflatedPieceBytes = 16 << 10
    /// Parts of one form.
    package var parts = 100_000
    /// Bytes of a request to compose files.
    package var composeRequestBytes = 4 << 20

    package init() {}
}
