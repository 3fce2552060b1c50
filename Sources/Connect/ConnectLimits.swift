/// What one call may take.
public struct ConnectLimits: Sendable {
    /// Bytes of the only request of a unary or server-streaming call, uncompressed.
    public var unaryMessageBytes = 64 << 20
    /// Bytes of each message of a stream of requests, uncompressed.
    public var streamedMessageBytes = 64 << 20
    /// Bytes of a response in pieces that are held before the first are sent; if it fails until then, the client gets
    /// the error.
    public var heldResponseBytes = 1 << 20
    /// Bytes of a response in pieces in a protocol that says its length first.
    public var envelopedResponseBytes = 16 << 20

    /// Bytes of one request of a procedure.
    func messageBytes(of kind: ProcedureKind) -> Int {
        switch kind {
        case .unary, .serverStream: self.unaryMessageBytes
        case .clientStream, .bidirectional: self.streamedMessageBytes
        }
    }

    /// Bytes that a message of at most `bytes` may have when it is compressed: what cannot be made smaller grows.
    static func compressed(_ bytes: Int) -> Int {
        bytes + bytes / 1000 + 128
    }

    /// The defaults.
    public init() {}
}
