import Connect

/// Makes the signatures of `/files` requests.
package enum FileSignature {
    /// What is signed for; the raw value is its spelling in the signature.
    package enum Operation: String, Sendable, CaseIterable {
        case read, write
    }

    static let firstPrefix = "v1_"
    static let secondPrefix = "v2_"

    /// The first version: `v1_` and, in Base64 without padding, SHA-256 of
    /// `path:operation:user:token` or `path:operation:user:token:expiration`.
    ///
    /// - Returns: nil if the user's name has a colon: then other requests would have the same signature, and no
    ///   account has such a name.
    static func first(of request: FileSigning.Request, _ token: AccessToken) -> String? {
        let user = request.user ?? ""
        guard !user.utf8.contains(UInt8(ascii: ":")) else { return nil }
        var hash = SHA2<UInt32>()
        hash.update("\(request.path ?? ""):\(request.operation.rawValue):\(user):".utf8)
        token.withBytes { hash.update($0) }
        if let expiration = request.expiration { hash.update(":\(expiration)".utf8) }
        return Self.firstPrefix + Base64.encode(hash.finish(), padding: false)
    }

    /// The second version: `v2_` and, in URL-safe Base64 without padding, HMAC-SHA-256 with the token as the key, of
    /// these fields, each as its length in bytes (decimal), a colon, its bytes and a comma (a netstring): `v2`, operation,
    /// path, user (empty if there is none), expiration, maximum bytes (empty if there is none).
    ///
    /// - Returns: nil for a request without an expiration, or without a path, which would cover every file.
    static func second(of request: FileSigning.Request, _ token: AccessToken) -> String? {
        guard let expiration = request.expiration, let path = request.path, !path.isEmpty else { return nil }
        let fields = [
            "v2", request.operation.rawValue, path, request.user ?? "", String(expiration),
            request.maximumBytes.map { String($0) } ?? "",
        ]
        let message = fields.map { "\($0.utf8.count):\($0)," }.joined()
        let code = token.withBytes { HMACSHA256.code(of: message.utf8, key: $0) }
        let text = Base64.encode(code, padding: false).utf8.map { character in
            switch character {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: character
            }
        }
        return Self.secondPrefix + String(decoding: text, as: UTF8.self)
    }

    /// Compares in a time that depends on the length of `candidate` alone.
    static func areEqual(_ signature: String, _ candidate: String) -> Bool {
        var difference = signature.utf8.count ^ candidate.utf8.count
        for (byte, other) in zip(signature.utf8, candidate.utf8) { difference |= Int(byte ^ other) }
        return difference == 0
    }
}
