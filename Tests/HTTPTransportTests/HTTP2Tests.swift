import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// HTTP/2 with prior knowledge, on the port of HTTP/1.1.
@Suite struct HTTP2Tests {
    @Test func `a request is answered`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendHead(.POST, "/length")
            try await stream.sendBody("body".utf8)
            try await stream.sendEnd()
            let reply = try await stream.reply()
            #expect(reply.status == 200)
            #expect(reply.headers.first(name: "content-length") == "4")
            #expect(reply.headers.contains(name: "date"))
            #expect(!reply.headers.contains(name: "connection"))
            #expect(reply.body == ByteBuffer(string: "body"))
        }
    }

    @Test func `both protocols are served at the same time`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let one = try await server.client()
            let two = try await HTTP2Client.connect(to: server.address)
            for _ in 0..<3 {
                let stream = try await two.stream()
                try await stream.sendRequest(.GET, "/path?x")
                #expect(try await stream.reply().body == ByteBuffer(string: "/path x"))
                #expect(try await one.request("GET", "/path?x").text == "/path x")
            }
        }
    }

    @Test func `a preface that comes one byte at a time is recognised`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await server.client()
            let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
            for byte in Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings {
                try await client.send([byte])
            }
            let header = try await client.bytes(9)
            // The first frame of the server is SETTINGS on stream 0.
            #expect(header.getInteger(at: header.readerIndex + 3, as: UInt8.self) == 4)
            #expect(header.getInteger(at: header.readerIndex + 5, as: UInt32.self) == 0)
        }
    }

    @Test func `pieces of both bodies go to and fro on one stream`() async throws {
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendHead(.POST, "/chunked")
            guard case .head(let head) = try await stream.next() else {
                Issue.record("no head")
                return
            }
            #expect(head.status == .ok)
            for number in 0..<10 {
                try await stream.sendBody("piece \(number)".utf8)
                guard case .body(let bytes) = try await stream.next() else {
                    Issue.record("no body")
                    return
                }
                #expect(bytes == ByteBuffer(string: "piece \(number)"))
            }
            try await stream.sendEnd()
            guard case .end = try await stream.next() else {
                Issue.record("no end")
                return
            }
        }
    }

    @Test func `a large body goes both ways unharmed`() async throws {
        let body = Pattern.bytes(4 << 20)
        try await withServer(makeHandler: { EchoHandler($0) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendHead(.POST, "/chunked")
            let sending = Task {
                try await stream.sendBody(body)
                try await stream.sendEnd()
            }
            #expect(try await stream.reply().body == ByteBuffer(bytes: body))
            try await sending.value
        }
    }

    @Test func `many streams run at once`() async throws {
        let waiting = Mailbox<HTTPExchange>()
        try await withServer(answering: { waiting.post($0) }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            var streams: [HTTP2Stream] = []
            for number in 0..<200 {
                let stream = try await client.stream()
                try await stream.sendRequest(.GET, "/\(number)")
                streams.append(stream)
            }
            // All of them have arrived before one is answered, and the last is answered first.
            var exchanges: [HTTPExchange] = []
            for _ in streams { exchanges.append(try await waiting.next()) }
            for exchange in exchanges.reversed() {
                server.eventLoop.execute { exchange.respond(.ok, text: exchange.path) }
            }
            for (number, stream) in streams.enumerated() {
                #expect(try await stream.reply().body == ByteBuffer(string: "/\(number)"))
            }
        }
    }

    @Test func `a stream that the client resets is noticed, and the others go on`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        let ended = Mailbox<HTTPExchangeError?>()
        try await withServer(answering: { exchange in
            exchange.whenEnded { ended.post($0) }
            exchange.begin(.ok, [:])
            exchange.write(ByteBuffer(string: "x"))
            exchange.flush()
            arrived.post(exchange)
        }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let doomed = try await client.stream()
            try await doomed.sendRequest(.GET, "/doomed")
            _ = try await arrived.next()
            let other = try await client.stream()
            try await other.sendRequest(.GET, "/other")
            let exchange = try await arrived.next()
            _ = try await doomed.next()
            await doomed.reset()
            #expect(try await ended.next() == .clientGone)
            server.eventLoop.execute { exchange.end() }
            #expect(try await other.reply().body == ByteBuffer(string: "x"))
            #expect(try await ended.next() == nil)
        }
    }

    @Test func `a connection that the client closes ends all its streams`() async throws {
        let ended = Mailbox<HTTPExchangeError?>()
        let arrived = Mailbox<Void>()
        try await withServer(answering: { exchange in
            exchange.whenEnded { ended.post($0) }
            arrived.post()
        }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            for _ in 0..<3 {
                let stream = try await client.stream()
                try await stream.sendHead(.POST, "/")
                try await arrived.next()
            }
            await client.close()
            for _ in 0..<3 { #expect(try await ended.next() == .clientGone) }
        }
    }

    @Test func `an early answer to a body that goes on arrives`() async throws {
        try await withServer(answering: { $0.respond(.unauthorized, text: "no") }) { server in
            let client = try await HTTP2Client.connect(to: server.address)
            let stream = try await client.stream()
            try await stream.sendHead(.POST, "/")
            let reply = try await stream.reply()
            #expect(reply.status == 401)
            #expect(reply.body == ByteBuffer(string: "no"))
        }
    }

    @Test func `a server holds little of a stream that the client does not read`() async throws {
        let total = 64 << 20
        let piece = ByteBuffer(repeating: 7, count: 64 << 10)
        let limits = HTTPLimits()
        let blocked = Mailbox<Int>()
        try await withServer(
            limits: limits,
            answering: { exchange in
                exchange.begin(.ok, [:])
                let produced = Atomic<Int>(0)
                while exchange.isWritable, produced.load(ordering: .relaxed) < total {
                    exchange.write(piece)
                    exchange.flush()
                    produced.add(piece.readableBytes, ordering: .relaxed)
                }
                blocked.post(produced.load(ordering: .relaxed))
            }
        ) { server in
            // A client that opens the stream and nothing else: the initial window of 65,535 bytes is all it takes.
            let client = try await server.client()
            let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
            // GET / with indexed fields of the static table (RFC 7541, appendix A): method, scheme, path, authority.
            let fields: [UInt8] = [0x82, 0x86, 0x84, 0x41, 0x01, UInt8(ascii: "x")]
            let headers: [UInt8] = [0, 0, UInt8(fields.count), 1, 0x05, 0, 0, 0, 1] + fields
            try await client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings + headers)
            #expect(try await blocked.next() <= limits.writeHighWatermark + (1 << 20))
        }
    }
}
