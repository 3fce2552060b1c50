public import HTTPTransport
import NIOCore
import NIOHTTP1

/// Serves procedures over HTTP: the way in to the library.
public struct ConnectRouter: HTTPHandler {
    private struct Route: Sendable {
        let kind: ProcedureKind
        let run: @Sendable (Call, RPCContext) async throws -> Void
    }

    private var routes: [String: Route] = [:]
    private let executor: EventLoopTaskExecutor
    private let contentTypes: ContentTypeTable
    private let interceptors: [any Interceptor]
    private let limits: ConnectLimits

    /// A router without procedures.
    ///
    /// - Parameter interceptors: the first is outermost.
    public init(
        executor: EventLoopTaskExecutor,
        codecs: [any Codec] = [ProtoCodec(), JSONCodec()],
        interceptors: [any Interceptor] = [],
        limits: ConnectLimits = ConnectLimits()
    ) {
        self.executor = executor
        self.contentTypes = ContentTypeTable(codecs: codecs)
        self.interceptors = interceptors
        self.limits = limits
    }

    /// The paths that are served.
    public var paths: [String] { self.routes.keys.sorted() }

    // MARK: Registration

    /// Serves `procedure` with `body`.
    public mutating func register<Request, Response>(
        _ procedure: UnaryProcedure<Request, Response>,
        _ body: @escaping @Sendable (Request, RPCContext) async throws -> Response
    ) {
        self.add(procedure) { call, context in
            let request = try call.codec.decodeRequest(Request.self, from: try await call.receiveOne())
            try call.send(try call.codec.encodeResponse(try await body(request, context)))
        }
    }

    /// Serves `procedure` with `body`.
    public mutating func register<Request, Response>(
        _ procedure: ServerStreamProcedure<Request, Response>,
        _ body: @escaping @Sendable (Request, RPCContext, ResponseWriter<Response>) async throws -> Void
    ) {
        self.add(procedure) { call, context in
            let request = try call.codec.decodeRequest(Request.self, from: try await call.receiveOne())
            try await body(request, context, ResponseWriter(call))
        }
    }

    /// Serves `procedure` with `body`.
    public mutating func register<Request, Response>(
        _ procedure: ClientStreamProcedure<Request, Response>,
        _ body: @escaping @Sendable (RequestStream<Request>, RPCContext) async throws -> Response
    ) {
        self.add(procedure) { call, context in
            let response = try await body(RequestStream(call), context)
            try call.send(try call.codec.encodeResponse(response))
        }
    }

    /// Serves `procedure` with `body`.
    public mutating func register<Request, Response>(
        _ procedure: BidirectionalProcedure<Request, Response>,
        _ body:
            @escaping @Sendable (RequestStream<Request>, RPCContext, ResponseWriter<Response>) async throws -> Void
    ) {
        self.add(procedure) { call, context in
            try await body(RequestStream(call), context, ResponseWriter(call))
        }
    }

    private mutating func add<P: Procedure>(
        _ procedure: P, _ run: @escaping @Sendable (Call, RPCContext) async throws -> Void
    ) {
        self.routes[procedure.path] = Route(kind: P.kind, run: self.intercepted(run))
    }

    /// `run` inside all interceptors.
    private func intercepted(
        _ run: @escaping @Sendable (Call, RPCContext) async throws -> Void
    ) -> @Sendable (Call, RPCContext) async throws -> Void {
        self.interceptors.reversed().reduce(run) { inner, interceptor in
            { call, context in
                try await interceptor.intercept(context) { try await inner(call, $0) }
            }
        }
    }

    // MARK: Calls

    /// Whether a procedure has this path.
    public func serves(_ path: String) -> Bool {
        self.routes[path] != nil
    }

    /// Starts the call that `exchange` asks for, or refuses it with 404, 405 or 415.
    public func handle(_ exchange: HTTPExchange) {
        guard let route = self.routes[exchange.path] else {
            exchange.respondNotFound()
            return
        }
        guard exchange.request.method == .POST else {
            exchange.respondMethodNotAllowed(allowed: [.POST])
            return
        }
        let header = exchange.request.headers.first(name: "content-type") ?? ""
        guard let contentType = self.contentTypes.find(header, for: route.kind) else {
            let accepted = self.contentTypes.accepted(for: route.kind)
            exchange.respond(.unsupportedMediaType, ["Accept-Post": accepted])
            return
        }
        self.start(exchange, route, contentType)
    }

    private func start(_ exchange: HTTPExchange, _ route: Route, _ contentType: ContentType) {
        var timeout: TimeAmount?
        var problem: ConnectError?
        do {
            try Self.checkHeaders(exchange.request.headers, contentType.wire)
            timeout = try RPCTimeout.connect(exchange.request.headers)
        } catch {
            problem = error
        }
        let context = RPCContext(
            procedure: exchange.path, kind: route.kind, exchange: exchange, timeout: timeout,
            codec: contentType.codec.name)
        let call = Call(exchange, contentType, context, limits: self.limits)
        if let problem {
            call.finish(problem)
        } else {
            call.run(on: self.executor) { call in try await route.run(call, call.context) }
        }
    }

    private static func checkHeaders(_ headers: HTTPHeaders, _ wire: WireProtocol) throws(ConnectError) {
        if let version = headers.first(name: "connect-protocol-version"), version != "1" {
            throw ConnectError(
                .invalidArgument, "Connect-Protocol-Version must be \"1\": got \"\(version)\"")
        }
        let name = wire == .connectUnary ? "content-encoding" : "connect-content-encoding"
        if let encoding = headers.first(name: name), !encoding.isEmpty, encoding != "identity" {
            throw ConnectError(
                .unimplemented, "unknown compression \"\(encoding)\": supported encodings are identity")
        }
    }
}
