package import Connect
internal import Glibc
package import LinuxSystem
package import NIOHTTP1
package import SystemPackage

/// Finds out on whose behalf a call acts: the user of its Basic credentials, else the default user.
///
/// The password is ignored: who may call at all is decided by the access token, before this.
package struct CallerResolver: Interceptor {
    private let accounts: AccountCache
    private let defaults: SandboxDefaults

    package init(accounts: AccountCache, defaults: SandboxDefaults) {
        self.accounts = accounts
        self.defaults = defaults
    }

    /// Puts the caller that the request names into the context; a request that names none has none.
    ///
    /// - Throws: `ConnectError` with `unauthenticated` if the named account does not exist.
    package func intercept(
        _ context: RPCContext, _ next: @escaping @Sendable (RPCContext) async throws -> Void
    ) async throws {
        guard let caller = try await self.caller(namedIn: context.requestHeaders) else {
            try await next(context)
            return
        }
        var context = context
        context[CallerKey.self] = caller
        try await next(context)
    }

    /// Whether a request names a user.
    package static func isUserNamed(in headers: HTTPHeaders) -> Bool {
        self.userName(in: headers) != nil
    }

    private static func userName(in headers: HTTPHeaders) -> String? {
        headers.first(name: "authorization").flatMap { BasicCredentials($0)?.user }
    }

    /// The caller that a request names; nil if it names none.
    ///
    /// - Throws: `ConnectError` with `unauthenticated` if the named account does not exist.
    package func caller(namedIn headers: HTTPHeaders) async throws(ConnectError) -> Caller? {
        guard let name = Self.userName(in: headers) else { return nil }
        return try await self.caller(named: name, unknown: "invalid username: '\(name)'")
    }

    /// The caller of a procedure that acts as somebody.
    ///
    /// - Throws: `ConnectError`: `unauthenticated` if there is no such account, `permissionDenied` if the daemon
    ///   may not act as it.
    package func caller(of context: RPCContext) async throws -> Caller {
        let caller: Caller
        if let named = context[CallerKey.self] {
            caller = named
        } else {
            caller = try await self.defaultCaller()
        }
        if let refusal = self.refusal(of: caller.account) { throw ConnectError(.permissionDenied, refusal) }
        return caller
    }

    /// The account that sandbox images have for their user.
    private static let conventionalUser = "user"

    private func defaultCaller() async throws(ConnectError) -> Caller {
        switch await self.defaultUser() {
        case .found(let account): return Caller(account: account)
        case .named(let name):
            guard !name.isEmpty else { throw ConnectError(.unauthenticated, "no user specified") }
            return try await self.caller(named: name, unknown: "invalid default user: '\(name)'")
        }
    }

    /// Who acts for a request.
    package enum User: Sendable {
        case named(String)
        /// One that has been looked up.
        case found(Account)
    }

    /// Who acts when a request names nobody; the empty name if nobody is to act.
    package func defaultUser() async -> User {
        if let name = self.defaults.current.user { return .named(name) }
        let conventional = try? await self.account(named: Self.conventionalUser)
        return conventional.map(User.found) ?? .named("root")
    }

    /// The account `name`, or nil if there is none.
    ///
    /// - Throws: `Errno` if the account databases cannot be read.
    package func account(named name: String) async throws(Errno) -> Account? {
        try await self.accounts.account(named: name)
    }

    /// Why the daemon may not act as `account`, for the client; nil if it may.
    package func refusal(of account: Account) -> String? {
        let own = geteuid()
        guard own != 0, own != account.uid else { return nil }
        return "cannot act as user '\(account.name)': the daemon runs as uid \(own), not as root"
    }

    private func caller(named name: String, unknown message: String) async throws(ConnectError) -> Caller {
        do {
            guard let account = try await self.accounts.account(named: name) else {
                throw ConnectError(.unauthenticated, message)
            }
            return Caller(account: account)
        } catch let error as ConnectError {
            throw error
        } catch {
            throw ConnectError(.internalError, "cannot look up user '\(name)'", cause: error)
        }
    }
}
