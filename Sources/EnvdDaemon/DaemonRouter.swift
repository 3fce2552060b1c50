import Connect
import HTTPTransport
import NIOHTTP1

/// All routes of the daemon: procedures, and plain HTTP.
struct DaemonRouter: HTTPHandler {
    private let procedures: ConnectRouter
    private let plain: HTTPRouter

    /// Answers what `procedures` serves, else what `plain` or the daemon itself does.
    init(procedures: ConnectRouter, plain: HTTPRouter) {
        self.procedures = procedures
        var plain = plain
        plain.add(
            .GET, "/health",
            HTTPClosureHandler { exchange in
                // The empty content type is part of the contract.
                exchange.respond(.noContent, ["Cache-Control": "no-store", "Content-Type": ""])
            })
        self.plain = plain
    }

    func handle(_ exchange: HTTPExchange) {
        if self.procedures.serves(exchange.path) {
            self.procedures.handle(exchange)
        } else {
            self.plain.handle(exchange)
        }
    }
}
