/// Which protocol a call speaks.
enum WireProtocol: Sendable, Equatable {
    /// Connect's unary calls: bare messages, errors as HTTP statuses.
    case connectUnary
    /// Connect's streams: envelopes, ended by one with JSON.
    case connectStream
    /// gRPC: envelopes, ended by HTTP trailers.
    case grpc
    /// gRPC-Web: envelopes, ended by one with trailers.
    case grpcWeb
    /// gRPC-Web in Base64.
    case grpcWebText

    /// Whether messages of this procedure go in this protocol.
    func carries(_ kind: ProcedureKind) -> Bool {
        switch self {
        case .connectUnary: kind == .unary
        case .connectStream: kind != .unary
        case .grpc, .grpcWeb, .grpcWebText: true
        }
    }

    /// Whether messages are in envelopes.
    var isEnveloped: Bool { self != .connectUnary }

    /// The header that names the compression of what the sender of the header sends.
    var encodingHeader: String {
        switch self {
        case .connectUnary: "Content-Encoding"
        case .connectStream: "Connect-Content-Encoding"
        case .grpc, .grpcWeb, .grpcWebText: "Grpc-Encoding"
        }
    }

    /// The header that names the compressions that the sender of the header understands.
    var acceptEncodingHeader: String {
        switch self {
        case .connectUnary: "Accept-Encoding"
        case .connectStream: "Connect-Accept-Encoding"
        case .grpc, .grpcWeb, .grpcWebText: "Grpc-Accept-Encoding"
        }
    }
}
