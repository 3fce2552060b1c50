/// Which encoding of a response's body a client wants.
///
/// - SeeAlso: RFC 9110, section 12.5.3; the details are the reference's.
struct AcceptEncoding: Equatable {
    enum Choice: Equatable {
        case identity, gzip
        /// Nothing that there is.
        case none
    }

    /// Whether the client refuses a body as it is.
    let refusesIdentity: Bool
    let choice: Choice

    /// Reads the value of an `Accept-Encoding` header; nil or empty accepts identity.
    init(_ header: String?) {
        guard let header, !header.isEmpty else {
            self.refusesIdentity = false
            self.choice = .identity
            return
        }
        let items = header.split(separator: ",", omittingEmptySubsequences: false).map(Self.item)
        let identities = items.filter { $0.name == "identity" }
        let refusesIdentity =
            identities.contains { $0.quality == 0 }
            || items.contains { $0.name == "*" && $0.quality == 0 }
                && !identities.contains { $0.quality != 0 }
        self.refusesIdentity = refusesIdentity
        // Stable: what is wanted as much stays in the client's order.
        let sorted = items.enumerated().sorted {
            ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset)
        }
        for (_, item) in sorted where item.quality != 0 {
            switch item.name {
            case "gzip":
                self.choice = .gzip
                return
            case "identity":
                self.choice = .identity
                return
            case "*":
                self.choice = refusesIdentity ? .gzip : .identity
                return
            default:
                continue
            }
        }
        self.choice = refusesIdentity ? .none : .identity
    }

    /// One of the list: its name in lower case, and how much it is wanted.
    private static func item(_ text: Substring) -> (name: String, quality: Double) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        let name = (parts.first ?? "").trimmed.lowercased()
        for parameter in parts.dropFirst() {
            let parameter = parameter.trimmed
            guard parameter.lowercased().hasPrefix("q=") else { continue }
            return (name, Double(parameter.dropFirst(2).trimmed) ?? 1)
        }
        return (name, 1)
    }
}
