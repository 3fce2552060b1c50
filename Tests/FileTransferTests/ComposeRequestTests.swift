import NIOCore
import Testing

@testable import FileTransfer

@Suite struct ComposeRequestTests {
    @Test func `a request is read`() throws {
        let text = #"{"source_paths": ["a", "b\n"], "destination": "c", "other": {}, "username": null}"#
        let request = try ComposeRequest(ByteBuffer(string: text))
        #expect(request.sources == ["a", "b\n"])
        #expect(request.destination == "c")
        #expect(request.username == nil)
        #expect(try ComposeRequest(ByteBuffer(string: #"{"username":""}"#)).username == "")
        #expect(try ComposeRequest(ByteBuffer(string: "{}")).sources == [])
    }

    @Test(arguments: [
        ("", "EOF"), ("{\"destination\":", "unexpected end of JSON input"),
        ("3", "json: cannot unmarshal number into Go value of type ComposeRequest"),
        (
            #"{"source_paths":[1]}"#,
            "json: cannot unmarshal number into Go struct field ComposeRequest.source_paths of type string"
        ),
        (
            #"{"username":[]}"#,
            "json: cannot unmarshal array into Go struct field ComposeRequest.username of type string"
        ),
    ])
    func `what is none says why`(text: String, reason: String) {
        #expect(throws: ComposeRequest.Problem(text: reason)) {
            try ComposeRequest(ByteBuffer(string: text))
        }
    }
}
