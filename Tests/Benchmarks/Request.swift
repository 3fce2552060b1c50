/// Requests in the form in which they are sent.
enum Request {
    /// How messages are encoded; the raw value is its name in content types.
    enum Codec: String {
        case proto, json
    }

    /// The end of every streamed response: HTTP's last chunk.
    static let streamEnd: StaticString = "\r\n0\r\n\r\n"
    /// The end of a response without a body.
    static let headEnd: StaticString = "\r\n\r\n"

    static let health = Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
    static let list = Self.post("List", "application/proto", user: nil, [])

    /// How the message of ``echo`` ends.
    static let echoEnd: StaticString = "the end of an echo"
    /// A message of 100 bytes, a `google.protobuf.BytesValue` with its `value` (field 1).
    static let echo: [UInt8] = {
        let end = echoEnd.withUTF8Buffer { Array($0) }
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: 98 - end.count) + end
        return Self.post(
            "Echo", of: "benchmark.Echo", "application/proto", user: nil, [0x0A, UInt8(value.count)] + value)
    }()

    /// Starts `command` without input.
    static func start(_ command: [String], _ codec: Codec, user: String? = nil) -> [UInt8] {
        let message =
            switch codec {
            case .proto: Self.proto(command)
            case .json: Self.json(command)
            }
        return Self.post("Start", "application/connect+\(codec.rawValue)", user: user, Self.envelope(message))
    }

    /// Downloads a file, `path` being one that needs no encoding.
    static func download(_ path: String, accepting encodings: String = "identity") -> [UInt8] {
        Array(
            "GET /files?path=\(path) HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: \(encodings)\r\n\r\n"
                .utf8)
    }

    /// The head of a request to upload a file; its bytes follow.
    static func upload(to path: String, bytes: Int) -> [UInt8] {
        Array(
            "POST /files?path=\(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                .utf8)
            + Array("Content-Length: \(bytes)\r\n\r\n".utf8)
    }

    /// Lists a directory, in JSON.
    static func listing(of path: String) -> [UInt8] {
        Self.post(
            "ListDir", of: "filesystem.Filesystem", "application/json", user: nil,
            Array("{\"path\":\"\(path)\",\"depth\":1}".utf8))
    }

    /// Watches a directory, in JSON.
    static func watch(_ path: String, isRecursive: Bool) -> [UInt8] {
        Self.post(
            "WatchDir", of: "filesystem.Filesystem", "application/connect+json", user: nil,
            Self.envelope(Array("{\"path\":\"\(path)\",\"recursive\":\(isRecursive)}".utf8)))
    }

    private static func envelope(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        return [0] + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> $0) }
            + message
    }

    private static func post(
        _ method: String, of service: String = "process.Process", _ contentType: String, user: String?,
        _ body: [UInt8]
    ) -> [UInt8] {
        var head =
            "POST /\(service)/\(method) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(contentType)\r\n"
        if let user { head += "Authorization: Basic \(Self.base64("\(user):"))\r\n" }
        head += "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// A `StartRequest`: `process` (field 1) with `cmd` (1) and `args` (2), and `stdin` (4) false.
    private static func proto(_ command: [String]) -> [UInt8] {
        var process: [UInt8] = []
        for (index, text) in command.enumerated() {
            process += [index == 0 ? 0x0A : 0x12, UInt8(text.utf8.count)] + Array(text.utf8)
        }
        return [0x0A, UInt8(process.count)] + process + [0x20, 0]
    }

    private static func json(_ command: [String]) -> [UInt8] {
        let arguments = command.dropFirst().map { "\"\($0)\"" }.joined(separator: ",")
        return Array("{\"process\":{\"cmd\":\"\(command[0])\",\"args\":[\(arguments)]},\"stdin\":false}".utf8)
    }

    private static func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0...3 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : "=")
            }
        }
        return result
    }
}
