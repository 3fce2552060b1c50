package import HTTPTransport
package import NIOCore
import NIOHTTP1
package import SandboxContext

/// Lets a request in: by its access token, or while there is none, by where it comes from.
package struct AccessGate: HTTPHandler {
    /// Methods and paths that need no token: they are harmless or check who asks themselves.
    private static let exempt: Set<String> = ["GET /health", "GET /files", "POST /files", "POST /init"]
    /// Those of them that other machines may ask while there is no token.
    private static let exemptWithoutToken: Set<String> = ["GET /health", "POST /init"]

    private let policy: AccessPolicy
    private let admitsOtherMachines: Bool
    private let next: any HTTPHandler

    /// The gate in front of `next`.
    ///
    /// - Parameter admitsOtherMachines: also while there is no token.
    package init(_ policy: AccessPolicy, admitsOtherMachines: Bool, before next: any HTTPHandler) {
        self.policy = policy
        self.admitsOtherMachines = admitsOtherMachines
        self.next = next
    }

    package func handle(_ exchange: HTTPExchange) {
        let request = exchange.request
        let route = "\(request.method.rawValue) \(exchange.path)"
        switch self.policy.rule {
        case .token(let token):
            if !Self.exempt.contains(route) {
                guard let given = request.headers.accessToken, token.matches(given) else {
                    exchange.respondError(
                        .unauthorized,
                        "unauthorized access, please provide a valid access token or method signing if supported"
                    )
                    return
                }
            }
        case .closed:
            guard Self.exemptWithoutToken.contains(route) else {
                exchange.respondError(.unauthorized, "envd not initialized")
                return
            }
        case .local:
            let isAdmitted =
                self.admitsOtherMachines || Self.isLoopback(exchange.peer)
                || Self.exemptWithoutToken.contains(route)
            guard isAdmitted else {
                exchange.respondError(.unauthorized, "envd not initialized")
                return
            }
        case .open: break
        }
        self.next.handle(exchange)
    }

    /// Whether `address` can only be this machine's.
    package static func isLoopback(_ address: SocketAddress?) -> Bool {
        guard let address else { return false }
        // The kernel's own spelling of a numeric address; nil for a Unix domain socket.
        guard let text = address.ipAddress else { return true }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }
}
