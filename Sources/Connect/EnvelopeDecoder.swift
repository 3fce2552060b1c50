import NIOCore

/// Finds the envelopes in a stream of bytes, however it is cut.
///
/// It holds at most one envelope's payload and what came in one piece behind it: a length above the limit is
/// refused when it is read, before any of the payload.
struct EnvelopeDecoder {
    /// Bytes of one payload at most, uncompressed.
    let limit: Int
    private var buffer = ByteBuffer()

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            self.buffer.discardReadBytes()  // Else a stream that never ends with a piece would grow for ever.
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next complete envelope, or nil if more bytes are needed.
    ///
    /// - Throws: `resourceExhausted` if the payload is longer than the limit.
    mutating func next() throws(ConnectError) -> Envelope? {
        let start = self.buffer.readerIndex
        guard let rawFlags = self.buffer.getInteger(at: start, as: UInt8.self),
            let length = self.buffer.getInteger(at: start + 1, as: UInt32.self)
        else { return nil }
        let flags = Envelope.Flags(rawValue: rawFlags)
        let limit = flags.contains(.compressed) ? ConnectLimits.compressed(self.limit) : self.limit
        guard Int(length) <= limit else {
            throw ConnectError(
                .resourceExhausted, "message size \(length) is larger than configured max \(self.limit)")
        }
        guard self.buffer.readableBytes - Envelope.headerBytes >= Int(length) else { return nil }
        self.buffer.moveReaderIndex(forwardBy: Envelope.headerBytes)
        guard let payload = self.buffer.readSlice(length: Int(length)) else { return nil }
        // Not kept for as long as the stream.
        if self.buffer.readableBytes == 0 { self.buffer = ByteBuffer() }
        return Envelope(flags: flags, payload: payload)
    }

    /// Checks that the stream did not end inside an envelope.
    func finish() throws(ConnectError) {
        let rest = self.buffer.readableBytes
        guard rest > 0 else { return }
        guard rest >= Envelope.headerBytes,
            let length = self.buffer.getInteger(at: self.buffer.readerIndex + 1, as: UInt32.self)
        else {
            throw ConnectError(
                .invalidArgument, "protocol error: incomplete envelope: unexpected EOF")
        }
        let got = rest - Envelope.headerBytes
        throw ConnectError(
            .invalidArgument,
            "protocol error: promised \(length) bytes in enveloped message, got \(got) bytes")
    }
}
