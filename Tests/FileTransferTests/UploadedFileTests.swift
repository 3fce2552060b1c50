import Testing

@testable import FileTransfer

@Suite struct UploadedFileTests {
    @Test func `its JSON has metadata only if there is some, in the order of the keys`() {
        let plain = UploadedFile(name: "a\"b", path: "/x/a\"b", metadata: FileMetadata())
        #expect(plain.json == #"{"name":"a\"b","path":"/x/a\"b","type":"file"}"#)
        let rich = UploadedFile(name: "f", path: "/f", metadata: FileMetadata(["z": "1", "a": "<"]))
        #expect(rich.json == #"{"metadata":{"a":"\u003c","z":"1"},"name":"f","path":"/f","type":"file"}"#)
    }
}
