import NIOCore

@testable import Connect

/// Input: a byte for the limit, the lengths of pieces, and a stream of envelopes.
enum EnvelopeFuzzing {
    static func run(_ input: FuzzInput) throws {
        var input = input
        let limit = Int(input.choice()) * 4
        let lengths = input.lengths()
        let whole = DecodedEnvelopes([input.buffer], limit: limit)
        let cut = DecodedEnvelopes(input.pieces(lengths), limit: limit)
        try expect(whole == cut, "cuts do not change what is decoded: \(whole) and \(cut)")

        var encoded = ByteBuffer()
        for envelope in whole.envelopes {
            let isCompressed = envelope.flags.contains(.compressed)
            let most = isCompressed ? ConnectLimits.compressed(limit) : limit
            try expect(envelope.payload.readableBytes <= most, "a payload is within the limit")
            encoded.writeImmutableBuffer(envelope.encoded())
        }
        let rest = input.rest.dropFirst(encoded.readableBytes)
        try expect(
            encoded.readableBytesView.elementsEqual(input.rest.prefix(encoded.readableBytes)),
            "envelopes encode to what they were decoded from")
        try expect(rest.isEmpty || whole.problem != nil, "a rest is an error")
    }
}
