package import HTTPTransport
import NIOHTTP1

/// `POST /upgrade`: asks a running daemon to become another version of itself. This one does not; it says so, and its
/// host goes on with it as it is.
package struct UpgradeService: HTTPHandler {
    /// The only program that a host may name in `X-Envd-Upgrade-Bin`.
    private static let program = "/usr/bin/envd.next"

    private let initialization: InitService

    package init(after initialization: InitService) {
        self.initialization = initialization
    }

    /// Adds `POST /upgrade`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.POST, "/upgrade", self)
    }

    package func handle(_ exchange: HTTPExchange) {
        let program = exchange.request.headers.first(name: "x-envd-upgrade-bin") ?? ""
        if !self.initialization.isInitialized {
            exchange.respond(.conflict, text: "envd not initialized\n")
        } else if !program.isEmpty, program != Self.program {
            exchange.respond(.badRequest, text: "unsupported upgrade target\n")
        } else {
            exchange.respond(.notImplemented, text: "live upgrade is not supported\n")
        }
    }
}
