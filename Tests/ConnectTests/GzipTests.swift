import Connect
import EnvdTestSupport
import NIOCore
import Testing

@Suite struct GzipTests {
    private let gzip = GzipCompression()

    /// `hello, hello, hello`, by another implementation.
    private static let foreign: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 215, 81, 200, 64, 162, 0, 159, 161, 202, 9,
        19, 0, 0, 0,
    ]

    @Test func `what is compressed comes back`() throws {
        for count in [0, 1, 100, 65_535, 65_536, 1 << 20] {
            let message = ByteBuffer(bytes: Pattern.bytes(count))
            let compressed = try self.gzip.compress(message)
            #expect(try self.gzip.decompress(compressed, limit: count) == message)
        }
    }

    @Test func `what others compressed is understood, in several members too`() throws {
        let message = ByteBuffer(string: "hello, hello, hello")
        #expect(try self.gzip.decompress(ByteBuffer(bytes: Self.foreign), limit: 100) == message)
        let twice = try self.gzip.decompress(ByteBuffer(bytes: Self.foreign + Self.foreign), limit: 100)
        #expect(String(buffer: twice) == "hello, hello, hellohello, hello, hello")
    }

    @Test func `nothing is the empty message`() throws {
        #expect(try self.gzip.decompress(ByteBuffer(), limit: 0) == ByteBuffer())
    }

    @Test func `a message larger than the limit is refused`() throws {
        let compressed = try self.gzip.compress(ByteBuffer(bytes: Pattern.bytes(10_000)))
        #expect(try self.gzip.decompress(compressed, limit: 10_000).readableBytes == 10_000)
        let error = #expect(throws: ConnectError.self) { try self.gzip.decompress(compressed, limit: 9_999) }
        #expect(error?.code == .resourceExhausted)
    }

    @Test func `a message that was compressed implausibly well is refused`() throws {
        let compressed = try self.gzip.compress(ByteBuffer(repeating: 0, count: 32 << 20))
        let error = #expect(throws: ConnectError.self) { try self.gzip.decompress(compressed, limit: .max) }
        #expect(error?.code == .resourceExhausted)
    }

    @Test func `what is cut off or not gzip is refused`() throws {
        for count in 1..<Self.foreign.count {
            let error = #expect(throws: ConnectError.self) {
                try self.gzip.decompress(ByteBuffer(bytes: Self.foreign[..<count]), limit: 100)
            }
            #expect(error?.code == .invalidArgument)
        }
        for bytes in [
            Array("plain text".utf8), Self.foreign + [1, 2, 3], [0x1F, 0x8B, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let error = #expect(throws: ConnectError.self) {
                try self.gzip.decompress(ByteBuffer(bytes: bytes), limit: 100)
            }
            #expect(error?.code == .invalidArgument)
        }
        // The last failure leaves nothing behind for the next message.
        let message = try self.gzip.decompress(ByteBuffer(bytes: Self.foreign), limit: 100)
        #expect(String(buffer: message) == "hello, hello, hello")
    }
}
