/// Where a request goes: a URL of the scheme `http`.
///
/// - SeeAlso: RFC 3986, section 3; RFC 9110, section 4.2.1.
struct HTTPAddress: Sendable, Equatable {
    var host: String
    var port: Int
    /// Path and query: `/latest/api/token`.
    var target: String

    init(host: String, port: Int = 80, target: String = "/") {
        self.host = host
        self.port = port
        self.target = target
    }

    /// Reads `http://host[:port][/path][?query]`; nil for anything else.
    init?(_ url: String) {
        let scheme = "http://"
        guard url.utf8.count > scheme.utf8.count, url.prefix(scheme.utf8.count).lowercased() == scheme,
            url.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F })
        else { return nil }
        let rest = url.dropFirst(scheme.utf8.count)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<end]
        let target = rest[end...].prefix { $0 != "#" }
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
        self.port = 80
        guard !authority.contains("@") else { return nil }
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[bracket...].lastIndex(of: ":") {
            guard let port = UInt16(authority[authority.index(after: colon)...]), port > 0 else { return nil }
            self.port = Int(port)
            authority = authority[..<colon]
        }
        if authority.hasPrefix("["), authority.hasSuffix("]") { authority = authority.dropFirst().dropLast() }
        guard !authority.isEmpty else { return nil }
        self.host = String(authority)
    }

    /// What a `Host` header says.
    var authority: String {
        (self.host.contains(":") ? "[\(self.host)]" : self.host) + (self.port == 80 ? "" : ":\(self.port)")
    }
}
