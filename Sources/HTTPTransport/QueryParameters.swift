/// The parameters of a form-encoded query, in order; malformed ones are left out.
package struct QueryParameters: Sendable {
    package let all: [(name: String, value: [UInt8])]

    /// Reads what follows the `?` of a request target.
    package init(_ query: String?) {
        // Byte by byte: a combining mark behind a separator would hide it.
        self.all = (query ?? "").utf8.split(separator: UInt8(ascii: "&")).compactMap { pair in
            // Old servers took `;` for `&`; neither meaning is safe.
            guard !pair.contains(UInt8(ascii: ";")) else { return nil }
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false
            ).map { Substring($0) }
            guard let name = parts.first.flatMap({ PercentEncoding.decode($0, plusIsSpace: true) }),
                let value = parts.count == 2 ? PercentEncoding.decode(parts[1], plusIsSpace: true) : []
            else { return nil }
            return (String(decoding: name, as: UTF8.self), value)
        }
    }

    /// The values of all parameters of this name.
    package func values(_ name: String) -> [[UInt8]] {
        self.all.lazy.filter { $0.name == name }.map(\.value)
    }
}
