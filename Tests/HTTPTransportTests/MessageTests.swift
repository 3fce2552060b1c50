import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

/// Requests and responses on one HTTP/1.1 connection.
@Suite struct MessageTests {
    private func withEcho(_ body: (TestServer) async throws -> Void) async throws {
        try await withServer(makeHandler: { EchoHandler($0) }, body)
    }

    @Test func `a connection carries one request after the other`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            for number in 0..<20 {
                let reply = try await client.request("POST", "/length", body: Array("request \(number)".utf8))
                #expect(reply.status == 200)
                #expect(reply.text == "request \(number)")
                #expect(reply["connection"] == nil)
            }
        }
    }

    @Test func `every response has a date and the length of its body`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            let reply = try await client.request("POST", "/length", body: Array("abc".utf8))
            #expect(reply.head.version == "HTTP/1.1")
            #expect(reply["date"]?.hasSuffix(" GMT") == true)
            #expect(reply["content-length"] == "3")
            #expect(reply["transfer-encoding"] == nil)
        }
    }

    @Test func `an empty body has the length 0`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            let reply = try await client.request("POST", "/length", body: [])
            #expect(reply["content-length"] == "0")
            let streamed = try await client.request("POST", "/chunked", body: [])
            #expect(streamed["transfer-encoding"] == "chunked")
            #expect(streamed.body.readableBytes == 0)
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        // Later requests are easier to answer than earlier ones.
        try await withServer(makeHandler: { eventLoop in
            let executor = EventLoopTaskExecutor(eventLoop)
            return HTTPClosureHandler { exchange in
                guard exchange.path != "/now" else { return exchange.respond(.ok, text: "now") }
                Task(executorPreference: executor) {
                    for _ in 0..<10 { await Task.yield() }
                    let body = try await exchange.collectBody(upTo: 1 << 20)
                    exchange.respond(.ok, text: "\(exchange.path) \(String(buffer: body))")
                }
            }
        }) { server in
            let client = try await server.client()
            var requests = ""
            for number in 0..<50 {
                requests += "POST /\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
                requests += "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
            }
            try await client.send(requests)
            for number in 0..<50 {
                #expect(try await client.reply().text == "/\(number) ab")
                #expect(try await client.reply().text == "now")
            }
        }
    }

    @Test func `a response under way is not disturbed by the next request`() async throws {
        let arrived = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrived.post($0) }) { server in
            let client = try await server.client()
            try await client.sendRequest("GET", "/first")
            let first = try await arrived.next()
            try await client.sendRequest("GET", "/second")
            server.eventLoop.execute {
                first.begin(.ok, [:])
                first.flush()
            }
            #expect(try await client.head().status == 200)
            for text in ["one", "two"] {
                server.eventLoop.execute {
                    first.write(ByteBuffer(string: text))
                    first.flush()
                }
                #expect(try await client.chunk() == ByteBuffer(string: text))
            }
            #expect(arrived.pending.isEmpty)
            server.eventLoop.execute { first.end() }
            #expect(try await client.chunk() == nil)
            #expect(try await client.line().isEmpty)
            let second = try await arrived.next()
            #expect(second.path == "/second")
            server.eventLoop.execute { second.respond(.ok, text: "done") }
            #expect(try await client.reply().text == "done")
        }
    }

    @Test(arguments: ["/length", "/chunked"])
    func `a body comes back whole wherever the request is cut`(_ path: String) async throws {
        let body = "0123456789"
        let plain = "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n\(body)"
        let chunked =
            "POST \(path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\n012\r\n5;name=value\r\n34567\r\n2\r\n89\r\n0\r\n\r\n"
        try await self.withEcho { server in
            let client = try await server.client()
            for request in [Array(plain.utf8), Array(chunked.utf8)] {
                for cut in 1..<request.count {
                    try await client.send(request[..<cut])
                    try await client.send(request[cut...])
                    let reply = try await client.reply()
                    #expect(reply.text == body, "cut at \(cut)")
                }
            }
        }
    }

    @Test(arguments: ["/length", "/chunked"])
    func `a request may come one byte at a time`(_ path: String) async throws {
        let request =
            "POST \(path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\n012\r\n7\r\n3456789\r\n0\r\n\r\n"
        try await self.withEcho { server in
            let client = try await server.client()
            for byte in request.utf8 { try await client.send([byte]) }
            #expect(try await client.reply().text == "0123456789")
        }
    }

    @Test(arguments: ["/length", "/chunked"])
    func `a large body goes both ways unharmed`(_ path: String) async throws {
        let sent = Pattern.bytes(8 << 20)
        try await self.withEcho { server in
            let client = try await server.client()
            let head = "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(sent.count)\r\n\r\n"
            client.send(ByteBuffer(bytes: Array(head.utf8) + sent)) { _ in }
            let reply = try await client.reply()
            #expect(reply.body == ByteBuffer(bytes: sent))
        }
    }

    @Test func `trailers follow the body`() async throws {
        try await withServer(answering: { exchange in
            exchange.begin(.ok, [:])
            exchange.write(ByteBuffer(string: "x"))
            exchange.end(trailers: ["X-Sum": "1"])
        }) { server in
            let reply = try await server.client().request("GET", "/")
            #expect(reply.text == "x")
            #expect(reply.trailers.map(\.name) == ["x-sum"])
            #expect(reply.trailers.map(\.value) == ["1"])
        }
    }

    @Test func `a common header does not displace the response's own`() async throws {
        try await withServer(answering: { exchange in
            exchange.addCommonHeader("Vary", "Origin")
            exchange.addCommonHeader("X-Common", "1")
            exchange.respond(.ok, ["Vary": "Accept"])
        }) { server in
            let reply = try await server.client().request("GET", "/")
            #expect(reply.head.values("vary") == ["Accept"])
            #expect(reply["x-common"] == "1")
        }
    }

    @Test func `a second response to the same request is ignored`() async throws {
        try await withServer(answering: { exchange in
            exchange.respond(.ok, text: "first")
            exchange.respond(.ok, text: "second")
            exchange.begin(.ok, [:])
            exchange.write(ByteBuffer(string: "third"))
            exchange.end()
        }) { server in
            let client = try await server.client()
            #expect(try await client.request("GET", "/").text == "first")
            #expect(try await client.request("GET", "/").text == "first")
        }
    }

    @Test func `a request target in absolute form means its path`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            #expect(try await client.request("GET", "http://example.com:80/path?a=b").text == "/path a=b")
        }
    }

    @Test func `an upgrade to h2c is ignored`() async throws {
        try await self.withEcho { server in
            let fields = [
                "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__",
            ]
            let plain = try await server.client().request("GET", "/path", fields)
            #expect(plain.head.version == "HTTP/1.1")
            #expect(plain.status == 200)
            #expect(plain.text == "/path -")
            let withBody = try await server.client().request(
                "POST", "/length", fields, body: Array("body".utf8))
            #expect(withBody.status == 200)
            #expect(withBody.text == "body")
        }
    }

    // MARK: The end of the connection

    @Test func `the connection ends after the response if the client asks for it`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            let reply = try await client.request("POST", "/length", ["Connection: close"], body: [1, 2, 3])
            #expect(reply["connection"] == "close")
            #expect(reply.body == ByteBuffer(bytes: [1, 2, 3]))
            #expect(try await client.rest().readableBytes == 0)
            #expect(try await client.endError() == nil)
        }
    }

    @Test(arguments: ["/length", "/chunked"])
    func `an HTTP/1.0 client gets a body without chunks, and then the end`(_ path: String) async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            try await client.send("POST \(path) HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody")
            let reply = try await client.reply()
            #expect(reply.status == 200)
            #expect(reply["transfer-encoding"] == nil)
            #expect(reply.text == "body")
            #expect(try await client.rest().readableBytes == 0)
        }
    }

    @Test func `the response to HEAD has no body`() async throws {
        try await self.withEcho { server in
            let client = try await server.client()
            #expect(try await client.request("HEAD", "/nowhere").status == 404)
            #expect(try await client.request("GET", "/path").text == "/path -")
        }
    }
}
