public import NIOHTTP1

/// Why an RPC failed, in the form its client will see.
public struct ConnectError: Error, Sendable {
    /// The status codes that Connect shares with gRPC; the raw value is gRPC's number.
    ///
    /// There is no code for success: an error is never one.
    public enum Code: Int, Sendable, CaseIterable {
        /// The caller gave up.
        case canceled = 1
        /// An error that fits no other code.
        case unknown = 2
        /// The request is wrong whatever the state of the system.
        case invalidArgument = 3
        /// Time ran out before the operation completed.
        case deadlineExceeded = 4
        /// What the request names does not exist.
        case notFound = 5
        /// What the request would create exists.
        case alreadyExists = 6
        /// The caller may not do this.
        case permissionDenied = 7
        /// A limit or a resource is used up.
        case resourceExhausted = 8
        /// The system is not in the state that the operation needs.
        case failedPrecondition = 9
        /// A conflict with something concurrent: try again at a higher level.
        case aborted = 10
        /// Past the end of what there is.
        case outOfRange = 11
        /// The operation is not implemented or not enabled.
        case unimplemented = 12
        /// An invariant of the server is broken.
        case internalError = 13
        /// Cannot be served now: try again.
        case unavailable = 14
        /// Data is lost or corrupt.
        case dataLoss = 15
        /// The caller has not proved who it is.
        case unauthenticated = 16
    }

    /// The status code.
    public var code: Code
    /// Sent to the client: names the operation and its object, never a secret.
    public var message: String
    /// Typed details, in order.
    public var details: [ErrorDetail]
    /// Headers and trailers that go with the error.
    public var metadata: HTTPHeaders
    /// Kept for the log, never sent.
    public var cause: (any Error)?

    /// An error with `code` and `message`.
    public init(
        _ code: Code, _ message: String, details: [ErrorDetail] = [], metadata: HTTPHeaders = [:],
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.metadata = metadata
        self.cause = cause
    }

    /// The form in which a client sees any error that a procedure throws.
    init(wrapping error: any Error) {
        switch error {
        case let error as ConnectError:
            self = error
        case is CancellationError:
            self.init(.canceled, "context canceled", cause: error)
        default:
            self.init(.internalError, "internal error", cause: error)
        }
    }
}

extension ConnectError.Code {
    /// The spelling in Connect's JSON.
    public var name: String {
        switch self {
        case .canceled: "canceled"
        case .unknown: "unknown"
        case .invalidArgument: "invalid_argument"
        case .deadlineExceeded: "deadline_exceeded"
        case .notFound: "not_found"
        case .alreadyExists: "already_exists"
        case .permissionDenied: "permission_denied"
        case .resourceExhausted: "resource_exhausted"
        case .failedPrecondition: "failed_precondition"
        case .aborted: "aborted"
        case .outOfRange: "out_of_range"
        case .unimplemented: "unimplemented"
        case .internalError: "internal"
        case .unavailable: "unavailable"
        case .dataLoss: "data_loss"
        case .unauthenticated: "unauthenticated"
        }
    }

    /// The HTTP status of a failed unary call.
    ///
    /// - SeeAlso: Connect protocol reference, "Error Codes".
    public var httpStatus: HTTPResponseStatus {
        switch self {
        case .canceled: .custom(code: 499, reasonPhrase: "Client Closed Request")
        case .unknown, .internalError, .dataLoss: .internalServerError
        case .invalidArgument, .failedPrecondition, .outOfRange: .badRequest
        case .deadlineExceeded: .gatewayTimeout
        case .notFound: .notFound
        case .alreadyExists, .aborted: .conflict
        case .permissionDenied: .forbidden
        case .resourceExhausted: .tooManyRequests
        case .unimplemented: .notImplemented
        case .unavailable: .serviceUnavailable
        case .unauthenticated: .unauthorized
        }
    }
}
