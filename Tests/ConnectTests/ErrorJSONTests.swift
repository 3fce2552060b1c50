import EnvdAPI
import NIOCore
import NIOHTTP1
import SwiftProtobuf
import Testing

@testable import Connect

@Suite struct ErrorJSONTests {
    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("quote \" backslash \\ slash /", "quote \\\" backslash \\\\ slash /"),
        ("\n\r\t", "\\n\\r\\t"), ("\u{0}\u{1}\u{8}\u{C}\u{1F}", "\\u0000\\u0001\\u0008\\u000c\\u001f"),
        ("\u{7F}", "\\u007f"), ("<a>&", "\\u003ca\\u003e\\u0026"), ("\u{2028}\u{2029}", "\\u2028\\u2029"),
        ("é 日本 🙂 e\u{301}", "é 日本 🙂 e\u{301}"), ("\r\n", "\\r\\n"),
    ])
    func `a string is escaped`(_ text: String, _ json: String) {
        // Scalars, because characters that look alike are equal.
        #expect(Array(JSONText.quoted(text).unicodeScalars) == Array("\"\(json)\"".unicodeScalars))
    }

    @Test func `an error has a code, and a message and details where there are some`() throws {
        #expect(ErrorJSON.error(ConnectError(.internalError, "")) == #"{"code":"internal"}"#)
        #expect(
            ErrorJSON.error(ConnectError(.notFound, "no \"a\" & <b>"))
                == #"{"code":"not_found","message":"no \"a\" \u0026 \u003cb\u003e"}"#)
        let detail = try ErrorDetail(Process_ProcessEvent.StartEvent.with { $0.pid = 300 })
        let other = ErrorDetail(type: "a.B", value: [0xFB, 0xFF])
        #expect(
            ErrorJSON.error(ConnectError(.aborted, "m", details: [detail, other]))
                == #"{"code":"aborted","message":"m","details":[{"type":"process.ProcessEvent.StartEvent","#
                + #""value":"CKwC"},{"type":"a.B","value":"+/8"}]}"#)
    }

    @Test func `the end of a stream has an error and metadata where there are some`() {
        #expect(ErrorJSON.endOfStream(nil, trailers: [:]) == "{}")
        #expect(
            ErrorJSON.endOfStream(ConnectError(.canceled, "c"), trailers: [:])
                == #"{"error":{"code":"canceled","message":"c"}}"#)
        #expect(
            ErrorJSON.endOfStream(nil, trailers: ["X-One": "1", "x-two": "<2>", "x-ONE": "3"])
                == #"{"metadata":{"x-one":["1","3"],"x-two":["\u003c2\u003e"]}}"#)
        #expect(
            ErrorJSON.endOfStream(ConnectError(.unknown, ""), trailers: ["a": "b"])
                == #"{"error":{"code":"unknown"},"metadata":{"a":["b"]}}"#)
    }

    @Test func `every code has its number, name and status`() {
        let table: [(Int, String, UInt)] = [
            (1, "canceled", 499), (2, "unknown", 500), (3, "invalid_argument", 400),
            (4, "deadline_exceeded", 504), (5, "not_found", 404), (6, "already_exists", 409),
            (7, "permission_denied", 403), (8, "resource_exhausted", 429), (9, "failed_precondition", 400),
            (10, "aborted", 409), (11, "out_of_range", 400), (12, "unimplemented", 501),
            (13, "internal", 500),
            (14, "unavailable", 503), (15, "data_loss", 500), (16, "unauthenticated", 401),
        ]
        #expect(ConnectError.Code.allCases.count == table.count)
        for (number, name, status) in table {
            let code = ConnectError.Code(rawValue: number)
            #expect(code?.name == name)
            #expect(code?.httpStatus.code == status)
        }
    }

    @Test func `errors that are not of this library become its own`() {
        struct Foreign: Error {}
        #expect(ConnectError(wrapping: ConnectError(.aborted, "m")).code == .aborted)
        #expect(ConnectError(wrapping: CancellationError()).code == .canceled)
        let foreign = ConnectError(wrapping: Foreign())
        #expect(foreign.code == .internalError)
        #expect(foreign.message == "internal error")
        #expect(foreign.cause is Foreign)
    }
}
