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
        let parameters = Self.parse(query)
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

    /// The parameters of a form-encoded query, in order; malformed ones are left out.
    private static func parse(_ query: String) -> [(name: String, value: [UInt8])] {
        query.split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.flatMap({ Self.decoded($0) }),
                let value = parts.count == 2 ? Self.decoded(parts[1]) : []
            else { return nil }
            return (String(decoding: name, as: UTF8.self), value)
        }
    }

    /// `text` without percent-encoding, with `+` as a space; nil if it is malformed.
    private static func decoded(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"):
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit),
                    let low = rest.popFirst().flatMap(Self.digit)
                else { return nil }
                bytes.append(high << 4 | low)
            default:
                bytes.append(byte)
            }
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension [(name: String, value: String)] {
    fileprivate func value(_ name: String) -> String? {
        self.first { $0.name == name }?.value
    }
}
