import Connect
import EnvdAPI
import EnvdTestSupport
import NIOCore
import SwiftProtobuf
import Testing

@Suite struct StreamTests {
    private let service = TestService()

    private func text(_ cmd: String) -> String { "{\"cmd\":\"\(cmd)\"}" }

    /// The only frame of an answer, which is its end.
    private func onlyEnd(_ frames: [ConnectFrame]) throws -> String {
        try #require(frames.count == 1)
        #expect(frames[0].flags == 2)
        return frames[0].text
    }

    // MARK: Server streams

    @Test func `responses come in envelopes, and then the end`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let (head, frames) = try await client.stream(
                TestService.repeats, envelope(#"{"args":["a","b","c"]}"#))
            #expect(head.status == 200)
            #expect(head["content-type"] == "application/connect+json")
            #expect(head["transfer-encoding"] == "chunked")
            #expect(frames.map(\.flags) == [0, 0, 0, 2])
            #expect(frames.map(\.text) == ["a", "b", "c"].map(self.text) + ["{}"])
            // The connection goes on.
            #expect(try await client.call(TestService.echo, "{}").status == 200)
        }
    }

    @Test func `the binary codec has the same envelopes`() async throws {
        try await self.service.serve { server in
            let request: [UInt8] = try TestService.Item.with { $0.args = ["a", ""] }.serializedBytes()
            let reply = try await server.client().request(
                "POST", "/test.Test/Repeat", ["Content-Type: application/connect+proto"],
                body: envelope(request))
            #expect(reply["content-type"] == "application/connect+proto")
            let frames = frames(in: reply.body)
            #expect(frames.map(\.flags) == [0, 0, 2])
            #expect(
                frames.map { Array($0.payload.readableBytesView) } == [[0x0A, 1, 97], [], Array("{}".utf8)])
        }
    }

    @Test func `a request may come in pieces, cut anywhere`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let request = envelope(#"{"args":["a"]}"#)
            for cut in 1..<request.count {
                try await client.beginStream(TestService.repeats)
                try await client.sendChunk(Array(request[..<cut]))
                try await client.sendChunk(Array(request[cut...]))
                try await client.sendLastChunk()
                let reply = try await client.reply()
                #expect(frames(in: reply.body).map(\.text) == [self.text("a"), "{}"], "cut at \(cut)")
            }
        }
    }

    @Test func `an error after messages is in the end, with status 200`() async throws {
        try await self.service.serve { server in
            let (head, frames) = try await server.client().stream(
                TestService.repeats, envelope(#"{"cmd":"fail","args":["a"]}"#))
            #expect(head.status == 200)
            #expect(frames.map(\.flags) == [0, 2])
            #expect(
                frames.last?.text
                    == #"{"error":{"code":"failed_precondition","message":"asked to \u003cfail\u003e"},"#
                    + #""metadata":{"x-reason":["asked"]}}"#)
        }
    }

    @Test func `an error before messages is in the end too`() async throws {
        try await self.service.serve { server in
            let (head, frames) = try await server.client().stream(
                TestService.repeats, envelope(#"{"cmd":"fail strangely"}"#))
            #expect(head.status == 200)
            #expect(
                try self.onlyEnd(frames) == #"{"error":{"code":"internal","message":"internal error"}}"#)
        }
    }

    @Test func `headers can be sent before there is a message, and trailers are in the end`() async throws {
        try await self.service.serve { server in
            let (head, frames) = try await server.client().stream(
                TestService.repeats, envelope(#"{"cmd":"headers"}"#))
            #expect(head["x-header"] == "1")
            #expect(try self.onlyEnd(frames) == #"{"metadata":{"x-trailer":["2"]}}"#)
            let (early, late) = try await server.client().stream(
                TestService.repeats, envelope(#"{"cmd":"headers first"}"#))
            #expect(early["x-header"] == nil)
            #expect(try self.onlyEnd(late) == #"{"metadata":{"x-trailer":["2"]}}"#)
        }
    }

    @Test func `a server stream takes exactly one request`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let (_, none) = try await client.stream(TestService.repeats, [])
            #expect(
                try self.onlyEnd(none)
                    == #"{"error":{"code":"unimplemented","message":"unary request has zero messages"}}"#)
            let (_, two) = try await client.stream(TestService.repeats, envelope("{}") + envelope("{}"))
            #expect(
                try self.onlyEnd(two)
                    == #"{"error":{"code":"unimplemented","message":"unary request has multiple messages"}}"#)
        }
    }

    @Test(arguments: [
        (envelope("{"), "invalid_argument"), (envelope(""), "invalid_argument"),
        (Array(envelope("{}").dropLast()), "invalid_argument"), ([0, 0], "invalid_argument"),
        ([0, 0xFF, 0xFF, 0xFF, 0xFF], "resource_exhausted"),
        ([0, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2, 3], "resource_exhausted"),
        (envelope("{}", flags: 1), "internal"), (envelope("{}", flags: 0x40), "internal"),
        (envelope("{}") + [1], "invalid_argument"),
    ])
    func `what is not one request is refused, and the next call works`(_ body: [UInt8], _ code: String)
        async throws
    {
        try await self.service.serve { server in
            let (head, frames) = try await server.client().stream(TestService.repeats, body)
            #expect(head.status == 200)
            #expect(try self.onlyEnd(frames).hasPrefix(#"{"error":{"code":"\#(code)","message":""#))
            #expect(try await server.client().call(TestService.echo, "{}").status == 200)
        }
    }

    @Test func `a compressed message without an encoding is refused`() async throws {
        try await self.service.serve { server in
            let (_, frames) = try await server.client().stream(TestService.repeats, envelope("{}", flags: 1))
            #expect(
                try self.onlyEnd(frames)
                    == #"{"error":{"code":"internal","message":"protocol error: "#
                    + #"sent compressed message without compression support"}}"#)
        }
    }

    @Test func `an encoding that nobody knows is refused`() async throws {
        try await self.service.serve { server in
            let (head, frames) = try await server.client().stream(
                TestService.repeats, envelope("{}"), ["Connect-Content-Encoding: zstd"])
            #expect(head.status == 200)
            #expect(
                try self.onlyEnd(frames)
                    == #"{"error":{"code":"unimplemented","message":"unknown compression \"zstd\": "#
                    + #"supported encodings are gzip"}}"#)
        }
    }

    @Test func `a huge length is answered although the client goes on sending`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.join)
            try await client.sendChunk([0, 0xFF, 0xFF, 0xFF, 0xFF])
            #expect(try await client.head().status == 200)
            let end = try await FrameReader(client).next()
            #expect(end?.text.contains("resource_exhausted") == true)
        }
    }

    // MARK: Client streams

    @Test func `requests of a client stream are joined to one response`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            let body = ["a", "b", "c"].reduce(into: [UInt8]()) { $0 += envelope(self.text($1)) }
            let (head, frames) = try await client.stream(TestService.join, body)
            #expect(head.status == 200)
            #expect(frames.map(\.text) == [self.text("a b c"), "{}"])
            // Without requests there is a response all the same.
            let (_, empty) = try await client.stream(TestService.join, [])
            #expect(empty.map(\.text) == ["{}", "{}"])
        }
    }

    @Test func `requests arrive as they are sent`() async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.join)
            try await client.sendChunk(envelope(self.text("hang on")))
            #expect(try await service.events.next() == "began")
            try await client.sendChunk(envelope(self.text("b")))
            service.release.post()
            try await client.sendLastChunk()
            let reply = try await client.reply()
            #expect(frames(in: reply.body).map(\.text) == [self.text("hang on b"), "{}"])
        }
    }

    @Test func `an error ends a client stream before its requests do`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.join)
            try await client.sendChunk(envelope(self.text("fail")))
            #expect(try await client.head().status == 200)
            let reader = FrameReader(client)
            #expect(try await reader.next()?.text.contains("failed_precondition") == true)
            #expect(try await reader.next() == nil)
            // What still comes is skipped, and the connection goes on.
            try await client.sendChunk(envelope(self.text("late")))
            try await client.sendLastChunk()
            #expect(try await client.call(TestService.echo, "{}").status == 200)
        }
    }

    @Test func `each request of a stream has the limit for itself`() async throws {
        var settings = ConnectSettings()
        settings.limits.streamedMessageBytes = 100
        try await self.service.serve(settings) { server in
            let client = try await server.client()
            let fits = self.text(String(repeating: "x", count: 90))
            #expect(fits.utf8.count == 100)
            let many = (0..<10).reduce(into: [UInt8]()) { bytes, _ in bytes += envelope(fits) }
            #expect(try await client.stream(TestService.join, many).frames.count == 2)
            let (_, frames) = try await client.stream(TestService.join, envelope(fits + " "))
            #expect(
                try self.onlyEnd(frames)
                    == #"{"error":{"code":"resource_exhausted","message":"message size 101 is larger than "#
                    + #"configured max 100"}}"#)
        }
    }

    // MARK: Both ways

    @Test func `requests and responses may take turns`() async throws {
        try await self.service.serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.answer)
            try await client.sendChunk(envelope(self.text("0")))
            #expect(try await client.head().status == 200)
            let reader = FrameReader(client)
            #expect(try await reader.next()?.text == self.text("answer to 0"))
            for number in 1..<10 {
                try await client.sendChunk(envelope(self.text("\(number)")))
                #expect(try await reader.next()?.text == self.text("answer to \(number)"))
            }
            try await client.sendLastChunk()
            #expect(try await reader.next()?.text == "{}")
            #expect(try await reader.next() == nil)
        }
    }

    @Test func `all requests may come before the first response is read`() async throws {
        try await self.service.serve { server in
            let body = (0..<100).reduce(into: [UInt8]()) { $0 += envelope(self.text("\($1)")) }
            let (_, frames) = try await server.client().stream(TestService.answer, body)
            #expect(frames.map(\.text) == (0..<100).map { self.text("answer to \($0)") } + ["{}"])
        }
    }
}
