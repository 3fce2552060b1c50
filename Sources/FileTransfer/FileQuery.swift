import HTTPTransport

/// The query of a request for `/files`.
struct FileQuery: Equatable {
    /// Why the query cannot be understood: the line of text that is the response.
    struct Problem: Error, Equatable {
        let text: String
    }

    /// Not always UTF-8; nil if there is none, which is not the same as an empty one.
    let path: [UInt8]?
    let username: String?
    let signature: String?
    /// Seconds since the epoch.
    let expiration: Int64?
    /// Bytes that the body may have.
    let maximumBytes: Int64?

    /// Reads what follows the `?` of a request target.
    init(_ query: String?) throws(Problem) {
        let parameters = QueryParameters(query)
        self.path = try Self.single("path", parameters)
        self.username = try Self.single("username", parameters).map { String(decoding: $0, as: UTF8.self) }
        self.signature = try Self.single("signature", parameters).map { String(decoding: $0, as: UTF8.self) }
        self.expiration = try Self.number("signature_expiration", parameters)
        self.maximumBytes = try Self.number("signature_max_bytes", parameters)
    }

    private static func single(_ name: String, _ parameters: QueryParameters) throws(Problem) -> [UInt8]? {
        let values = parameters.values(name)
        guard values.count <= 1 else {
            throw Self.problem(name, "multiple values for single value parameter '\(name)'")
        }
        return values.first
    }

    private static func number(_ name: String, _ parameters: QueryParameters) throws(Problem) -> Int64? {
        guard let value = try Self.single(name, parameters) else { return nil }
        let text = String(decoding: value, as: UTF8.self)
        if let number = Int64(text) { return number }
        let digits =
            text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
            ? text.utf8.dropFirst() : text.utf8[...]
        let isNumber =
            !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let reason = isNumber ? "value out of range" : "invalid syntax"
        throw Self.problem(
            name, "error binding string parameter: strconv.ParseInt: parsing \"\(text)\": \(reason)")
    }

    private static func problem(_ name: String, _ reason: String) -> Problem {
        Problem(text: "Invalid format for parameter \(name): \(reason)\n")
    }
}
