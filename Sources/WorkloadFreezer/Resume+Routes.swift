package import HTTPTransport
import NIOCore
import NIOHTTP1
import SandboxContext

extension Resume {
    /// Adds `GET /generation`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(
            .GET, "/generation",
            HTTPClosureHandler { $0.respondJSON("{\"generation\":\(self.generation)}") })
    }
}
