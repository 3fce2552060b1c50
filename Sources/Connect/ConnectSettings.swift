/// How a router's calls are served.
public struct ConnectSettings: Sendable {
    /// The codecs, by whose names content types are made.
    public var codecs: [any Codec] = [ProtoCodec(), JSONCodec()]
    /// The compressions, the preferred one first.
    public var compressions: [any Compression] = [GzipCompression()]
    /// Bytes of a response message that are worth compressing.
    public var minimumCompressedBytes = 1 << 10
    /// What one call may take.
    public var limits = ConnectLimits()
    /// Code around every call; the first is outermost.
    public var interceptors: [any Interceptor] = []

    /// The defaults.
    public init() {}
}
