import Connect
import HTTPTransport
import NIOCore
import NIOHTTP1
import SandboxContext

/// All routes of the daemon: procedures, and plain HTTP.
struct DaemonRouter: HTTPHandler {
    private let procedures: ConnectRouter
    private let plain: any HTTPHandler

    /// Answers what `procedures` serves, else what `plain` or the daemon itself does.
    ///
    /// - Parameter callers: knows the users in whose name requests for plain HTTP may be made.
    init(
        procedures: ConnectRouter, plain: HTTPRouter, callers: CallerResolver, on eventLoop: any EventLoop
    ) {
        self.procedures = procedures
        var plain = plain
        plain.add(
            .GET, "/health",
            HTTPClosureHandler { exchange in
                // The empty content type is part of the contract.
                exchange.respond(.noContent, ["Cache-Control": "no-store", "Content-Type": ""])
            })
        OpenAPIDocument.register(in: &plain)
        self.plain = UserGate(callers, on: eventLoop, before: plain)
    }

    func handle(_ exchange: HTTPExchange) {
        if self.procedures.serves(exchange.path) {
            self.procedures.handle(exchange)
        } else {
            self.plain.handle(exchange)
        }
    }
}
