import Connect
import EnvdAPI
import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import SwiftProtobuf

/// A service of all four kinds of procedures, over a message that has a text (`cmd`) and a list (`args`).
struct TestService: Sendable {
    typealias Item = Process_ProcessConfig

    static let echo = UnaryProcedure<Item, Item>("test.Test", "Echo")
    static let safe = UnaryProcedure<Item, Item>("test.Test", "Safe", hasNoSideEffects: true)
    static let repeats = ServerStreamProcedure<Item, Item>("test.Test", "Repeat")
    static let join = ClientStreamProcedure<Item, Item>("test.Test", "Join")
    static let answer = BidirectionalProcedure<Item, Item>("test.Test", "Answer")
    static let pull = ServerStreamProcedure<Item, Item>("test.Test", "Pull")

    /// What the procedures report: `began`, `canceled`, `ended`.
    let events = Mailbox<String>()
    /// Ends a procedure that hangs.
    let release = Mailbox<Void>()
    /// What `Pull` pulls from.
    let source: CountingSource

    init(source: CountingSource = CountingSource(messages: 3, bytes: 10)) {
        self.source = source
    }

    func register(in router: inout ConnectRouter) {
        router.register(Self.echo) { request, context in
            try await self.act(request.cmd, context)
            return request
        }
        router.register(Self.safe) { request, _ in request }
        router.register(Self.repeats) { request, context, responses in
            if request.cmd == "headers first" { await responses.sendHeaders() }
            for text in request.args { try await responses.send(.with { $0.cmd = text }) }
            try await self.act(request.cmd, context)
        }
        router.register(Self.join) { requests, context in
            var texts: [String] = []
            while let request = try await requests.next() {
                texts.append(request.cmd)
                try await self.act(request.cmd, context)
            }
            return .with { $0.cmd = texts.joined(separator: " ") }
        }
        router.register(Self.answer) { requests, context, responses in
            while let request = try await requests.next() {
                try await self.act(request.cmd, context)
                try await responses.send(.with { $0.cmd = "answer to \(request.cmd)" })
            }
        }
        router.register(Self.pull) { _, _, responses in
            do {
                try await responses.drain(self.source)
                self.events.post("ended")
            } catch {
                self.events.post((error as? ConnectError)?.code.name ?? "\(error)")
                throw error
            }
        }
    }

    /// Does what a text asks for.
    private func act(_ text: String, _ context: RPCContext) async throws {
        switch text {
        case "fail":
            throw ConnectError(
                .failedPrecondition, "asked to <fail>", metadata: ["X-Reason": "asked"])
        case "fail strangely":
            throw Strange()
        case "headers", "headers first":
            context.response.headers.add(name: "X-Header", value: "1")
            context.response.trailers.add(name: "X-Trailer", value: "2")
        case "hang":
            // Until it is cancelled.
            self.events.post("began")
            let canceled = Mailbox<Void>()
            try await withTaskCancellationHandler {
                try await canceled.next(within: .hours(1))
            } onCancel: {
                canceled.post()
            }
            self.events.post("canceled")
            try Task.checkCancellation()
        case "hang on":
            // Whatever happens.
            self.events.post("began")
            try await self.release.next(within: .hours(1))
            self.events.post("ended")
        default:
            break
        }
    }

    private struct Strange: Error {}
}

extension TestService {
    /// Serves with this service while `body` runs.
    func serve<Result>(
        _ settings: ConnectSettings = ConnectSettings(), _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        try await withServer(
            makeHandler: { eventLoop in
                var router = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop), settings: settings)
                self.register(in: &router)
                return router
            }, body)
    }
}

extension SocketClient {
    /// A unary call with JSON.
    func call(_ procedure: some Procedure, _ json: String, _ fields: [String] = []) async throws -> HTTPReply
    {
        try await self.request(
            "POST", procedure.path, ["Content-Type: application/json"] + fields, body: Array(json.utf8))
    }

    /// A streaming call with JSON whose requests are all sent at once.
    func stream(
        _ procedure: some Procedure, _ body: [UInt8], _ fields: [String] = []
    ) async throws -> (head: HTTPReplyHead, frames: [ConnectFrame]) {
        let reply = try await self.request(
            "POST", procedure.path, ["Content-Type: application/connect+json"] + fields, body: body)
        return (reply.head, frames(in: reply.body))
    }

    /// Begins a streaming call with JSON, whose requests follow as chunks.
    func beginStream(_ procedure: some Procedure, _ fields: [String] = []) async throws {
        try await self.sendRequest(
            "POST", procedure.path,
            ["Content-Type: application/connect+json", "Transfer-Encoding: chunked"] + fields)
    }

    /// Sends a part of a chunked body.
    func sendChunk(_ bytes: [UInt8]) async throws {
        try await self.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
    }

    func sendLastChunk() async throws {
        try await self.send("0\r\n\r\n")
    }
}
