import Connect
import EnvdAPI
import EnvdTestSupport
import NIOCore
import SwiftProtobuf
import Testing

@Suite struct UnaryTests {
    private let service = TestService()

    @Test func `a call is answered in the codec of its request`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let json = try await client.call(TestService.echo, #"{"cmd":"a","args":["b"],"cwd":"/"}"#)
            #expect(json.status == 200)
            #expect(json["content-type"] == "application/json")
            #expect(json.text == #"{"cmd":"a","args":["b"],"cwd":"/"}"#)

            let message = TestService.Item.with {
                $0.cmd = "a"
                $0.envs = ["B": "c"]
            }
            let body: [UInt8] = try message.serializedBytes()
            let proto = try await client.request(
                "POST", "/test.Test/Echo", ["Content-Type: application/proto"], body: body)
            #expect(proto.status == 200)
            #expect(proto["content-type"] == "application/proto")
            #expect(try TestService.Item(serializedBytes: Array(proto.body.readableBytesView)) == message)
        }
    }

    @Test func `fields that nobody knows are ignored, and null is nothing`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let json = try await client.call(TestService.echo, #"{"cmd":"a","unknown":{"x":[1]},"cwd":null}"#)
            #expect(json.text == #"{"cmd":"a"}"#)
            // Field 100, four bytes.
            let proto = try await client.request(
                "POST", "/test.Test/Echo", ["Content-Type: application/proto"],
                body: [0x0A, 1, 97, 0xA2, 6, 4, 1, 2, 3, 4])
            #expect(proto.status == 200)
        }
    }

    @Test func `an empty body is an empty message, but not JSON`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let proto = try await client.request(
                "POST", "/test.Test/Echo", ["Content-Type: application/proto"], body: [])
            #expect(proto.status == 200)
            #expect(proto.body.readableBytes == 0)
            let json = try await client.call(TestService.echo, "")
            #expect(json.status == 400)
            #expect(json.text.contains(#""code":"invalid_argument""#))
            #expect(json.text.contains("zero-length payload is not a valid JSON object"))
        }
    }

    @Test(arguments: [
        "{", "[]", "1", "\"a\"", #"{"cmd":1}"#, #"{"cmd":"a"}x"#, #"{"args":"a"}"#, #"{"cmd":"\ud800"}"#,
        "{\"cmd\":\"",
        #"{"envs":{"a":1}}"#,
    ])
    func `what is not the message is refused, and the next call works`(_ json: String) async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let reply = try await client.call(TestService.echo, json)
            #expect(reply.status == 400)
            #expect(reply["content-type"] == "application/json")
            #expect(reply.text.hasPrefix(#"{"code":"invalid_argument","message":"unmarshal message: "#))
            #expect(reply.text.contains("*process.ProcessConfig"))
            #expect(try await client.call(TestService.echo, #"{"cmd":"a"}"#).status == 200)
        }
    }

    @Test(arguments: [
        [0xFF], [0x0A, 5, 97], [0x0A, 1, 0xFF], [0x08, 1], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        [0x0B], [0x0A, 2, 0xC3, 0x28],
    ])
    func `bytes that are not the message are refused`(_ bytes: [UInt8]) async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let reply = try await client.request(
                "POST", "/test.Test/Echo", ["Content-Type: application/proto"], body: bytes)
            // A known field of another wire type counts as an unknown field.
            #expect(reply.status == (bytes == [0x08, 1] ? 200 : 400))
        }
    }

    @Test func `JSON that is nested without end is refused`() async throws {
        try await self.service.serve { server in
            let json = #"{"unknown":"# + String(repeating: "[", count: 200_000)
            let reply = try await server.client().call(TestService.echo, json)
            #expect(reply.status == 400)
        }
    }

    @Test func `an error has the status of its code, and its metadata as headers`() async throws {
        try await self.service.serve { server in
            let reply = try await server.client().request(
                "POST", "/test.Test/Echo", ["Content-Type: application/proto"],
                body: try TestService.Item.with { $0.cmd = "fail" }.serializedBytes())
            #expect(reply.status == 400)
            #expect(reply["content-type"] == "application/json")
            #expect(reply["x-reason"] == "asked")
            #expect(reply.text == #"{"code":"failed_precondition","message":"asked to \u003cfail\u003e"}"#)
        }
    }

    @Test func `an error that is not meant for clients does not tell them what it is`() async throws {
        try await self.service.serve { server in
            let reply = try await server.client().call(TestService.echo, #"{"cmd":"fail strangely"}"#)
            #expect(reply.status == 500)
            #expect(reply.text == #"{"code":"internal","message":"internal error"}"#)
        }
    }

    @Test func `headers and trailers of the procedure are headers of the response`() async throws {
        try await self.service.serve { server in
            let reply = try await server.client().call(TestService.echo, #"{"cmd":"headers"}"#)
            #expect(reply["x-header"] == "1")
            #expect(reply["trailer-x-trailer"] == "2")
        }
    }

    @Test func `a message up to the limit is taken, and a larger one refused`() async throws {
        var settings = ConnectSettings()
        settings.limits.unaryMessageBytes = 1000
        try await self.service.serve(settings) { server in
            let client = try await server.client()
            let fits = #"{"cmd":""# + String(repeating: "x", count: 990) + #""}"#
            #expect(fits.utf8.count == 1000)
            #expect(try await client.call(TestService.echo, fits).status == 200)
            let tooLarge = try await client.call(TestService.echo, fits + " ")
            #expect(tooLarge.status == 429)
            #expect(
                tooLarge.text
                    == #"{"code":"resource_exhausted","message":"message size is larger than configured max 1000"}"#
            )
        }
    }

    // MARK: What is refused before the call

    @Test(arguments: ["GET", "PUT", "HEAD", "OPTIONS", "DELETE"])
    func `only POST calls a procedure`(_ method: String) async throws {
        try await self.service.serve { server in
            let reply = try await server.client().request(
                method, "/test.Test/Echo", ["Content-Type: application/json"])
            #expect(reply.status == 405)
            #expect(reply["allow"] == "POST")
            #expect(reply["content-length"] == "0")
        }
    }

    @Test(arguments: [
        "/test.Test/Unknown", "/test.Test/", "/test.Test", "/test.Test/Echo/", "/test.test/Echo",
    ])
    func `a procedure that does not exist is not found`(_ path: String) async throws {
        try await self.service.serve { server in
            let reply = try await server.client().request(
                "POST", path, ["Content-Type: application/json"], body: Array("{}".utf8))
            #expect(reply.status == 404)
            #expect(reply.text == "404 page not found\n")
        }
    }

    @Test(arguments: [
        ("/test.Test/Echo", "text/plain"), ("/test.Test/Echo", "application/connect+json"),
        ("/test.Test/Echo", "application/json; charset=latin-1"), ("/test.Test/Repeat", "application/json"),
        ("/test.Test/Join", "application/proto"), ("/test.Test/Answer", "application/json"),
    ])
    func `another content type is refused with those that are accepted`(_ path: String, _ type: String)
        async throws
    {
        try await self.service.serve { server in
            let client = try await server.client()
            let reply = try await client.request(
                "POST", path, ["Content-Type: \(type)"], body: Array("{}".utf8))
            #expect(reply.status == 415)
            #expect(reply.body.readableBytes == 0)
            let accepted = reply["accept-post"]?.split(separator: ", ").map(String.init) ?? []
            #expect(accepted == accepted.sorted())
            let isUnary = path == "/test.Test/Echo"
            #expect(accepted.contains("application/json") == isUnary)
            #expect(accepted.contains("application/connect+json") == !isUnary)
            // Nor without any.
            #expect(try await client.request("POST", path, body: Array("{}".utf8)).status == 415)
        }
    }

    @Test(arguments: ["2", "", "v1", "1.0"])
    func `another protocol version is refused`(_ version: String) async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            #expect(
                try await client.call(TestService.echo, "{}", ["Connect-Protocol-Version: 1"]).status == 200)
            let reply = try await client.call(
                TestService.echo, "{}", ["Connect-Protocol-Version: \(version)"])
            #expect(reply.status == 400)
            #expect(
                reply.text
                    == #"{"code":"invalid_argument","message":"Connect-Protocol-Version must be \"1\": got \"\#(version)\""}"#
            )
        }
    }

    @Test func `an encoding that nobody knows is refused`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let reply = try await client.call(TestService.echo, "{}", ["Content-Encoding: br"])
            #expect(reply.status == 501)
            #expect(
                reply.text
                    == #"{"code":"unimplemented","message":"unknown compression \"br\": supported encodings are gzip"}"#
            )
            #expect(
                try await client.call(TestService.echo, "{}", ["Content-Encoding: identity"]).status == 200)
        }
    }

    @Test func `a compressed request is answered compressed, and small answers are not`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let gzip = GzipCompression()
            let json = #"{"cmd":""# + String(repeating: "large ", count: 1000) + #""}"#
            let compressed = try gzip.compress(ByteBuffer(string: json))
            let fields = ["Content-Type: application/json", "Content-Encoding: gzip"]
            let reply = try await client.request(
                "POST", "/test.Test/Echo", fields, body: Array(compressed.readableBytesView))
            #expect(reply.status == 200)
            #expect(reply["content-encoding"] == "gzip")
            #expect(String(buffer: try gzip.decompress(reply.body, limit: 1 << 20)) == json)
            let small = try await client.call(
                TestService.echo, #"{"cmd":"a"}"#, ["Accept-Encoding: br, gzip"])
            #expect(small["content-encoding"] == nil)
            #expect(small["accept-encoding"] == "gzip")
            let garbage = try await client.request("POST", "/test.Test/Echo", fields, body: [1, 2, 3])
            #expect(garbage.status == 400)
        }
    }

    @Test func `a procedure without side effects may be called with GET`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let reply = try await client.request(
                "GET", "/test.Test/Safe?connect=v1&encoding=json&message=%7B%22cmd%22%3A%22a+b%22%7D")
            #expect(reply.status == 200)
            #expect(reply.text == #"{"cmd":"a b"}"#)
            let base64 = try await client.request(
                "GET", "/test.Test/Safe?connect=v1&encoding=json&base64=1&message=eyJjbWQiOiJhIn0")
            #expect(base64.text == #"{"cmd":"a"}"#)
            #expect(try await client.request("GET", "/test.Test/Safe?encoding=json").status == 400)
            #expect(try await client.request("GET", "/test.Test/Safe?message=a&encoding=x").status == 415)
        }
    }
}
