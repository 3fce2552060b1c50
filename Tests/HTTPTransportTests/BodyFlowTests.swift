import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// Bodies that one side sends faster than the other takes them.
@Suite struct BodyFlowTests {
    /// Bytes that the kernel holds between the two ends of a loopback connection at most.
    private static let kernelBytes = 12 << 20

    @Test func `a server holds little of a response that the client does not read`() async throws {
        let total = 100 << 20
        let piece = ByteBuffer(repeating: 7, count: 64 << 10)
        let produced = Atomic<Int>(0)
        try await withServer(answering: { exchange in
            guard exchange.path == "/large" else { return exchange.respond(.ok) }
            exchange.begin(.ok, ["Content-Length": "\(total)"])
            @Sendable func produce() {
                while produced.load(ordering: .relaxed) < total {
                    guard exchange.isWritable else { return exchange.whenWritable { produce() } }
                    exchange.write(piece)
                    exchange.flush()
                    produced.add(piece.readableBytes, ordering: .relaxed)
                }
                exchange.end()
            }
            produce()
        }) { server in
            let client = try await server.client(receiveBuffer: 64 << 10)
            try await client.sendRequest("GET", "/large")
            #expect(try await client.head()["content-length"] == "\(total)")
            var received = 0
            var most = 0
            while received < total {
                most = max(most, produced.load(ordering: .relaxed) - received)
                received += try await client.bytes(1 << 20).readableBytes
            }
            #expect(received == total)
            #expect(most < Self.kernelBytes)
            #expect(try await client.request("GET", "/").status == 200)
        }
    }

