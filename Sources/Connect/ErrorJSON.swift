import NIOCore
import NIOHTTP1

/// Writes Connect's JSON for errors and for the end of a stream.
///
/// Layout: `{"code":"…","message":"…","details":[{"type":"…","value":"…"}]}`, without `message` and `details`
/// where there are none; the end of a stream is `{"error":{…},"metadata":{"name":["value"]}}`, both optional.
///
/// - SeeAlso: Connect protocol reference, "Error End-Of-Stream" and "Unary Error".
enum ErrorJSON {
    static func error(_ error: ConnectError) -> String {
        var json = "{\"code\":\"\(error.code.name)\""
        if !error.message.isEmpty { json += ",\"message\":" + Self.quoted(error.message) }
        if !error.details.isEmpty {
            let details = error.details.map {
                "{\"type\":\(Self.quoted($0.type)),\"value\":\"\(Base64.encode($0.value, padding: false))\"}"
            }
            json += ",\"details\":[" + details.joined(separator: ",") + "]"
        }
        return json + "}"
    }

    static func endOfStream(_ error: ConnectError?, trailers: HTTPHeaders) -> String {
        var members: [String] = []
        if let error { members.append("\"error\":" + Self.error(error)) }
        var names: [String] = []
        for (name, _) in trailers where !names.contains(name.lowercased()) { names.append(name.lowercased()) }
        if !names.isEmpty {
            let metadata = names.map { name in
                let values = trailers[name].map(Self.quoted).joined(separator: ",")
                return "\(Self.quoted(name)):[\(values)]"
            }
            members.append("\"metadata\":{" + metadata.joined(separator: ",") + "}")
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// A JSON string. `<`, `>`, `&`, U+2028 and U+2029 are escaped, so that the text is safe inside a page.
    static func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}"..<" ", "\u{7f}":
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
