public import NIOCore

/// gzip (RFC 1952), through zlib.
///
/// The state of a stream is a quarter of a mebibyte, so that a few are kept for the next messages.
public struct GzipCompression: Compression {
    /// `gzip`.
    public var name: String { "gzip" }

    /// How much larger than the compressed form a message may be, beyond ``ratioFreeBytes``. Deflate's own limit is
    /// about 1,030; what real messages reach is below 100.
    public var maxRatio = 200
    /// Bytes to which a message may grow whatever its ratio.
    public var ratioFreeBytes = 1 << 20

    private let deflaters: StreamPool<Deflater>
    private let inflaters: StreamPool<Inflater>

    /// gzip at zlib's `level`, 1 (fast) to 9 (small).
    public init(level: Int32 = 1) {
        self.deflaters = StreamPool { Deflater(level: level) }
        self.inflaters = StreamPool { Inflater() }
    }

    /// `message`, compressed.
    public func compress(_ message: ByteBuffer) throws(ConnectError) -> ByteBuffer {
        guard let deflater = self.deflaters.take() else {
            throw ConnectError(.resourceExhausted, "not enough memory to compress a message")
        }
        defer { self.deflaters.put(deflater) }
        return deflater.compress(message)
    }

    /// What `message` was before it was compressed.
    public func decompress(_ message: ByteBuffer, limit: Int) throws(ConnectError) -> ByteBuffer {
        // An empty body is an empty message, as other implementations have it.
        guard message.readableBytes > 0 else { return ByteBuffer() }
        guard let inflater = self.inflaters.take() else {
            throw ConnectError(.resourceExhausted, "not enough memory to decompress a message")
        }
        defer { self.inflaters.put(inflater) }
        let plausible = max(self.ratioFreeBytes, message.readableBytes.multipliedClamping(by: self.maxRatio))
        switch inflater.decompress(message, limit: min(limit, plausible)) {
        case .success(let bytes):
            return bytes
        case .failure(.malformed):
            throw ConnectError(.invalidArgument, "decompress message: gzip: invalid data")
        case .failure(.truncated):
            throw ConnectError(.invalidArgument, "decompress message: unexpected EOF")
        case .failure(.tooLarge):
            let reason =
                plausible < limit ? "it was compressed implausibly well" : "configured max \(limit)"
            throw ConnectError(.resourceExhausted, "message size is larger than allowed: \(reason)")
        }
    }
}

extension Int {
    fileprivate func multipliedClamping(by other: Int) -> Int {
        let (product, overflows) = self.multipliedReportingOverflow(by: other)
        return overflows ? .max : product
    }
}
