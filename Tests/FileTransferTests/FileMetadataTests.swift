import NIOHTTP1
import Testing

@testable import FileTransfer

@Suite struct FileMetadataTests {
    @Test func `are taken by their first value, with keys in lower case`() throws {
        let headers = HTTPHeaders([
            ("X-Metadata-Author", "me"), ("x-metadata-B", "2"), ("X-METADATA-AUTHOR", "you"),
            ("X-Metadata-", "x"),
            ("Other", "y"),
        ])
        #expect(try FileMetadata(headers).values == ["author": "me", "b": "2"])
        #expect(try FileMetadata(HTTPHeaders()).isEmpty)
    }

    @Test(arguments: [
        ("k", "ü", "metadata value for key \"k\" contains non-printable-ASCII byte 0xc3 at offset 0"),
        ("k", "a\tb", "metadata value for key \"k\" contains non-printable-ASCII byte 0x09 at offset 1"),
        ("k", String(repeating: "v", count: 4087), "total metadata size 4097 exceeds 4096 bytes"),
        (
            String(repeating: "k", count: 247), "",
            "metadata key \"\(String(repeating: "k", count: 247))\" exceeds 246 bytes"
        ),
    ])
    func `that cannot be kept are refused`(key: String, value: String, reason: String) {
        #expect(throws: TransferFailure(.badRequest, "invalid metadata: \(reason)")) {
            try FileMetadata(HTTPHeaders([("X-Metadata-\(key)", value)]))
        }
    }

    @Test func `of the largest size are kept`() throws {
        let values = try FileMetadata(HTTPHeaders([("X-Metadata-k", String(repeating: "v", count: 4086))]))
        #expect(values.values["k"]?.count == 4086)
    }
}
