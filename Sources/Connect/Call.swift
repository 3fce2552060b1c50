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
        /// Undoes gRPC-Web's text form.
        var text = Base64StreamDecoder()
        /// The message of a GET, until it is received.
        var getMessage: ByteBuffer?
        var isBodyAtEnd = false
        var isFinished = false
        /// A unary response, kept until the trailers are known.
        var unaryResponse: ByteBuffer?
        var deadline: Scheduled<Void>?
        var task: Task<Void, Never>?
        /// Where the responses come from when the task is done.
        var source: (any MessageSource)?
    }

    private static let deadlineExceeded = ConnectError(.deadlineExceeded, "context deadline exceeded")

    let exchange: HTTPExchange
    let contentType: ContentType
    let context: RPCContext
    let encodings: Encodings
    let settings: ConnectSettings
    /// Runs the call's task on the exchange's event loop.
    let executor: EventLoopTaskExecutor
    let state: NIOLoopBoundBox<State>

    var eventLoop: any EventLoop { self.exchange.eventLoop }
    var wire: WireProtocol { self.contentType.wire }
    var codec: any Codec { self.contentType.codec }

    /// - Parameter getMessage: the request of a GET; the body is not read then.
    init(
        _ exchange: HTTPExchange, _ contentType: ContentType, _ context: RPCContext, _ encodings: Encodings,
        _ settings: ConnectSettings, _ executor: EventLoopTaskExecutor, getMessage: ByteBuffer? = nil
    ) {
        self.exchange = exchange
        self.contentType = contentType
        self.context = context
        self.encodings = encodings
        self.settings = settings
        self.executor = executor
        let decoder = EnvelopeDecoder(limit: settings.limits.messageBytes(of: context.kind))
        self.state = NIOLoopBoundBox(
            State(decoder: decoder, getMessage: getMessage), eventLoop: exchange.eventLoop)
    }

    /// Whether the call's outcome is decided.
    var isFinished: Bool { self.state.value.isFinished }

    /// Runs `body` as the call's task, with the deadline set and the client watched.
    func run(_ body: @escaping @Sendable (Call) async throws -> Void) {
        if let deadline = self.context.deadline {
            let timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
                self.finish(Self.deadlineExceeded)
            }
            self.state.value.deadline = timer
        }
        self.exchange.whenEnded { error in
            guard error != nil else { return }
            self.close()
            self.context.completion.finish(ConnectError(.canceled, "context canceled"))
        }
        if self.context.kind != .unary {
            self.exchange.whenDraining {
                self.finish(ConnectError(.unavailable, "the server is shutting down"))
            }
        }
        let task = self.executor.startTask {
            do {
                try await body(self)
                self.pumpOrFinish()
            } catch {
                self.finish(ConnectError(wrapping: error))
            }
        }
        if self.state.value.isFinished { task.cancel() } else { self.state.value.task = task }
    }

    /// Sends what `source` has once the call's task is done, instead of ending the call.
    func respond(with source: any MessageSource) {
        self.state.value.source = source
    }

    private func pumpOrFinish() {
        guard let source = self.state.value.source else {
            self.finish(nil)
            return
        }
        self.state.value.source = nil
        self.state.value.task = nil
        MessagePump(self, source) { result in
            switch result {
            case .success: self.finish(nil)
            case .failure(let error): self.finish(error)
            }
        }.start()
    }

    /// Ends the call, successfully if `error` is nil. Only the first end counts.
    func finish(_ error: ConnectError?) {
        guard !self.state.value.isFinished else { return }
        self.close()
        var error = error
        if error == nil, let deadline = self.context.deadline, deadline <= .now() {
            error = Self.deadlineExceeded  // The timer has not fired yet.
        }
        if self.context.kind == .unary || self.context.kind == .clientStream {
            if error == nil, self.state.value.unaryResponse == nil, !self.exchange.hasBegun {
                error = ConnectError(.internalError, "the procedure sent no response")
            }
        }
        self.writeEnd(error)
        self.context.completion.finish(error)
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
