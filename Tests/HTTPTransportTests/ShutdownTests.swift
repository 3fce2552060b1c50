import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct ShutdownTests {
    /// Longer than any test waits: a shutdown that uses it up fails.
    private static let grace = TimeAmount.minutes(10)

    private static func shutDown(_ server: TestServer, grace: TimeAmount = Self.grace) -> Mailbox<Void> {
        let done = Mailbox<Void>()
        server.http.shutDown(grace: grace).whenComplete { _ in done.post() }
        return done
    }

    @Test func `a server without connections ends at once`() async throws {
        try await withServer(answering: { $0.respond(.ok) }) { server in
            // Whether the port is closed shows only where no exit test has a copy of the listener.
            try await Self.shutDown(server).next()
        }
    }

    @Test(arguments: ["", "GET / HT"])
    func `a connection that has sent no whole request is closed`(_ bytes: String) async throws {
        var limits = HTTPLimits()
        limits.headerReadTime = Self.grace
        try await withServer(limits: limits, answering: { $0.respond(.ok) }) { server in
            let other = try await server.client()
            let client = try await server.client()
            if !bytes.isEmpty { try await client.send(bytes) }
            // Connections are accepted in order, and bytes read in the order of their arrival, more or less.
            #expect(try await other.request("GET", "/").status == 200)
            let done = Self.shutDown(server)
            #expect(try await client.rest().readableBytes == 0)
            try await done.next()
        }
    }

    @Test func `an idle connection is closed`() async throws {
        try await withServer(answering: { $0.respond(.ok) }) { server in
            let client = try await server.client()
            #expect(try await client.request("GET", "/").status == 200)
            let done = Self.shutDown(server)
            #expect(try await client.rest().readableBytes == 0)
            try await done.next()
        }
    }

    @Test func `a request under way is answered, and then its connection closed`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await server.client()
            try await client.sendRequest("GET", "/")
            let exchange = try await arrived.next()
            let drained = Mailbox<Void>()
            server.eventLoop.execute { exchange.whenDraining { drained.post() } }
            let done = Self.shutDown(server)
            try await drained.next()
            #expect(done.pending.isEmpty)
            server.eventLoop.execute { exchange.respond(.ok, text: "still answered") }
            let reply = try await client.reply()
            #expect(reply.text == "still answered")
            #expect(reply["connection"] == "close")
            #expect(try await client.rest().readableBytes == 0)
            try await done.next()
        }
    }

    @Test func `a body under way is read to its end`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await server.client()
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf")
            let exchange = try await arrived.next()
            let done = Self.shutDown(server)
            let executor = EventLoopTaskExecutor(server.eventLoop)
            let answered = Task(executorPreference: executor) {
                let body = try await exchange.collectBody(upTo: 100)
                exchange.respond(.ok, body: body)
            }
            try await client.send("half")
            #expect(try await client.reply().text == "halfhalf")
            try await answered.value
            try await done.next()
        }
    }

    @Test func `what does not end in time is cut`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await server.client()
            try await client.sendRequest("GET", "/")
            let exchange = try await arrived.next()
            let ended = Mailbox<HTTPExchangeError?>()
            server.eventLoop.execute { exchange.whenEnded { ended.post($0) } }
            try await Self.shutDown(server, grace: .milliseconds(50)).next()
            #expect(try await ended.next() == .clientGone)
            await #expect(throws: (any Error).self) { try await client.reply() }
        }
    }

    @Test func `streams of an HTTP/2 connection are told, may end, and then the connection closes`()
        async throws
    {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendRequest(.GET, "/")
            let exchange = try await arrived.next()
            let drained = Mailbox<Void>()
            server.eventLoop.execute { exchange.whenDraining { drained.post() } }
            let done = Self.shutDown(server)
            try await drained.next()
            server.eventLoop.execute { exchange.respond(.ok, text: "still answered") }
            #expect(try await stream.reply().body == ByteBuffer(string: "still answered"))
            try await client.closed()
            try await done.next()
        }
    }

    @Test func `an idle HTTP/2 connection is closed`() async throws {
        try await withServer(answering: { $0.respond(.ok) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendRequest(.GET, "/")
            #expect(try await stream.reply().status == 200)
            let done = Self.shutDown(server)
            try await client.closed()
            try await done.next()
        }
    }
}
