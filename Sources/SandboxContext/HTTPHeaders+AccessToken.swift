package import NIOHTTP1

extension HTTPHeaders {
    /// What the first `X-Access-Token` says, without the white space behind it, which is not part of a value (RFC 9110,
    /// section 5.5).
    package var accessToken: String? {
        guard let value = self.first(name: "x-access-token") else { return nil }
        guard let end = value.utf8.lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return "" }
        return String(value[...end])
    }
}
