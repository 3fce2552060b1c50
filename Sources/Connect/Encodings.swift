import NIOHTTP1

/// How the messages of one call are compressed.
struct Encodings: Sendable {
    /// What the client compresses its messages with.
    var request: (any Compression)?
    /// What the client lets the server compress its messages with.
    var response: (any Compression)?

    /// Negotiates by the protocol's headers: responses are compressed with the first encoding that both sides know;
    /// a client that does not say what it accepts gets what it sends.
    ///
    /// - Throws: `ConnectError` with `unimplemented` if the request's encoding is not supported.
    init(
        _ headers: HTTPHeaders, _ wire: WireProtocol, supported: [any Compression]
    ) throws(ConnectError) {
        let name = headers.first(name: wire.encodingHeader) ?? ""
        self.request = try Self.find(name, in: supported)
        let accepts = headers.contains(name: wire.acceptEncodingHeader)
        self.response = accepts ? Self.firstAccepted(headers, wire, supported) : self.request
    }

    /// The encodings of a GET, whose request's compression is a query parameter.
    init(
        parameter name: String, _ headers: HTTPHeaders, supported: [any Compression]
    ) throws(ConnectError) {
        self.request = try Self.find(name, in: supported)
        self.response = Self.firstAccepted(headers, .connectUnary, supported)
    }

    /// No compression.
    init() {}

    private static func firstAccepted(
        _ headers: HTTPHeaders, _ wire: WireProtocol, _ supported: [any Compression]
    ) -> (any Compression)? {
        headers[canonicalForm: wire.acceptEncodingHeader].lazy
            .compactMap { accepted in supported.first { $0.name == accepted } }
            .first
    }

    private static func find(
        _ name: String, in supported: [any Compression]
    ) throws(ConnectError) -> (any Compression)? {
        guard !name.isEmpty, name != "identity" else { return nil }
        guard let compression = supported.first(where: { $0.name == name }) else {
            let names = supported.map(\.name).joined(separator: ", ")
            throw ConnectError(
                .unimplemented,
                "unknown compression \"\(name)\": supported encodings are \(names.isEmpty ? "identity" : names)"
            )
        }
        return compression
    }
}
