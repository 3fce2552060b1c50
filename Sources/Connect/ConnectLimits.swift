/// What one call may take.
public struct ConnectLimits: Sendable {
    /// Bytes of a unary request, uncompressed.
    public var unaryMessageBytes = 64 << 20
    /// Bytes of one message of a stream, uncompressed.
    public var streamedMessageBytes = 4 << 20

    /// The defaults.
    public init() {}
}
