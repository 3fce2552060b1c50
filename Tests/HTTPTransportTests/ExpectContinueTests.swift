import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

/// - SeeAlso: RFC 9110, section 10.1.1.
@Suite struct ExpectContinueTests {
    private static let head =
        "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"

    @Test func `a client that asks first is told to go on when its body is read`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await server.client()
            try await client.send(Self.head)
            let exchange = try await arrived.next()
            let body = Mailbox<ByteBuffer?>()
            server.eventLoop.execute { exchange.readBody { body.post((try? $0.get()) ?? nil) } }
            let interim = try await client.head()
            #expect(interim.status == 100)
            #expect(interim.fields.isEmpty)
            try await client.send("body")
            #expect(try await body.next() == ByteBuffer(string: "body"))
            server.eventLoop.execute { exchange.respond(.ok, text: "done") }
            let reply = try await client.reply()
            #expect(reply.status == 200)
            #expect(reply["connection"] == nil)
            #expect(reply.text == "done")
        }
    }

    @Test func `an HTTP/2 client that asks first is told to go on, too`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let stream = try await HTTP2Client.connect(to: server.address).stream()
            try await stream.sendHead(.POST, "/length", ["Expect": "100-continue"])
            let exchange = try await arrived.next()
            let body = Mailbox<ByteBuffer?>()
            server.eventLoop.execute { exchange.readBody { body.post((try? $0.get()) ?? nil) } }
            guard case .head(let interim) = try await stream.next() else {
                Issue.record("no head")
                return
            }
            #expect(interim.status == .continue)
            try await stream.sendBody("body".utf8)
            try await stream.sendEnd()
            #expect(try await body.next() == ByteBuffer(string: "body"))
            server.eventLoop.execute { exchange.respond(.ok, text: "done") }
            let reply = try await stream.reply()
            #expect(reply.status == 200)
            #expect(reply.body == ByteBuffer(string: "done"))
        }
    }

    @Test func `a client that is answered without its body is not told to go on`() async throws {
        try await withServer(answering: { $0.respond(.unauthorized, text: "no") }) { server in
            let client = try await server.client()
            try await client.send(Self.head)
            let reply = try await client.reply()
            #expect(reply.status == 401)
            #expect(reply["connection"] == "close")
            #expect(try await client.rest().readableBytes == 0)
        }
    }

    @Test func `a client that sends its body without waiting is served`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await server.client()
            try await client.send(Self.head + "body")
            var reply = try await client.reply()
            if reply.status == 100 { reply = try await client.reply() }
            #expect(reply.text == "body")
            #expect(try await client.request("GET", "/path").text == "/path -")
        }
    }

    @Test func `an HTTP/1.0 client is never told to go on`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await server.client()
            try await client.send(
                "POST /length HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
            #expect(try await client.reply().text == "body")
        }
    }
}
