import NIOCore

@testable import Connect

/// Input: the lengths of pieces, and envelopes in Base64.
enum WebTextFuzzing {
    private static let limit = 1 << 10

    static func run(_ input: FuzzInput) throws {
        var input = input
        let lengths = input.lengths()
        let cut = DecodedEnvelopes(text: input.pieces(lengths), limit: Self.limit)
        let bytes: ByteBuffer
        do {
            var text = Base64StreamDecoder()
            var decoded = try text.decode(input.buffer)
            decoded.writeImmutableBuffer(try text.finish())
            bytes = decoded
        } catch {
            // What comes before the error may be wrong by itself.
            try expect(cut.problem != nil, "malformed text is an error whatever the cuts")
            return
        }
        let whole = DecodedEnvelopes([bytes], limit: Self.limit)
        try expect(whole == cut, "cuts do not change what is decoded: \(whole) and \(cut)")

        let text = ByteBuffer(string: Base64.encode(bytes.readableBytesView, padding: true))
        let again = DecodedEnvelopes(text: [text], limit: Self.limit)
        try expect(whole == again, "encoded again, it decodes to the same")
    }
}
