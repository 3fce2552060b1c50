public import HTTPTransport
import NIOCore
import NIOHTTP1

/// Serves procedures over HTTP: the way in to the library.
public struct ConnectRouter: HTTPHandler {
    private struct Route: Sendable {
        let kind: ProcedureKind
        let allowsGet: Bool
        let run: @Sendable (Call, RPCContext) async throws -> Void
    }

    private var routes: [String: Route] = [:]
    private let executor: EventLoopTaskExecutor
    private let settings: ConnectSettings
    private let contentTypes: ContentTypeTable

    /// A router without procedures, whose calls run on `executor`.
    public init(executor: EventLoopTaskExecutor, settings: ConnectSettings = ConnectSettings()) {
        self.executor = executor
        self.settings = settings
        self.contentTypes = ContentTypeTable(codecs: settings.codecs)
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

    /// Serves `procedure` with `body`, which encodes the response by itself.
    public mutating func register<Request, Response>(
        inPieces procedure: UnaryProcedure<Request, Response>,
        _ body: @escaping @Sendable (Request, RPCContext) async throws -> MessagePieces<Response>
    ) {
        self.add(procedure) { call, context in
            let request = try call.codec.decodeRequest(Request.self, from: try await call.receiveOne())
            try await call.send(try await body(request, context))
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

    /// Serves `procedure` with the messages of the source that `body` returns.
    ///
    /// The way for streams that are silent for long or carry much: no task, and no memory of one, exists while the source
    /// is pulled. Interceptors have returned by then; see ``RPCContext/whenFinished(_:)``.
    public mutating func register<Request, Response>(
        _ procedure: ServerStreamProcedure<Request, Response>,
        source body: @escaping @Sendable (Request, RPCContext) async throws -> any MessageSource
    ) {
        self.add(procedure) { call, context in
            let request = try call.codec.decodeRequest(Request.self, from: try await call.receiveOne())
            let source = try await body(request, context)
            await call.onLoop { $0.respond(with: source) }
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
            @escaping @Sendable (RequestStream<Request>, RPCContext, ResponseWriter<Response>) async throws ->
            Void
    ) {
        self.add(procedure) { call, context in
            try await body(RequestStream(call), context, ResponseWriter(call))
        }
    }

    private mutating func add<P: Procedure>(
        _ procedure: P, _ run: @escaping @Sendable (Call, RPCContext) async throws -> Void
    ) {
        self.routes[procedure.path] = Route(
            kind: P.kind, allowsGet: procedure.hasNoSideEffects, run: self.intercepted(run))
    }

    /// `run` inside all interceptors.
    private func intercepted(
        _ run: @escaping @Sendable (Call, RPCContext) async throws -> Void
    ) -> @Sendable (Call, RPCContext) async throws -> Void {
        self.settings.interceptors.reversed().reduce(run) { inner, interceptor in
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
        switch exchange.request.method {
        case .POST:
            self.handlePost(exchange, route)
        case .GET where route.allowsGet:
            self.handleGet(exchange, route)
        default:
            exchange.respondMethodNotAllowed(allowed: route.allowsGet ? [.GET, .POST] : [.POST])
        }
    }

    private func handlePost(_ exchange: HTTPExchange, _ route: Route) {
        let headers = exchange.request.headers
        let type = headers.first(name: "content-type") ?? ""
        guard let contentType = self.contentTypes.find(type, for: route.kind) else {
            exchange.respond(
                .unsupportedMediaType, ["Accept-Post": self.contentTypes.accepted(for: route.kind)])
            return
        }
        let wire = contentType.wire
        do throws(ConnectError) {
            try Self.checkVersion(headers, wire)
            let timeout = try RPCTimeout.of(headers, wire)
            let encodings = try Encodings(headers, wire, supported: self.settings.compressions)
            let context = RPCContext(route.kind, exchange, timeout, wire, codec: contentType.codec)
            self.run(route, Call(exchange, contentType, context, encodings, self.settings, self.executor))
        } catch {
            self.refuse(exchange, route, contentType, error)
        }
    }

    private func handleGet(_ exchange: HTTPExchange, _ route: Route) {
        let headers = exchange.request.headers
        var contentType: ContentType?
        do throws(ConnectError) {
            let get = try ConnectGet(query: exchange.query ?? "")
            contentType = self.contentTypes.find(codec: get.codec)
            guard let contentType else {
                exchange.respond(.unsupportedMediaType)
                return
            }
            let timeout = try RPCTimeout.of(headers, .connectUnary)
            let encodings = try Encodings(
                parameter: get.compression, headers, supported: self.settings.compressions)
            let context = RPCContext(
                route.kind, exchange, timeout, codec: contentType.codec, queryParameters: get.parameters)
            let call = Call(
                exchange, contentType, context, encodings, self.settings, self.executor,
                getMessage: get.message)
            self.run(route, call)
        } catch {
            let json = ContentType(name: "application/json", wire: .connectUnary, codec: JSONCodec())
            self.refuse(exchange, route, contentType ?? json, error)
        }
    }

    private func run(_ route: Route, _ call: Call) {
        call.run { call in try await route.run(call, call.context) }
    }

    /// Ends a call that cannot begin, in its own protocol.
    private func refuse(
        _ exchange: HTTPExchange, _ route: Route, _ contentType: ContentType, _ error: ConnectError
    ) {
        let context = RPCContext(
            route.kind, exchange, nil, contentType.wire, codec: contentType.codec)
        Call(exchange, contentType, context, Encodings(), self.settings, self.executor).finish(error)
    }

    private static func checkVersion(_ headers: HTTPHeaders, _ wire: WireProtocol) throws(ConnectError) {
        guard wire == .connectUnary || wire == .connectStream,
            let version = headers.first(name: "connect-protocol-version"), version != "1"
        else { return }
        throw ConnectError(.invalidArgument, "Connect-Protocol-Version must be \"1\": got \"\(version)\"")
    }
}
