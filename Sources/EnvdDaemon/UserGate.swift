import Connect
package import HTTPTransport
package import NIOCore
import NIOHTTP1
package import SandboxContext

/// Refuses requests for plain HTTP in the name of a user that does not exist, as procedures do.
package struct UserGate: HTTPHandler {
    /// Whether the daemon is up is everyone's to know.
    private static let openPath = "/health"

    private let callers: CallerResolver
    private let executor: EventLoopTaskExecutor
    private let next: any HTTPHandler

    /// The gate in front of `next`.
    package init(_ callers: CallerResolver, on eventLoop: any EventLoop, before next: any HTTPHandler) {
        self.callers = callers
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.next = next
    }

    package func handle(_ exchange: HTTPExchange) {
        let headers = exchange.request.headers
        guard exchange.path != Self.openPath, CallerResolver.isUserNamed(in: headers) else {
            self.next.handle(exchange)
            return
        }
        _ = self.executor.startTask {
            do throws(ConnectError) {
                _ = try await self.callers.caller(namedIn: headers)
            } catch {
                let json = """
                    {"code":"\(error.code.name)","message":\(JSONText.quoted(error.message))}
                    """
                exchange.respond(
                    error.code == .unauthenticated ? .unauthorized : .internalServerError,
                    ["Content-Type": "application/json"], body: ByteBuffer(string: json))
                return
            }
            self.next.handle(exchange)
        }
    }
}
