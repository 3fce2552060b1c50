import HTTPTransport
import NIOCore
import NIOHTTP1

/// One call in progress: what its protocol makes of an HTTP exchange.
///
/// Everything happens on the exchange's event loop. Whatever ends the call first (the procedure, its deadline,
/// the client, the server's shutdown) decides its outcome; what comes later is dropped.
final class Call: Sendable {
    struct State {
        var decoder: EnvelopeDecoder
        var isBodyAtEnd = false
        var isFinished = false
        /// A unary response, kept until the trailers are known.
        var unaryResponse: ByteBuffer?
        var deadline: Scheduled<Void>?
        var task: Task<Void, Never>?
    }

    let exchange: HTTPExchange
    let contentType: ContentType
    let context: RPCContext
    let limits: ConnectLimits
    let state: NIOLoopBoundBox<State>

    var eventLoop: any EventLoop { self.exchange.eventLoop }
    var wire: WireProtocol { self.contentType.wire }
    var codec: any Codec { self.contentType.codec }

    init(_ exchange: HTTPExchange, _ contentType: ContentType, _ context: RPCContext, limits: ConnectLimits) {
        self.exchange = exchange
        self.contentType = contentType
        self.context = context
        self.limits = limits
        let state = State(decoder: EnvelopeDecoder(limit: limits.streamedMessageBytes))
        self.state = NIOLoopBoundBox(state, eventLoop: exchange.eventLoop)
    }

    /// Runs `body` as the call's task, with the deadline set and the client watched.
    func run(on executor: EventLoopTaskExecutor, _ body: @escaping @Sendable (Call) async throws -> Void) {
        if let deadline = self.context.deadline {
            let timer = self.eventLoop.scheduleTask(deadline: deadline) {
                self.finish(ConnectError(.deadlineExceeded, "context deadline exceeded"))
            }
            self.state.value.deadline = timer
        }
        self.exchange.whenEnded { error in
            if error != nil { self.close() }
        }
        if self.wire != .connectUnary {
            self.exchange.whenDraining {
                self.finish(ConnectError(.unavailable, "the server is shutting down"))
            }
        }
        let task = Task(executorPreference: executor) {
            do {
                try await body(self)
                self.finish(nil)
            } catch {
                self.finish(ConnectError(wrapping: error))
            }
        }
        if self.state.value.isFinished { task.cancel() } else { self.state.value.task = task }
    }

    // MARK: Requests

    /// The bytes of the next request message, or nil at the end.
    func receive() async throws(ConnectError) -> ByteBuffer? {
        switch self.wire {
        case .connectUnary:
            try await self.receiveBody()
        case .connectStream:
            try await self.receiveEnvelope()
        }
    }

    /// The bytes of the only request message.
    func receiveOne() async throws(ConnectError) -> ByteBuffer {
        guard let message = try await self.receive() else {
            throw ConnectError(.unimplemented, "unary request has zero messages")
        }
        if self.wire != .connectUnary, try await self.receive() != nil {
            throw ConnectError(.unimplemented, "unary request has multiple messages")
        }
        return message
    }

    private func receiveBody() async throws(ConnectError) -> ByteBuffer? {
        guard !self.state.value.isBodyAtEnd else { return nil }
        self.state.value.isBodyAtEnd = true
        do {
            return try await self.exchange.collectBody(upTo: self.limits.unaryMessageBytes)
        } catch {
            throw Self.error(error)
        }
    }

    private func receiveEnvelope() async throws(ConnectError) -> ByteBuffer? {
        while true {
            if let envelope = try self.state.value.decoder.next() {
                return try self.payload(of: envelope)
            }
            guard !self.state.value.isBodyAtEnd else {
                try self.state.value.decoder.finish()
                return nil
            }
            do {
                if let bytes = try await self.exchange.nextBodyChunk() {
                    self.state.value.decoder.append(bytes)
                } else {
                    self.state.value.isBodyAtEnd = true
                }
            } catch {
                throw Self.error(error)
            }
        }
    }

