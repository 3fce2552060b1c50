/// How a router's calls are served.
public struct ConnectSettings: Sendable {
    /// The codecs, by whose names content types are made.
    public var codecs: [any Codec] = [ProtoCodec(), JSONCodec()]
    /// The compressions, the preferred one first.
    public var compressions: [any Compression] = [GzipCompression()] {
        didSet { self.compressionNames = Self.names(of: self.compressions) }
    }
    /// Bytes of a response message that are worth compressing.
    public var minimumCompressedBytes = 1 << 10
    /// What one call may take.
    public var limits = ConnectLimits()
    /// Code around every call; the first is outermost.
    public var interceptors: [any Interceptor] = []

    /// What clients are told of ``compressions``.
    private(set) var compressionNames: String

    /// The defaults.
    public init() {
        self.compressionNames = Self.names(of: self.compressions)
    }

    private static func names(of compressions: [any Compression]) -> String {
        compressions.map(\.name).joined(separator: ", ")
    }
}