    @Test func `a client cannot send what the handler does not read`() async throws {
        let limits = HTTPLimits()
        let total = 64 << 20
        let arrived = Mailbox<HTTPExchange>()
        let sent = Mailbox<Bool>()
        try await withServer(
            limits: limits,
            answering: { exchange in
                if exchange.path == "/" { arrived.post(exchange) } else { exchange.respond(.ok) }
            }
        ) { server in
            let client = try await server.client()
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(total)\r\n\r\n")
            let exchange = try await arrived.next()
            client.send(ByteBuffer(repeating: 1, count: total)) { sent.post($0) }
            // Time for the body to arrive, if it were taken.
            let other = try await server.client()
            for _ in 0..<300 { #expect(try await other.request("GET", "/other").status == 200) }
            #expect(sent.pending.isEmpty)
            // What has been taken from the client can be read without waiting for it.
            let count = Atomic<Int>(0)
            let ended = Mailbox<Void>()
            @Sendable func read() {
                exchange.readBody { result in
                    guard let bytes = try? result.get() else { return ended.post() }
                    count.add(bytes.readableBytes, ordering: .relaxed)
                    read()
                }
            }
            let atOnce = try await server.eventLoop.submit {
                read()
                return count.load(ordering: .relaxed)
            }.get()
            #expect(atOnce <= limits.bodyReadAhead + (1 << 20))
            try await ended.next()
            #expect(count.load(ordering: .relaxed) == total)
            #expect(try await sent.next())
            server.eventLoop.execute { exchange.respond(.ok, text: "done") }
            #expect(try await client.reply().text == "done")
        }
    }

    @Test(arguments: [10, 512 << 10, 10 << 20])
    func `an answer arrives although the body behind it was not read`(_ length: Int) async throws {
        var limits = HTTPLimits()
        limits.discardedBodyBytes = 1 << 20
        try await withServer(
            limits: limits,
            answering: { exchange in
                if exchange.request.method == .POST {
                    exchange.respond(.unauthorized, text: "no")
                } else {
                    exchange.respond(.ok, text: "next")
                }
            }
        ) { server in
            let client = try await server.client()
            // Like many clients, this one sends all before it reads anything.
            try await client.send(
                Array("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n".utf8)
                    + [UInt8](repeating: 0, count: length))
            let reply = try await client.reply()
            #expect(reply.status == 401)
            #expect(reply.text == "no")
            // A small rest is skipped to save the connection.
            if length <= limits.discardedBodyBytes {
                #expect(try await client.request("GET", "/").text == "next")
            }
        }
    }

    @Test func `a body that is too large is refused with an answer`() async throws {
        try await withServer(makeHandler: { eventLoop in
            let executor = EventLoopTaskExecutor(eventLoop)
            return HTTPClosureHandler { exchange in
                Task(executorPreference: executor) {
                    do throws(HTTPExchangeError) {
                        _ = try await exchange.collectBody(upTo: 1000)
                        exchange.respond(.ok, text: "taken")
                    } catch {
                        exchange.respond(.payloadTooLarge, text: "\(error)")
                    }
                }
            }
        }) { server in
            let client = try await server.client()
            let fits = try await client.request("POST", "/", body: [UInt8](repeating: 1, count: 1000))
            #expect(fits.text == "taken")
            let tooLarge = try await client.request("POST", "/", body: [UInt8](repeating: 1, count: 1001))
            #expect(tooLarge.status == 413)
            #expect(tooLarge.text == "\(HTTPExchangeError.bodyTooLarge(limit: 1000))")
        }
    }

    @Test func `a client that goes away during the response is noticed`() async throws {
        let ended = Mailbox<HTTPExchangeError?>()
        try await withServer(answering: { exchange in
            exchange.whenEnded { ended.post($0) }
            exchange.begin(.ok, [:])
            exchange.write(ByteBuffer(string: "x"))
            exchange.flush()
        }) { server in
            let polite = try await server.client()
            try await polite.sendRequest("GET", "/")
            #expect(try await polite.head().status == 200)
            await polite.close()
            #expect(try await ended.next() == .clientGone)

            let rude = try await server.client()
            try await rude.sendRequest("GET", "/")
            #expect(try await rude.head().status == 200)
            try await rude.reset()
            #expect(try await ended.next() == .clientGone)
        }
    }

    @Test func `a client that goes away in the middle of its body is noticed by who reads it`() async throws {
        let failures = Mailbox<HTTPExchangeError>()
        try await withServer(makeHandler: { eventLoop in
            let executor = EventLoopTaskExecutor(eventLoop)
            return HTTPClosureHandler { exchange in
                Task(executorPreference: executor) {
                    do throws(HTTPExchangeError) {
                        while try await exchange.nextBodyChunk() != nil {}
                    } catch {
                        failures.post(error)
                        // Neither traps nor hangs.
                        exchange.begin(.ok, [:])
                        exchange.write(ByteBuffer(string: "late"))
                        await exchange.writable()
                        exchange.end()
                    }
                }
            }
        }) { server in
            for request in [
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12",
            ] {
                let client = try await server.client()
                try await client.send(request)
                await client.close()
                #expect(try await failures.next() == .clientGone)
            }
        }
    }

    @Test func `who waits for room in a response goes on when the client goes away`() async throws {
        let blocked = Mailbox<Void>()
        let released = Mailbox<Void>()
        try await withServer(makeHandler: { eventLoop in
            let executor = EventLoopTaskExecutor(eventLoop)
            return HTTPClosureHandler { exchange in
                Task(executorPreference: executor) {
                    exchange.begin(.ok, [:])
                    // More than the kernel takes.
                    exchange.write(ByteBuffer(repeating: 1, count: 64 << 20))
                    exchange.flush()
                    blocked.post()
                    await exchange.writable()
                    released.post()
                }
            }
        }) { server in
            let client = try await server.client(receiveBuffer: 64 << 10)
            try await client.sendRequest("GET", "/")
            try await blocked.next()
            #expect(released.pending.isEmpty)
            try await client.reset()
            try await released.next()
        }
    }

    @Test func `breaking off leaves the client with an incomplete response`() async throws {
        try await withServer(answering: { exchange in
            exchange.begin(.ok, [:])
            exchange.write(ByteBuffer(string: "half"))
            exchange.flush()
            exchange.abort()
        }) { server in
            let client = try await server.client()
            try await client.sendRequest("GET", "/")
            #expect(try await client.head().status == 200)
            #expect(try await client.chunk() == ByteBuffer(string: "half"))
            await #expect(throws: UnexpectedEnd.self) { try await client.chunk() }
        }
    }
}
