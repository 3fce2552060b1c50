import Connect
import SwiftProtobuf
import Testing

/// When calls end, and on which tasks they may go on.
@Suite(.timeLimit(.minutes(1)))
struct CallLifetimeTests {
    private static let wait = ServerStreamProcedure<Text, Text>("test.Service", "Wait")
    private static let join = ClientStreamProcedure<Text, Text>("test.Service", "Join")
    private static let echo = BidirectionalProcedure<Text, Text>("test.Service", "Echo")

    /// Registers a procedure that sends one response, waits to be cancelled, and then says so in the stream.
    private static func cancellations(of router: inout ConnectRouter) -> AsyncStream<Void> {
        let (cancellations, continuation) = AsyncStream.makeStream(of: Void.self)
        router.register(Self.wait) { request, _, responses in
            try await responses.send(request)
            let (never, held) = AsyncStream.makeStream(of: Never.self)
            for await _ in never {}  // Ends when the task is cancelled.
            held.finish()
            continuation.yield()
        }
        return cancellations
    }

    @Test func `A client that hangs up cancels the procedure`() async throws {
        var cancellations: AsyncStream<Void>?
        try await withServer({ cancellations = Self.cancellations(of: &$0) }) { address in
            try await withConnection(to: address, sending: streamRequest(Self.wait.path, ["\"hello\""])) {
                let response = try await $0.read(to: "hello")
                #expect(response.contains("200 OK"))
            }
            var iterator = try #require(cancellations).makeAsyncIterator()
            #expect(await iterator.next() != nil)
        }
    }

    @Test func `The deadline cancels the procedure`() async throws {
        var cancellations: AsyncStream<Void>?
        try await withServer({ cancellations = Self.cancellations(of: &$0) }) { address in
            let request = streamRequest(
                Self.wait.path, ["\"hello\""], headers: "Connect-Timeout-Ms: 50\r\n")
            try await withConnection(to: address, sending: request) {
                let response = try await $0.read(to: "0\r\n\r\n")
                #expect(response.contains("deadline_exceeded"))
            }
            var iterator = try #require(cancellations).makeAsyncIterator()
            #expect(await iterator.next() != nil)
        }
    }

    @Test func `Requests are read and responses sent from a task that a procedure starts by itself`()
        async throws
    {
        try await withServer({ router in
            router.register(Self.echo) { requests, _, responses in
                // Neither inherits the executor of the call.
                try await Task.detached {
                    while let request = try await requests.next() { try await responses.send(request) }
                }.value
            }
        }) { address in
            let request = streamRequest(Self.echo.path, ["\"one\"", "\"two\""])
            try await withConnection(to: address, sending: request) {
                let response = try await $0.read(to: "0\r\n\r\n")
                #expect(response.contains("one"))
                #expect(response.contains("two"))
                #expect(!response.contains("error"))
            }
        }
    }

    @Test func `An actor may be a procedure`() async throws {
        actor Joiner {
            private var joined = ""

            func join(_ requests: RequestStream<Text>) async throws -> Text {
                while let request = try await requests.next() { self.joined += request.value }
                return Text(self.joined)
            }
        }
        let joiner = Joiner()
        try await withServer({ router in
            router.register(Self.join) { requests, _ in try await joiner.join(requests) }
        }) { address in
            let request = streamRequest(Self.join.path, ["\"con\"", "\"nect\""])
            try await withConnection(to: address, sending: request) {
                let response = try await $0.read(to: "0\r\n\r\n")
                #expect(response.contains("\"connect\""))
            }
        }
    }
}
