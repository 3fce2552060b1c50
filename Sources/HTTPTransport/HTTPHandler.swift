/// Answers requests.
public protocol HTTPHandler: Sendable {
    /// Takes over `exchange`: responds now, or keeps it and responds later.
    ///
    /// Called on the exchange's event loop when the request's head has arrived, and with a small request's
    /// whole body; it must not block.
    func handle(_ exchange: HTTPExchange)
}

/// An ``HTTPHandler`` that is a closure.
public struct HTTPClosureHandler: HTTPHandler {
    private let body: @Sendable (HTTPExchange) -> Void

    /// A handler that calls `body`.
    public init(_ body: @escaping @Sendable (HTTPExchange) -> Void) {
        self.body = body
    }

    /// Calls the closure.
    public func handle(_ exchange: HTTPExchange) {
        self.body(exchange)
    }
}
