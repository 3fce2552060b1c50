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
        if !error.message.isEmpty { json += ",\"message\":" + JSONText.quoted(error.message) }
        if !error.details.isEmpty {
            let details = error.details.map {
                "{\"type\":\(JSONText.quoted($0.type)),\"value\":\"\(Base64.encode($0.value, padding: false))\"}"
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
                let values = trailers[name].map(JSONText.quoted).joined(separator: ",")
                return "\(JSONText.quoted(name)):[\(values)]"
            }
            members.append("\"metadata\":{" + metadata.joined(separator: ",") + "}")
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
