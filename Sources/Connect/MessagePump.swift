import HTTPTransport
import NIOCore

/// Moves the messages of a source into a call's response, on the event loop.
final class MessagePump: Sendable {
    private struct State {
        var done: ((Result<Void, ConnectError>) -> Void)?
        var isPumping = false
        var awaitsWritability = false
    }

    private let call: Call
    private let source: any MessageSource
    private let state: NIOLoopBoundBox<State>

    init(
        _ call: Call, _ source: some MessageSource,
        _ done: @escaping @Sendable (Result<Void, ConnectError>) -> Void
    ) {
        self.call = call
        self.source = source
        self.state = NIOLoopBoundBox(State(done: done), eventLoop: call.eventLoop)
    }

    func start() {
        self.call.exchange.whenEnded { _ in
            self.end(.failure(ConnectError(.canceled, "context canceled")))
        }
        let eventLoop = self.call.eventLoop
        self.source.whenReady {
            if eventLoop.inEventLoop { self.pump() } else { eventLoop.execute { self.pump() } }
        }
        self.pump()
    }

    /// Sends until the source has nothing or the client takes no more.
    private func pump() {
        guard self.state.value.done != nil, !self.state.value.isPumping else { return }
        // Whoever waits to write is also called when nothing can be written any more.
        guard !self.call.isFinished else {
            self.end(.failure(ConnectError(.canceled, "context canceled")))
            return
        }
        self.state.value.isPumping = true
        var outcome: Result<Void, ConnectError>?
        while outcome == nil, self.state.value.done != nil, self.call.exchange.isWritable {
            var buffer = Envelope.buffer(payloadCapacity: Self.headCapacity)
            switch self.source.next(into: &buffer) {
            case .message(let payload):
                self.call.write(&buffer, payload: payload)
                if !self.call.exchange.isWritable { self.call.exchange.flush() }
                continue
            case .waiting: break
            case .finished: outcome = .success(())
            case .failed(let error): outcome = .failure(error)
            }
            break
        }
        self.state.value.isPumping = false
        if let outcome {
            // What ends the call flushes too: the last messages and the end go in one write.
            self.end(outcome)
            return
        }
        self.call.exchange.flush()
        if !self.call.exchange.isWritable, !self.state.value.awaitsWritability {
            self.state.value.awaitsWritability = true
            self.call.exchange.whenWritable {
                self.state.value.awaitsWritability = false
                self.pump()
            }
        }
    }

    private func end(_ outcome: Result<Void, ConnectError>) {
        guard let done = self.state.value.done else { return }
        self.state.value.done = nil
        self.source.detach()
        done(outcome)
    }

    /// Bytes that suffice for the fields around a payload.
    private static let headCapacity = 64
}
