import Connect
package import HTTPTransport
import NIOHTTP1
import SandboxContext
import SystemPackage

extension FileTools {
    /// Adds the routes of plain HTTP to `routes`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(
            .GET, "/files/archive",
            self.route { exchange throws(ConnectError) in try await self.packArchive(exchange) })
        routes.add(
            .POST, "/files/archive",
            self.route { exchange throws(ConnectError) in try await self.unpackArchive(exchange) })
        for method in [HTTPMethod.GET, .HEAD] {
            routes.add(
                method, "/files/resume",
                self.route { exchange throws(ConnectError) in try await self.tellPartial(exchange) })
        }
        routes.add(
            .POST, "/files/resume",
            self.route { exchange throws(ConnectError) in try await self.resume(exchange) })
        routes.add(
            .DELETE, "/files/resume",
            self.route { exchange throws(ConnectError) in try await self.removePartial(exchange) })
    }

    /// Answers with `answer`, or with the error object of its failure.
    private func route(
        _ answer: @escaping @Sendable (HTTPExchange) async throws(ConnectError) -> Void
    ) -> HTTPClosureHandler {
        HTTPClosureHandler { exchange in
            _ = self.executor.startTask {
                do throws(ConnectError) {
                    try await answer(exchange)
                } catch {
                    // Of a response that has begun, the client must not believe that it is complete.
                    guard !exchange.hasBegun else { return exchange.abort() }
                    exchange.respondError(Self.status(of: error), error.message, error.metadata)
                }
            }
        }
    }

    private static func status(of error: ConnectError) -> HTTPResponseStatus {
        switch error.cause as? Errno {
        case .noSpace?, .diskQuotaExceeded?: .insufficientStorage
        default: error.code.httpStatus
        }
    }
}
