import HTTPTransport
public import NIOCore
public import NIOHTTP1
public import SwiftProtobuf

/// What a procedure knows of its call besides the messages.
public struct RPCContext: Sendable {
    /// The request path, as `/process.Process/Start`.
    public let procedure: String
    /// How many messages go each way.
    public let kind: ProcedureKind
    /// The request's headers.
    public let requestHeaders: HTTPHeaders
    /// The client's address.
    public let peer: SocketAddress?
    /// When the call ends with `deadline_exceeded`; nil if the client set no timeout.
    public let deadline: NIODeadline?
    /// The timeout that the client asked for, which may be zero.
    public let timeout: TimeAmount?
    /// Whether the client speaks Connect, and not gRPC or gRPC-Web.
    public let isConnect: Bool
    /// The query parameters of a GET, decoded, in order; empty for other methods.
    public let queryParameters: [(name: String, value: String)]
    /// The name of the codec of requests and responses.
    public var codec: String { self.messageCodec.name }
    /// The loop on which the call runs.
    public let eventLoop: any EventLoop
    /// Headers and trailers of the response.
    public let response: ResponseMetadata

    let messageCodec: any Codec
    let completion: CallCompletion
    private var values: [ObjectIdentifier: any Sendable] = [:]

    init(
        _ kind: ProcedureKind, _ exchange: HTTPExchange, _ timeout: TimeAmount?,
        _ wire: WireProtocol = .connectUnary, codec: any Codec,
        queryParameters: [(name: String, value: String)] = []
    ) {
        self.procedure = exchange.path
        self.kind = kind
        self.requestHeaders = exchange.request.headers
        self.peer = exchange.peer
        self.timeout = timeout
        self.deadline = timeout.map { .now() + $0 }
        self.isConnect =
            switch wire {
            case .connectUnary, .connectStream: true
            case .grpc, .grpcWeb, .grpcWebText: false
            }
        self.queryParameters = queryParameters
        self.messageCodec = codec
        self.eventLoop = exchange.eventLoop
        self.response = ResponseMetadata()
        self.completion = CallCompletion(exchange.eventLoop)
    }

    /// Calls `observer` once, on the event loop, when the call is over: with nil if it succeeded. Called on the event
    /// loop.
    public func whenFinished(_ observer: @escaping (ConnectError?) -> Void) {
        self.completion.add(observer)
    }

    /// A response in the codec of the call; that it cannot be encoded is the server's error. On any thread.
    public func encode(_ response: some Message) throws(ConnectError) -> ByteBuffer {
        try self.messageCodec.encodeResponse(response)
    }

    /// What an interceptor left under `key` for those further in.
    public subscript<Key: RPCContextKey>(key: Key.Type) -> Key.Value? {
        get { self.values[ObjectIdentifier(key)] as? Key.Value }
        set { self.values[ObjectIdentifier(key)] = newValue }
    }
}

/// Names a value in an ``RPCContext``.
public protocol RPCContextKey {
    /// The value's type.
    associatedtype Value: Sendable
}
