import Connect
import EnvdAPI
import EnvdTestSupport
import HTTPTransport
import NIOCore
import SwiftProtobuf
import Synchronization
import Testing

/// Responses that are encoded piece by piece: the request says how many there are, and how they end.
@Suite struct MessagePiecesTests {
    private static let procedure = UnaryProcedure<TestService.Item, TestService.Item>("test.Test", "Pieces")
    private static let piece = String(repeating: "x", count: 100)

    private static var settings: ConnectSettings {
        var settings = ConnectSettings()
        settings.limits.heldResponseBytes = 1000
        settings.limits.envelopedResponseBytes = 2000
        return settings
    }

    /// Counts the pieces that were asked for.
    private final class Counter: Sendable {
        let count = Atomic(0)
    }

    /// Serves a procedure that answers with `cwd` pieces and then fails if `cmd` says so.
    private func serve<Result>(_ body: (TestServer) async throws -> Result) async throws -> Result {
        try await withServer(
            makeHandler: { eventLoop in
                var router = ConnectRouter(
                    executor: EventLoopTaskExecutor(eventLoop), settings: Self.settings)
                router.register(inPieces: Self.procedure) { request, _ in
                    let counter = Counter()
                    let wanted = Int(request.cwd) ?? 0
                    return MessagePieces {
                        if counter.count.wrappingAdd(1, ordering: .relaxed).oldValue < wanted {
                            return ByteBuffer(string: Self.piece)
                        }
                        if request.cmd == "fail" { throw ConnectError(.dataLoss, "asked to") }
                        return nil
                    }
                }
                return router
            }, body)
    }

    @Test(arguments: [0, 1, 10]) func `a small response is like any other`(_ count: Int) async throws {
        try await self.serve { server in
            let client = try await server.client()
            let reply = try await client.call(Self.procedure, #"{"cwd":"\#(count)"}"#)
            #expect(reply.status == 200)
            #expect(reply["content-length"] == "\(count * 100)")
            #expect(reply["content-type"] == "application/json")
            #expect(reply.text == String(repeating: Self.piece, count: count))
        }
    }

    @Test(arguments: [11, 1000]) func `a large response is sent while it is made`(_ count: Int) async throws {
        try await self.serve { server in
            let client = try await server.client()
            for _ in 0..<2 {
                let reply = try await client.call(Self.procedure, #"{"cwd":"\#(count)"}"#)
                #expect(reply.status == 200)
                #expect(reply["transfer-encoding"] == "chunked")
                #expect(reply["content-type"] == "application/json")
                #expect(reply.text == String(repeating: Self.piece, count: count))
            }
        }
    }

    @Test func `a failure before anything was sent is the answer`() async throws {
        try await self.serve { server in
            let client = try await server.client()
            let reply = try await client.call(Self.procedure, #"{"cmd":"fail","cwd":"10"}"#)
            #expect(reply.status == 500)
            #expect(reply.text == #"{"code":"data_loss","message":"asked to"}"#)
        }
    }

    @Test func `a failure after that breaks the response off`() async throws {
        try await self.serve { server in
            let client = try await server.client()
            await #expect(throws: UnexpectedEnd.self) {
                try await client.call(Self.procedure, #"{"cmd":"fail","cwd":"50"}"#)
            }
        }
    }

    @Test func `where its length is sent first, a response has a limit`() async throws {
        try await self.serve { server in
            let client = try await server.client()
            for (count, status) in [(20, "0"), (21, "8")] {
                let request = try TestService.Item.with { $0.cwd = "\(count)" }.serializedBytes() as [UInt8]
                let reply = try await client.request(
                    "POST", Self.procedure.path, ["Content-Type: application/grpc-web+proto"],
                    body: [0, 0, 0, 0, UInt8(request.count)] + request)
                #expect(reply.status == 200)
                #expect(reply.text.contains("grpc-status: \(status)"))
                #expect(reply.text.contains(Self.piece) == (status == "0"))
            }
        }
    }
}
