import NIOCore

@testable import Connect

/// What a stream of bytes has in it: envelopes, and how it ends.
struct DecodedEnvelopes: Equatable {
    private(set) var envelopes: [Envelope] = []
    /// The message of the error that ended it.
    private(set) var problem: String?

    /// Decodes bytes that come in `pieces`.
    init(_ pieces: [ByteBuffer], limit: Int) {
        self.init(limit: limit) { append in
            for piece in pieces { try append(piece) }
        }
    }

    /// Decodes gRPC-Web's text that comes in `pieces`, as a call does.
    init(text pieces: [ByteBuffer], limit: Int) {
        self.init(limit: limit) { append in
            var text = Base64StreamDecoder()
            for piece in pieces { try append(try text.decode(piece)) }
            try append(try text.finish())
        }
    }

    private init(limit: Int, _ body: (_ append: (ByteBuffer) throws -> Void) throws -> Void) {
        var decoder = EnvelopeDecoder(limit: limit)
        var envelopes: [Envelope] = []
        do {
            try body { bytes in
                decoder.append(bytes)
                while let envelope = try decoder.next() { envelopes.append(envelope) }
            }
            try decoder.finish()
        } catch let error as ConnectError {
            self.problem = error.message
        } catch {
            self.problem = "not a ConnectError: \(error)"
        }
        self.envelopes = envelopes
    }
}
