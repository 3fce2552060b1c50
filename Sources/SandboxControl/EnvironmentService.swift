import Connect
package import HTTPTransport
import NIOHTTP1
package import SandboxContext

/// `GET /envs`: the variables that every command gets.
package struct EnvironmentService: HTTPHandler {
    private let defaults: SandboxDefaults

    package init(_ defaults: SandboxDefaults) {
        self.defaults = defaults
    }

    /// Adds `GET /envs`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.GET, "/envs", self)
    }

    package func handle(_ exchange: HTTPExchange) {
        let variables = self.defaults.current.variables.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        let members = variables.map { JSONText.quoted($0.key) + ":" + JSONText.quoted($0.value) }
        exchange.respondJSON("{" + members.joined(separator: ",") + "}")
    }
}
