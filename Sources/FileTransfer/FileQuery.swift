import HTTPTransport
import SandboxContext

/// The query of a request for `/files`.
struct FileQuery: Equatable {
    /// Not always UTF-8; nil if there is none, which is not the same as an empty one.
    let path: [UInt8]?
    let username: String?
    let signature: String?
    /// Seconds since the epoch.
    let expiration: Int64?
    /// Bytes that the body may have.
    let maximumBytes: Int64?

    /// Reads what follows the `?` of a request target.
    init(_ query: String?) throws(QueryParameterProblem) {
        let parameters = QueryParameters(query)
        // Bound for its problems, and taken as it was sent.
        self.path = try parameters.text("path") == nil ? nil : parameters.values("path").first
        self.username = try parameters.text("username")
        self.signature = try parameters.text("signature")
        self.expiration = try parameters.integer("signature_expiration")
        self.maximumBytes = try parameters.integer("signature_max_bytes")
    }
}
