import Connect
import NIOCore
import Testing

@testable import ProcessService

@Suite struct Base64TextTests {
    @Test func `text is that of the plain implementation, whatever the length`() {
        for count in 0...200 {
            for seed in [0, 1, 255] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 89) }
                var buffer = ByteBuffer(string: "<")
                Base64Text.write(ByteBuffer(bytes: bytes).readableBytesView, into: &buffer)
                buffer.writeString(">")
                #expect(String(buffer: buffer) == "<" + Base64.encode(bytes, padding: true) + ">")
                #expect(Base64Text.length(of: count) == buffer.readableBytes - 2)
            }
        }
    }

    @Test func `every pair of characters is right`() {
        // All values of twelve bits, at both places of three bytes.
        for value in 0..<4096 {
            let bytes = [
                UInt8(value >> 4), UInt8((value & 15) << 4 | value >> 8), UInt8(value & 255),
                // Enough for the fast way.
                1, 2, 3, 4, 5, 6,
            ]
            var buffer = ByteBuffer()
            Base64Text.write(ByteBuffer(bytes: bytes).readableBytesView, into: &buffer)
            #expect(String(buffer: buffer) == Base64.encode(bytes, padding: true))
        }
    }

    @Test func `a part of a buffer is encoded, and nothing behind it`() {
        let whole = ByteBuffer(string: "0123456789abcdef")
        for count in 0...16 {
            guard let part = whole.getSlice(at: 0, length: count) else { continue }
            var buffer = ByteBuffer()
            Base64Text.write(part.readableBytesView, into: &buffer)
            #expect(String(buffer: buffer) == Base64.encode(part.readableBytesView, padding: true))
        }
    }
}
