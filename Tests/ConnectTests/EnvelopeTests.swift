import NIOCore
import Testing

@testable import Connect

@Suite struct EnvelopeTests {
    private static let envelopes = [
        Envelope(flags: [], payload: ByteBuffer()),
        Envelope(flags: [], payload: ByteBuffer(string: "a")),
        Envelope(flags: .compressed, payload: ByteBuffer(repeating: 7, count: 300)),
        Envelope(flags: [], payload: ByteBuffer(string: "bc")),
        Envelope(flags: .endOfStream, payload: ByteBuffer(string: "{}")),
    ]
    private static let bytes = envelopes.reduce(into: [UInt8]()) {
        $0 += Array($1.encoded().readableBytesView)
    }

    private func decode(_ pieces: [ArraySlice<UInt8>]) throws -> [Envelope] {
        var decoder = EnvelopeDecoder(limit: 300)
        var found: [Envelope] = []
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            while let envelope = try decoder.next() { found.append(envelope) }
        }
        try decoder.finish()
        return found
    }

    @Test func `an envelope is flags, a big-endian length and the payload`() {
        let frame = Envelope(flags: .endOfStream, payload: ByteBuffer(repeating: 1, count: 0x102)).encoded()
        #expect(Array(frame.readableBytesView) == [2, 0, 0, 1, 2] + [UInt8](repeating: 1, count: 0x102))
        #expect(
            Array(Envelope(flags: [], payload: ByteBuffer()).encoded().readableBytesView) == [0, 0, 0, 0, 0])
    }

    @Test func `a header is filled in at the front of what was written behind it`() {
        var buffer = Envelope.buffer(payloadCapacity: 10)
        buffer.writeString("abc")
        Envelope.setHeader(.compressed, length: 1000, in: &buffer)
        #expect(Array(buffer.readableBytesView) == [1, 0, 0, 3, 0xE8, 97, 98, 99])
    }

    @Test func `envelopes are found wherever the bytes are cut`() throws {
        let bytes = Self.bytes
        for cut in 0...bytes.count {
            #expect(try self.decode([bytes[..<cut], bytes[cut...]]) == Self.envelopes, "cut at \(cut)")
        }
        for size in [1, 2, 3, 4, 5, 6, 7, 299, 305] {
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                bytes[$0..<min($0 + size, bytes.count)]
            }
            #expect(try self.decode(pieces) == Self.envelopes, "pieces of \(size)")
        }
    }

    @Test func `envelopes are found wherever the bytes are cut twice`() throws {
        let bytes = Array(Self.bytes.suffix(14))
        let expected = Array(Self.envelopes.suffix(2))
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]]
                #expect(try self.decode(pieces) == expected, "cut at \(first) and \(second)")
            }
        }
    }

    @Test(arguments: [UInt32(301), 1 << 20, 1 << 31, .max])
    func `a length above the limit is refused before the payload comes`(_ length: UInt32) {
        var decoder = EnvelopeDecoder(limit: 300)
        var header = ByteBuffer(bytes: [0])
        header.writeInteger(length)
        decoder.append(header)
        let error = #expect(throws: ConnectError.self) { try decoder.next() }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.message == "message size \(length) is larger than configured max 300")
    }

    @Test func `an end inside an envelope is an error that says what is missing`() throws {
        let whole = Array(
            Envelope(flags: [], payload: ByteBuffer(string: "payload")).encoded().readableBytesView)
        for count in 1..<whole.count {
            let error = #expect(throws: ConnectError.self) { try self.decode([whole[..<count]]) }
            #expect(error?.code == .invalidArgument)
            #expect(
                error?.message
                    == (count < 5
                        ? "protocol error: incomplete envelope: unexpected EOF"
                        : "protocol error: promised 7 bytes in enveloped message, got \(count - 5) bytes"))
        }
        #expect(try self.decode([]).isEmpty)
    }
}
