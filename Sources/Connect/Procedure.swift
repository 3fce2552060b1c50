public import SwiftProtobuf

/// How many messages go each way.
public enum ProcedureKind: Sendable {
    /// One request, one response.
    case unary
    /// One request, many responses.
    case serverStream
    /// Many requests, one response.
    case clientStream
    /// Many of both.
    case bidirectional
}

/// A procedure of a service: what the .proto says of one `rpc`.
public protocol Procedure: Sendable {
    /// The request's type.
    associatedtype Request: Message
    /// The response's type.
    associatedtype Response: Message
    /// How many messages go each way.
    static var kind: ProcedureKind { get }
    /// The full name of the service, as `process.Process`.
    var service: String { get }
    /// The method's name, as `Start`.
    var method: String { get }
    /// Whether calls may be repeated and cached: the `NO_SIDE_EFFECTS` option, which allows GET.
    var hasNoSideEffects: Bool { get }
}

extension Procedure {
    /// The request path, as `/process.Process/Start`.
    public var path: String { "/\(self.service)/\(self.method)" }
}

/// A procedure with one request and one response.
public struct UnaryProcedure<Request: Message, Response: Message>: Procedure {
    /// Unary.
    public static var kind: ProcedureKind { .unary }
    /// The full name of the service.
    public let service: String
    /// The method's name.
    public let method: String
    /// Whether calls may be repeated and cached.
    public let hasNoSideEffects: Bool

    /// The procedure `service/method`.
    public init(_ service: String, _ method: String, hasNoSideEffects: Bool = false) {
        self.service = service
        self.method = method
        self.hasNoSideEffects = hasNoSideEffects
    }
}

/// A procedure with one request and a stream of responses.
public struct ServerStreamProcedure<Request: Message, Response: Message>: Procedure {
    /// Server stream.
    public static var kind: ProcedureKind { .serverStream }
    /// The full name of the service.
    public let service: String
    /// The method's name.
    public let method: String
    /// Streams are never GET.
    public var hasNoSideEffects: Bool { false }

    /// The procedure `service/method`.
    public init(_ service: String, _ method: String) {
        self.service = service
        self.method = method
    }
}

/// A procedure with a stream of requests and one response.
public struct ClientStreamProcedure<Request: Message, Response: Message>: Procedure {
    /// Client stream.
    public static var kind: ProcedureKind { .clientStream }
    /// The full name of the service.
    public let service: String
    /// The method's name.
    public let method: String
    /// Streams are never GET.
    public var hasNoSideEffects: Bool { false }

    /// The procedure `service/method`.
    public init(_ service: String, _ method: String) {
        self.service = service
        self.method = method
    }
}

/// A procedure with streams both ways.
public struct BidirectionalProcedure<Request: Message, Response: Message>: Procedure {
    /// Bidirectional.
    public static var kind: ProcedureKind { .bidirectional }
    /// The full name of the service.
    public let service: String
    /// The method's name.
    public let method: String
    /// Streams are never GET.
    public var hasNoSideEffects: Bool { false }

    /// The procedure `service/method`.
    public init(_ service: String, _ method: String) {
        self.service = service
        self.method = method
    }
}
