import NIOCore
import Testing

@testable import FileTransfer

@Suite struct QuotedPrintableTests {
    @Test(arguments: [
        ("plain", "plain"), ("a=3Db", "a=b"), ("soft=\r\nbreak", "softbreak"), ("soft=\nbreak", "softbreak"),
        ("trailing  \r\nx", "trailing\r\nx"), ("a  b", "a  b"), ("=C3=BC", "ü"), ("bad=zz", "bad=zz"),
        ("end=", "end="),
        ("=4", "=4"), ("a= \r\nb", "ab"),
    ])
    func `is decoded wherever it is cut`(encoded: String, decoded: String) {
        let bytes = Array(encoded.utf8)
        for cut in 0...bytes.count {
            var decoder = QuotedPrintableDecoder()
            var output = decoder.decode(ByteBuffer(bytes: bytes[..<cut]))
            output.writeImmutableBuffer(decoder.decode(ByteBuffer(bytes: bytes[cut...])))
            if let rest = decoder.finish() { output.writeImmutableBuffer(rest) }
            #expect(String(buffer: output) == decoded, "cut at \(cut)")
        }
    }
}
