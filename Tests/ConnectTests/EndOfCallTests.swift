import Connect
import EnvdAPI
import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

/// Calls that do not end by themselves.
@Suite struct EndOfCallTests {
    private static let deadlineError = #"{"code":"deadline_exceeded","message":"context deadline exceeded"}"#

    // MARK: Deadlines

    @Test(arguments: ["hang", "hang on"])
    func `a unary call ends with its deadline, whatever the procedure does`(_ text: String) async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await server.client()
            let reply = try await client.call(
                TestService.echo, "{\"cmd\":\"\(text)\"}", ["Connect-Timeout-Ms: 50"])
            #expect(reply.status == 504)
            #expect(reply["content-type"] == "application/json")
            #expect(reply.text == Self.deadlineError)
            #expect(try await service.events.next() == "began")
            service.release.post()
            #expect(try await service.events.next() == (text == "hang" ? "canceled" : "ended"))
            #expect(try await client.call(TestService.echo, "{}").status == 200)
        }
    }

    @Test(arguments: ["hang", "hang on"])
    func `a stream ends with its deadline, after what it has sent`(_ text: String) async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await server.client()
            let (head, frames) = try await client.stream(
                TestService.repeats, envelope("{\"cmd\":\"\(text)\",\"args\":[\"a\"]}"),
                ["Connect-Timeout-Ms: 500"])
            #expect(head.status == 200)
            #expect(frames.map(\.text) == [#"{"cmd":"a"}"#, "{\"error\":\(Self.deadlineError)}"])
            #expect(try await service.events.next() == "began")
            service.release.post()
            #expect(try await service.events.next() == (text == "hang" ? "canceled" : "ended"))
            #expect(try await client.call(TestService.echo, "{}").status == 200)
        }
    }

    @Test func `a deadline does not wait for a request that never comes`() async throws {
        try await TestService().serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.join, ["Connect-Timeout-Ms: 50"])
            #expect(try await client.head().status == 200)
            let end = try await FrameReader(client).next()
            #expect(end?.text == "{\"error\":\(Self.deadlineError)}")
        }
    }

    @Test(arguments: ["0", "-1"])
    func `a call whose time is over ends at once`(_ timeout: String) async throws {
        try await TestService().serve { server in
            let client = try await server.client()
            let fields = ["Connect-Timeout-Ms: \(timeout)"]
            let reply = try await client.call(TestService.echo, #"{"cmd":"hang"}"#, fields)
            #expect(reply.status == 504)
            let (_, frames) = try await client.stream(
                TestService.repeats, envelope(#"{"cmd":"hang"}"#), fields)
            #expect(frames.map(\.text) == ["{\"error\":\(Self.deadlineError)}"])
        }
    }

    @Test func `a call that ends before its deadline is not disturbed by it`() async throws {
        try await TestService().serve { server in
            let client = try await server.client()
            let reply = try await client.call(
                TestService.echo, #"{"cmd":"a"}"#, ["Connect-Timeout-Ms: 60000"])
            #expect(reply.text == #"{"cmd":"a"}"#)
        }
    }

    @Test(arguments: ["12345678901", "x"])
    func `a timeout that is none is refused in the form of the call`(_ timeout: String) async throws {
        try await TestService().serve { server in
            let client = try await server.client()
            let reply = try await client.call(TestService.echo, "{}", ["Connect-Timeout-Ms: \(timeout)"])
            #expect(reply.status == 400)
            #expect(reply.text.hasPrefix(#"{"code":"invalid_argument","message":"parse timeout: "#))
            let (head, frames) = try await client.stream(
                TestService.repeats, envelope("{}"), ["Connect-Timeout-Ms: \(timeout)"])
            #expect(head.status == 200)
            #expect(frames.map(\.flags) == [2])
            #expect(
                frames[0].text.hasPrefix(#"{"error":{"code":"invalid_argument","message":"parse timeout: "#))
        }
    }

    // MARK: Clients that leave

    @Test func `a client that leaves cancels a unary call`() async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await server.client()
            try await client.sendRequest(
                "POST", "/test.Test/Echo", ["Content-Type: application/json"],
                body: Array(#"{"cmd":"hang"}"#.utf8))
            #expect(try await service.events.next() == "began")
            await client.close()
            #expect(try await service.events.next() == "canceled")
        }
    }

    @Test func `a client that leaves cancels a stream, and so does a reset`() async throws {
        let service = TestService()
        try await service.serve { server in
            for isPolite in [true, false] {
                let client = try await server.client()
                try await client.sendRequest(
                    "POST", "/test.Test/Repeat", ["Content-Type: application/connect+json"],
                    body: envelope(#"{"cmd":"hang","args":["a"]}"#))
                #expect(try await client.head().status == 200)
                #expect(try await service.events.next() == "began")
                if isPolite { await client.close() } else { try await client.reset() }
                #expect(try await service.events.next() == "canceled")
            }
        }
    }

    @Test func `a client that leaves in the middle of its requests cancels the call`() async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await server.client()
            try await client.beginStream(TestService.answer)
            try await client.sendChunk(envelope(#"{"cmd":"hang"}"#) + [0, 0, 0])
            #expect(try await service.events.next() == "began")
            await client.close()
            #expect(try await service.events.next() == "canceled")
            #expect(try await server.client().call(TestService.echo, "{}").status == 200)
        }
    }

    @Test func `a stream of HTTP/2 that is reset cancels its call`() async throws {
        let service = TestService()
        try await service.serve { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendHead(
                .POST, "/test.Test/Answer", ["Content-Type": "application/connect+json"])
            try await stream.sendBody(envelope(#"{"cmd":"hang"}"#))
            #expect(try await service.events.next() == "began")
            await stream.reset()
            #expect(try await service.events.next() == "canceled")
        }
    }

    // MARK: Servers that leave

    @Test func `a shutdown ends streams with unavailable and lets unary calls finish`() async throws {
        let service = TestService()
        try await service.serve { server in
            let unary = try await server.client()
            try await unary.sendRequest(
                "POST", "/test.Test/Echo", ["Content-Type: application/json"],
                body: Array(#"{"cmd":"hang on"}"#.utf8))
            #expect(try await service.events.next() == "began")
            let stream = try await server.client()
            try await stream.sendRequest(
                "POST", "/test.Test/Repeat", ["Content-Type: application/connect+json"],
                body: envelope(#"{"cmd":"hang","args":["a"]}"#))
            #expect(try await service.events.next() == "began")

            let done = Mailbox<Void>()
            server.http.shutDown(grace: .minutes(10)).whenComplete { _ in done.post() }
            let reply = try await stream.reply()
            #expect(
                frames(in: reply.body).map(\.text) == [
                    #"{"cmd":"a"}"#,
                    #"{"error":{"code":"unavailable","message":"the server is shutting down"}}"#,
                ])
            #expect(try await service.events.next() == "canceled")
            #expect(done.pending.isEmpty)
            service.release.post()
            #expect(try await unary.reply().text == #"{"cmd":"hang on"}"#)
            try await done.next()
        }
    }
}
