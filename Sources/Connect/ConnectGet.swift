import HTTPTransport
import NIOCore

/// The request of a Connect GET: everything is in the query.
///
/// - SeeAlso: Connect protocol reference, "Unary-Get-Request".
struct ConnectGet {
    let parameters: [(name: String, value: String)]
    let codec: String
    let compression: String
    let message: ByteBuffer

    /// Reads a query.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for what is missing or malformed.
    init(query: String) throws(ConnectError) {
        let parameters = QueryParameters(query).all
        self.parameters = parameters.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }
        if let version = self.parameters.value("connect"), version != "v1" {
            throw ConnectError(.invalidArgument, "connect must be \"v1\": got \"\(version)\"")
        }
        self.codec = self.parameters.value("encoding") ?? ""
        self.compression = self.parameters.value("compression") ?? ""
        guard let message = parameters.first(where: { $0.name == "message" })?.value else {
            throw ConnectError(.invalidArgument, "missing message parameter")
        }
        if self.parameters.value("base64") == "1" {
            guard let bytes = Base64.decode(message) else {
                throw ConnectError(.invalidArgument, "message parameter is not valid base64")
            }
            self.message = ByteBuffer(bytes: bytes)
        } else {
            self.message = ByteBuffer(bytes: message)
        }
    }
}

extension [(name: String, value: String)] {
    fileprivate func value(_ name: String) -> String? {
        self.first { $0.name == name }?.value
    }
}
