import NIOCore

/// Decodes Base64 that comes in pieces and may consist of several padded parts, as in gRPC-Web's text form.
struct Base64StreamDecoder {
    /// Characters that do not yet make a group of four.
    private var rest: [UInt8] = []

    /// The bytes that are complete.
    ///
    /// - Throws: `invalidArgument` if a character is not Base64.
    mutating func decode(_ text: ByteBuffer) throws(ConnectError) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(text.readableBytes / 4 * 3 + 3)
        for character in text.readableBytesView {
            self.rest.append(character)
            guard self.rest.count == 4 else { continue }
            guard let group = Base64.decode(self.rest) else {
                throw ConnectError(.invalidArgument, "protocol error: invalid base64")
            }
            bytes.writeBytes(group)
            self.rest.removeAll(keepingCapacity: true)
        }
        return bytes
    }

    /// The bytes of a last group without padding.
    mutating func finish() throws(ConnectError) -> ByteBuffer {
        guard let group = Base64.decode(self.rest) else {
            throw ConnectError(.invalidArgument, "protocol error: incomplete base64")
        }
        self.rest.removeAll()
        return ByteBuffer(bytes: group)
    }
}
