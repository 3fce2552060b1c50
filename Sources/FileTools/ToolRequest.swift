import Connect
import HTTPTransport
import LinuxSystem
import NIOHTTP1
import SandboxContext
import SystemPackage

/// What the query of a plain HTTP request says: which path, and on whose behalf.
struct ToolRequest: Sendable {
    let account: Account
    /// As the client wrote it, and the absolute path that it means.
    let path: String
    private let parameters: QueryParameters

    /// Understands the request of `exchange`.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` if there is no path, `unauthenticated` if there is no such
    ///   account, `permissionDenied` if the daemon may not act as it.
    init(_ exchange: HTTPExchange, _ tools: FileTools) async throws(ConnectError) {
        self.parameters = QueryParameters(exchange.query)
        guard let path = try Self.text("path", self.parameters), !path.isEmpty else {
            throw ConnectError(.invalidArgument, "the query has no path")
        }
        let header = exchange.request.headers.first(name: "authorization")
        var name = try Self.text("username", self.parameters)
        if name == nil { name = header.flatMap(BasicCredentials.init)?.user }
        let user: CallerResolver.User
        if let name { user = .named(name) } else { user = await tools.callers.defaultUser() }
        let account = try await Self.account(of: user, tools)
        if let refusal = tools.callers.refusal(of: account) { throw ConnectError(.permissionDenied, refusal) }
        self.account = account
        self.path = try tools.resolve(path, for: account)
    }

    private static func account(
        of user: CallerResolver.User, _ tools: FileTools
    ) async throws(ConnectError) -> Account {
        switch user {
        case .found(let account): return account
        case .named(let name):
            let found: Account?
            do {
                found = try await tools.callers.account(named: name)
            } catch {
                throw ConnectError(.internalError, "cannot look up user '\(name)'", cause: error)
            }
            guard let found else { throw ConnectError(.unauthenticated, "there is no user '\(name)'") }
            return found
        }
    }

    /// The value of a parameter; nil if there is none.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` if there are several.
    func parameter(_ name: String) throws(ConnectError) -> String? {
        try Self.text(name, self.parameters)
    }

    private static func text(_ name: String, _ parameters: QueryParameters) throws(ConnectError) -> String? {
        let values = parameters.values(name)
        guard values.count <= 1, let value = values.first else {
            if values.isEmpty { return nil }
            throw ConnectError(.invalidArgument, "the query has more than one \(name)")
        }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw ConnectError(.invalidArgument, "the query's \(name) is not UTF-8")
        }
        return text
    }
}
