import NIOHTTP1

/// The end of a gRPC call as trailers.
///
/// - SeeAlso: gRPC over HTTP/2, "Status", "Status-Message".
enum GRPCStatus {
    /// `grpc-status` and, for an error, `grpc-message` and `grpc-status-details-bin`, before `trailers`.
    static func trailers(_ error: ConnectError?, _ trailers: HTTPHeaders) -> HTTPHeaders {
        var fields = HTTPHeaders()
        fields.add(name: "grpc-status", value: String(error?.code.rawValue ?? 0))
        if let error {
            if !error.message.isEmpty {
                fields.add(name: "grpc-message", value: Self.percentEncoded(error.message))
            }
            if !error.details.isEmpty {
                let details = Base64.encode(Self.status(error), padding: false)
                fields.add(name: "grpc-status-details-bin", value: details)
            }
        }
        fields.add(contentsOf: trailers)
        return fields
    }

    /// The trailers of gRPC-Web: lower-case names, each line ended by CRLF.
    static func lines(_ trailers: HTTPHeaders) -> String {
        trailers.map { "\($0.name.lowercased()): \($0.value)\r\n" }.joined()
    }

    /// Everything but printable ASCII, and `%`, as percent and two hexadecimal digits; so are spaces at the
    /// ends, where HTTP would drop them.
    static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        let last = text.utf8.count - 1
        for (place, byte) in text.utf8.enumerated() {
            let isOuterSpace = byte == UInt8(ascii: " ") && (place == 0 || place == last)
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%"), !isOuterSpace {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `google.rpc.Status` in binary form: code = 1, message = 2, repeated details = 3, each an `Any` with
    /// type_url = 1 and value = 2.
    private static func status(_ error: ConnectError) -> [UInt8] {
        var bytes: [UInt8] = [0x08] + Self.varint(error.code.rawValue)
        bytes += Self.field(2, Array(error.message.utf8))
        for detail in error.details {
            let url = Array("type.googleapis.com/\(detail.type)".utf8)
            bytes += Self.field(3, Self.field(1, url) + Self.field(2, detail.value))
        }
        return bytes
    }

    private static func field(_ number: UInt8, _ value: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + Self.varint(value.count) + value
    }

    private static func varint(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
