import Connect

/// The user of an HTTP `Authorization: Basic` header.
///
/// - SeeAlso: RFC 7617, section 2.
package struct BasicCredentials: Equatable {
    package var user: String

    /// Reads a header's value; nil if it has another scheme, is not Base64 or has no colon.
    package init?(_ header: String) {
        let scheme = "basic "
        guard header.utf8.count > scheme.utf8.count,
            header.prefix(scheme.utf8.count).lowercased() == scheme
        else { return nil }
        let encoded = header.dropFirst(scheme.utf8.count)
        // Without its padding it is not Base64 to the reference, which then ignores it.
        guard encoded.utf8.count % 4 == 0, let bytes = Base64.decode(encoded.utf8),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        self.user = String(decoding: bytes[..<colon], as: UTF8.self)
    }
}
