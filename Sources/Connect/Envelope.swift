import NIOCore

/// The frame around each message of a stream: one byte of flags, then a big-endian 32-bit length.
///
/// - SeeAlso: Connect protocol reference, "Enveloped-Message"; gRPC over HTTP/2, "Length-Prefixed-Message".
struct Envelope: Equatable {
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let compressed = Flags(rawValue: 0x01)
        /// Connect's end-of-stream.
        static let endOfStream = Flags(rawValue: 0x02)
        /// gRPC-Web's trailers.
        static let trailers = Flags(rawValue: 0x80)
    }

    static let headerBytes = 5

    var flags: Flags
    var payload: ByteBuffer

    /// Writes the header of an envelope at the start of `buffer`, whose first ``headerBytes`` were kept free.
    static func setHeader(_ flags: Flags, length: Int, in buffer: inout ByteBuffer) {
        buffer.setInteger(flags.rawValue, at: buffer.readerIndex)
        buffer.setInteger(UInt32(clamping: length), at: buffer.readerIndex + 1)
    }

    /// An empty buffer with room for a header at its start.
    static func buffer(payloadCapacity: Int = 0) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Self.headerBytes + payloadCapacity)
        buffer.writeRepeatingByte(0, count: Self.headerBytes)
        return buffer
    }

    /// The whole frame.
    func encoded() -> ByteBuffer {
        var frame = Self.buffer(payloadCapacity: self.payload.readableBytes)
        frame.writeImmutableBuffer(self.payload)
        Self.setHeader(self.flags, length: self.payload.readableBytes, in: &frame)
        return frame
    }
}
