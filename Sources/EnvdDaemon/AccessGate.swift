package import HTTPTransport
package import NIOCore
import NIOHTTP1

/// Lets a request in: by its access token, or while none is set, by where it comes from.
package struct AccessGate: HTTPHandler {
    /// Methods and paths that need no token: they are harmless or check who asks themselves.
    private static let exempt: Set<String> = ["GET /health", "GET /files", "POST /files", "POST /init"]

    private let token: AccessToken?
    private let admitsOtherMachines: Bool
    private let next: any HTTPHandler

    /// The gate in front of `next`.
    ///
    /// - Parameter admitsOtherMachines: also before there is a token.
    package init(token: AccessToken?, admitsOtherMachines: Bool, before next: any HTTPHandler) {
        self.token = token
        self.admitsOtherMachines = admitsOtherMachines
        self.next = next
    }

    package func handle(_ exchange: HTTPExchange) {
        let request = exchange.request
        if Self.exempt.contains("\(request.method.rawValue) \(exchange.path)") {
            self.next.handle(exchange)
        } else if let token {
            guard let given = request.headers.first(name: "x-access-token"), token.matches(given) else {
                exchange.respondError(
                    .unauthorized,
                    "unauthorized access, please provide a valid access token or method signing if supported")
                return
            }
            self.next.handle(exchange)
        } else if self.admitsOtherMachines || Self.isLoopback(exchange.peer) {
            self.next.handle(exchange)
        } else {
            exchange.respondError(.unauthorized, "envd not initialized")
        }
    }

    /// Whether `address` can only be this machine's.
    package static func isLoopback(_ address: SocketAddress?) -> Bool {
        guard let address else { return false }
        // The kernel's own spelling of a numeric address; nil for a Unix domain socket.
        guard let text = address.ipAddress else { return true }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }
}
