public import NIOCore

/// An ``HTTPHandler`` that answers in a task on the event loop, which is cancelled when the client goes away.
public struct HTTPTaskHandler: HTTPHandler {
    private let executor: EventLoopTaskExecutor
    private let body: @Sendable (HTTPExchange) async -> Void

    /// A handler that calls `body`, which responds before it returns.
    public init(on eventLoop: any EventLoop, _ body: @escaping @Sendable (HTTPExchange) async -> Void) {
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.body = body
    }

    /// Starts the task.
    public func handle(_ exchange: HTTPExchange) {
        let body = self.body
        let task = self.executor.startTask { await body(exchange) }
        exchange.whenEnded { error in
            if error != nil { task.cancel() }
        }
    }
}
