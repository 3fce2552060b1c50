public import NIOHTTP1

/// Finds the handler of a request by its exact path and method.
///
/// Paths are compared as sent: nothing is decoded, cleaned or redirected, and `HEAD` is not `GET`.
public struct HTTPRouter: HTTPHandler {
    private var routes: [String: [(method: HTTPMethod, handler: any HTTPHandler)]] = [:]

    /// A router without routes: every answer is 404.
    public init() {}

    /// Adds a route. A later route with the same path and method takes precedence.
    public mutating func add(_ method: HTTPMethod, _ path: String, _ handler: any HTTPHandler) {
        self.routes[path, default: []].removeAll { $0.method == method }
        self.routes[path, default: []].append((method, handler))
    }

    /// The paths and methods that are routed.
    public var table: [(path: String, methods: [HTTPMethod])] {
        self.routes.map { ($0.key, $0.value.map(\.method)) }.sorted { $0.path < $1.path }
    }

    /// Answers `exchange` with the route's handler, or with 404 or 405.
    public func handle(_ exchange: HTTPExchange) {
        guard let routes = self.routes[exchange.path] else {
            exchange.respondNotFound()
            return
        }
        if let route = routes.first(where: { $0.method == exchange.request.method }) {
            route.handler.handle(exchange)
        } else {
            exchange.respondMethodNotAllowed(allowed: routes.map(\.method))
        }
    }
}
