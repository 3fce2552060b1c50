import HTTPTransport
import NIOCore

/// Whether an exchange still has a client.
final class TransferProgress: Sendable {
    private let state: NIOLoopBoundBox<Bool>

    /// Called on the exchange's loop, as is ``isOver``.
    init(_ exchange: HTTPExchange) {
        let state = NIOLoopBoundBox(false, eventLoop: exchange.eventLoop)
        self.state = state
        exchange.whenEnded { _ in state.value = true }
    }

    /// Whether the client has gone, or the response has ended.
    var isOver: Bool { self.state.value }
}