    private func payload(of envelope: Envelope) throws(ConnectError) -> ByteBuffer {
        guard !envelope.flags.contains(.compressed) else {
            throw ConnectError(
                .internalError, "protocol error: sent compressed message without compression support")
        }
        guard envelope.flags.isEmpty else {
            throw ConnectError(
                .invalidArgument, "protocol error: invalid envelope flags \(envelope.flags.rawValue)")
        }
        return envelope.payload
    }

    private static func error(_ error: HTTPExchangeError) -> ConnectError {
        switch error {
        case .clientGone, .responseEnded:
            ConnectError(.canceled, "context canceled", cause: error)
        case .bodyTooLarge(let limit):
            ConnectError(.resourceExhausted, "message size is larger than configured max \(limit)")
        }
    }

    // MARK: Responses

    /// Sends the response's head now, before there is a message.
    func sendHead() {
        guard !self.state.value.isFinished, self.wire != .connectUnary else { return }
        self.beginStream()
        self.exchange.flush()
    }

    /// Queues one message and sends it.
    func send(_ message: ByteBuffer) throws(ConnectError) {
        guard !self.state.value.isFinished else { throw ConnectError(.canceled, "context canceled") }
        switch self.wire {
        case .connectUnary:
            self.state.value.unaryResponse = message
        case .connectStream:
            self.beginStream()
            self.exchange.write(Envelope(flags: [], payload: message).encoded())
            self.exchange.flush()
        }
    }

    /// Queues the message that begins behind the free header in `buffer` and ends with `payload`.
    func write(_ buffer: ByteBuffer, payload: ByteBuffer?) {
        guard !self.state.value.isFinished else { return }
        self.beginStream()
        var buffer = buffer
        let length = buffer.readableBytes - Envelope.headerBytes + (payload?.readableBytes ?? 0)
        Envelope.setHeader([], length: length, in: &buffer)
        self.exchange.write(buffer)
        if let payload { self.exchange.write(payload) }
    }

    private func beginStream() {
        guard !self.exchange.hasBegun else { return }
        var headers: HTTPHeaders = ["Content-Type": self.contentType.name]
        headers.add(contentsOf: self.context.response.headers)
        self.exchange.begin(.ok, headers)
    }

    // MARK: The end

    /// Ends the call, successfully if `error` is nil. Only the first end counts.
    func finish(_ error: ConnectError?) {
        guard !self.state.value.isFinished else { return }
        self.close()
        var trailers = self.context.response.trailers
        if let error { trailers.add(contentsOf: error.metadata) }
        switch self.wire {
        case .connectUnary:
            self.finishUnary(error, trailers)
        case .connectStream:
            self.beginStream()
            let json = ErrorJSON.endOfStream(error, trailers: trailers)
            self.exchange.write(Envelope(flags: .endOfStream, payload: ByteBuffer(string: json)).encoded())
            self.exchange.end()
        }
    }

    private func finishUnary(_ error: ConnectError?, _ trailers: HTTPHeaders) {
        var headers = self.context.response.headers
        if let error {
            headers.add(contentsOf: trailers)
            headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            let body = ByteBuffer(string: ErrorJSON.error(error))
            self.exchange.respond(error.code.httpStatus, headers, body: body)
        } else {
            for (name, value) in trailers { headers.add(name: "Trailer-\(name)", value: value) }
            headers.replaceOrAdd(name: "Content-Type", value: self.contentType.name)
            self.exchange.respond(.ok, headers, body: self.state.value.unaryResponse ?? ByteBuffer())
        }
    }

    /// Stops the timer and the task; the response is not touched.
    private func close() {
        self.state.value.isFinished = true
        self.state.value.deadline?.cancel()
        self.state.value.deadline = nil
        self.state.value.task?.cancel()
        self.state.value.task = nil
    }
}
