package import HTTPTransport
package import LinuxIO
import LinuxSystem
package import NIOCore
import NIOHTTP1
package import SandboxContext
import SystemPackage

/// `/files` and `/files/compose`: downloads and uploads over plain HTTP.
///
/// Requests are answered on the event loop; what touches files runs on the threads of a pool, on behalf of the
/// account that the request names.
package final class FileTransfer: Sendable {
    let callers: CallerResolver
    let defaults: SandboxDefaults
    let files: FileAccess
    let pool: BlockingPool
    let limits: TransferLimits
    let active = ActiveUploads()
    private let signing: FileSigning
    let executor: EventLoopTaskExecutor
    private let running: NIOLoopBound<RunningTransfers>
    let settle: @Sendable () async -> Void

    /// - Parameters:
    ///   - signing: Decides which requests for `/files` may go on; nobody else has looked at their tokens.
    ///   - settle: Returns when those who watch directories have seen what was written; called before the answer.
    package init(
        callers: CallerResolver, defaults: SandboxDefaults, files: FileAccess, pool: BlockingPool,
        signing: FileSigning, eventLoop: any EventLoop, limits: TransferLimits = TransferLimits(),
        settle: @escaping @Sendable () async -> Void = {}
    ) {
        self.settle = settle
        self.callers = callers
        self.defaults = defaults
        self.files = files
        self.pool = pool
        self.limits = limits
        self.signing = signing
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.running = NIOLoopBound(RunningTransfers(), eventLoop: eventLoop)
    }

    /// Succeeds when no request is being answered any more, so that nothing is left of those that failed; at the latest
    /// after `limit`. Called on the event loop.
    package func whenIdle(within limit: TimeAmount) -> EventLoopFuture<Void> {
        self.running.value.whenNone(within: limit, on: self.executor.eventLoop)
    }

    /// Adds the routes to `routes`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(
            .GET, "/files",
            self.route { exchange throws(TransferFailure) in try await self.download(exchange) })
        routes.add(
            .POST, "/files",
            self.route { exchange throws(TransferFailure) in try await self.upload(exchange) })
        routes.add(
            .POST, "/files/compose",
            self.route { exchange throws(TransferFailure) in try await self.compose(exchange) })
    }

    /// Answers with `answer`, or with the error object of its failure.
    private func route(
        _ answer: @escaping @Sendable (HTTPExchange) async throws(TransferFailure) -> Void
    ) -> HTTPClosureHandler {
        HTTPClosureHandler { exchange in
            self.running.value.begin()
            _ = self.executor.startTask {
                defer { self.running.value.end() }
                do throws(TransferFailure) {
                    try await answer(exchange)
                } catch {
                    // Of a response that has begun, the client must not believe that it is complete.
                    guard !exchange.hasBegun else { return exchange.abort() }
                    exchange.respondError(error.status, error.message, error.headers)
                }
            }
        }
    }

    /// The request's query and what it may do; nil if it has been answered.
    func admit(
        _ exchange: HTTPExchange, _ operation: FileSignature.Operation
    ) throws(TransferFailure) -> (query: FileQuery, grant: FileSigning.Grant)? {
        let query: FileQuery
        do {
            query = try FileQuery(exchange.query)
        } catch {
            exchange.respond(.badRequest, text: error.message)
            return nil
        }
        let request = FileSigning.Request(
            operation: operation, path: query.path.map { String(decoding: $0, as: UTF8.self) },
            user: query.username, signature: query.signature, expiration: query.expiration,
            maximumBytes: query.maximumBytes, token: exchange.request.headers.accessToken)
        do {
            return (query, try self.signing.check(request))
        } catch {
            throw TransferFailure(.unauthorized, error.message)
        }
    }

    /// Who a request acts as.
    func user(_ username: String?) async throws(TransferFailure) -> CallerResolver.User {
        if let username { return .named(username) }
        let user = await self.callers.defaultUser()
        if case .named("") = user { throw TransferFailure(.badRequest, "username not provided") }
        return user
    }

    /// The account that a request acts as.
    func account(of user: CallerResolver.User) async throws(TransferFailure) -> Account {
        let account: Account
        switch user {
        case .found(let found): account = found
        case .named(let name): account = try await self.account(named: name)
        }
        if let refusal = self.callers.refusal(of: account) { throw TransferFailure(.forbidden, refusal) }
        return account
    }

    private func account(named name: String) async throws(TransferFailure) -> Account {
        let found: Account?
        do {
            found = try await self.callers.account(named: name)
        } catch {
            throw TransferFailure(
                .internalServerError, "error looking up user '\(name)': \(error.lowercasedDescription)")
        }
        guard let found else {
            throw TransferFailure(
                .unauthorized, "error looking up user '\(name)': user: unknown user \(name)")
        }
        return found
    }
}
