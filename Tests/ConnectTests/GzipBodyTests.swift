import NIOCore
import Testing

@testable import Connect

@Suite struct GzipBodyTests {
    private static let text = ByteBuffer(
        string: (0..<20_000).map { "line \($0 % 97) of a text\n" }.joined())

    /// A member of some pieces, each made in its own way.
    private func member(of content: ByteBuffer, stores: Bool = false) throws -> ByteBuffer {
        let member = try #require(GzipMember())
        var output = ByteBuffer()
        var rest = content
        member.begin(into: &output)
        var index = 0
        while let piece = rest.readSlice(length: min(100_000, rest.readableBytes)), piece.readableBytes > 0 {
            switch index % 3 {
            case 0: member.compress(piece, level: 1, into: &output)
            case 1 where stores: member.store(piece, into: &output)
            default: member.compress(piece, level: 6, into: &output)
            }
            index += 1
        }
        member.end(into: &output)
        return output
    }

    /// What `compressed` decompresses to, fed in pieces.
    private func decompress(
        _ compressed: ByteBuffer, pieces: Int = .max, limit: Int = 1 << 16
    ) throws -> ByteBuffer {
        let body = try GzipBody()
        var output = ByteBuffer()
        var rest = compressed
        while let piece = rest.readSlice(length: min(pieces, rest.readableBytes)), piece.readableBytes > 0 {
            body.feed(piece)
            while let bytes = try body.read(upTo: limit) {
                #expect(bytes.readableBytes <= limit)
                output.writeImmutableBuffer(bytes)
            }
        }
        try body.end()
        return output
    }

    @Test(arguments: [false, true])
    func `come out as they went in, compressed or stored`(stores: Bool) throws {
        let compressed = try self.member(of: Self.text, stores: stores)
        #expect(try self.decompress(compressed) == Self.text)
        // A decoder that is not ours to begin with.
        let other = try GzipCompression().decompress(compressed, limit: 1 << 30)
        #expect(other == Self.text)
    }

    @Test func `of several members are one`() throws {
        var twice = try self.member(of: Self.text)
        twice.writeImmutableBuffer(try self.member(of: ByteBuffer()))
        twice.writeImmutableBuffer(try self.member(of: ByteBuffer(string: "tail")))
        var expected = Self.text
        expected.writeString("tail")
        #expect(try self.decompress(twice) == expected)
    }

    @Test(arguments: [1, 2, 3, 17, 4096])
    func `mean the same in any pieces and with any limit`(size: Int) throws {
        let content = try #require(Self.text.getSlice(at: 0, length: 30_000))
        let compressed = try self.member(of: content)
        #expect(try self.decompress(compressed, pieces: size) == content)
        #expect(try self.decompress(compressed, limit: size) == content)
    }

    @Test func `that are damaged are refused`() throws {
        let good = try self.member(of: ByteBuffer(string: "hello hello hello"))
        for length in 1..<good.readableBytes {
            let cut = try #require(good.getSlice(at: 0, length: length))
            #expect(throws: GzipBody.Problem.truncated) { try self.decompress(cut) }
        }
        var checksum = good
        checksum.setInteger(0 as UInt8, at: good.readableBytes - 5)
        checksum.setInteger(1 as UInt8, at: good.readableBytes - 6)
        #expect(throws: GzipBody.Problem.damaged) { try self.decompress(checksum) }
        #expect(throws: GzipBody.Problem.notGzip) {
            try self.decompress(ByteBuffer(string: "not gzip at all"))
        }
        var trailing = good
        trailing.writeString("garbage garbage")
        #expect(throws: GzipBody.Problem.notGzip) { try self.decompress(trailing) }
    }
}
