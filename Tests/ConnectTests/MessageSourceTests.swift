import Connect
import EnvdTestSupport
import NIOCore
import Testing

/// Messages that are pulled from a source as the client takes them.
@Suite struct MessageSourceTests {
    private func begin(_ server: TestServer, receiveBuffer: Int? = nil) async throws -> SocketClient {
        let client = try await server.client(receiveBuffer: receiveBuffer)
        try await client.sendRequest(
            "POST", "/test.Test/Pull", ["Content-Type: application/connect+json"], body: envelope("{}"))
        return client
    }

    @Test(arguments: [true, false])
    func `messages come in order, with payloads that are copied or not`(_ copies: Bool) async throws {
        let service = TestService(source: CountingSource(messages: 5, bytes: 3, copies: copies))
        try await service.serve { server in
            let client = try await self.begin(server)
            let reply = try await client.reply()
            let frames = frames(in: reply.body)
            #expect(frames.map(\.text) == Array(repeating: #"{"cmd":"xxx"}"#, count: 5) + ["{}"])
            #expect(try await service.events.next() == "ended")
            #expect(service.source.isDetached)
        }
    }

    @Test func `a source that waits is pulled again when it is ready`() async throws {
        let service = TestService(source: CountingSource(messages: 3, bytes: 1, ready: 0))
        try await service.serve { server in
            let client = try await self.begin(server)
            service.source.provide(1)
            #expect(try await client.head().status == 200)
            let reader = FrameReader(client)
            #expect(try await reader.next()?.text == #"{"cmd":"x"}"#)
            #expect(service.source.pulled == 1)
            service.source.provide(2)
            #expect(try await reader.next()?.text == #"{"cmd":"x"}"#)
            #expect(try await reader.next()?.text == #"{"cmd":"x"}"#)
            #expect(try await reader.next()?.text == "{}")
        }
    }

    @Test func `a source that fails ends the stream with its error`() async throws {
        let service = TestService(source: CountingSource(messages: 3, bytes: 1, ready: 1))
        try await service.serve { server in
            let client = try await self.begin(server)
            #expect(try await client.head().status == 200)
            let reader = FrameReader(client)
            #expect(try await reader.next()?.text == #"{"cmd":"x"}"#)
            service.source.fail(ConnectError(.dataLoss, "gone"))
            #expect(try await reader.next()?.text == #"{"error":{"code":"data_loss","message":"gone"}}"#)
            #expect(try await service.events.next() == "data_loss")
            #expect(service.source.isDetached)
        }
    }

    @Test func `a source is not pulled faster than the client reads`() async throws {
        let size = 64 << 10
        let count = 1600
        let service = TestService(source: CountingSource(messages: count, bytes: size))
        try await service.serve { server in
            let client = try await self.begin(server, receiveBuffer: 64 << 10)
            #expect(try await client.head().status == 200)
            let reader = FrameReader(client)
            var received = 0
            var most = 0
            while let frame = try await reader.next(), !frame.isEnd {
                received += 1
                most = max(most, service.source.pulled - received)
            }
            #expect(received == count)
            // 12 MiB in the kernel and the server, of 100.
            #expect(most * size < 12 << 20)
        }
    }

    @Test
    func `a source is detached when the client leaves, while it waits and while the client does not read`()
        async throws
    {
        for ready in [1, 1600] {
            let service = TestService(source: CountingSource(messages: 1600, bytes: 64 << 10, ready: ready))
            try await service.serve { server in
                let client = try await self.begin(server, receiveBuffer: 64 << 10)
                #expect(try await client.head().status == 200)
                try await client.reset()
                let event = try await service.events.next()
                #expect(event == "canceled", "ready: \(ready)")
                #expect(service.source.isDetached)
            }
        }
    }

    @Test func `a source is detached when the deadline comes`() async throws {
        let service = TestService(source: CountingSource(messages: 2, bytes: 1, ready: 1))
        try await service.serve { server in
            let (_, frames) = try await server.client().stream(
                TestService.pull, envelope("{}"), ["Connect-Timeout-Ms: 300"])
            #expect(frames.count == 2)
            #expect(frames.last?.text.contains("deadline_exceeded") == true)
            #expect(try await service.events.next() == "canceled")
            #expect(service.source.isDetached)
        }
    }
}
