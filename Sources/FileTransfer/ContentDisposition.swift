import HTTPTransport

/// The `Content-Disposition` of a download.
///
/// - SeeAlso: RFC 6266; RFC 8187, section 3.2.
enum ContentDisposition {
    /// `inline; filename=…` with the name as a token, in quotes, or percent-encoded, whichever it needs first.
    static func inline(_ name: String) -> String {
        "inline; " + Self.parameter(name)
    }

    private static func parameter(_ name: String) -> String {
        let bytes = Array(name.utf8)
        if !bytes.isEmpty, bytes.allSatisfy(Self.isToken) { return "filename=\(name)" }
        if bytes.contains(where: { $0 >= 0x7F || $0 < 0x20 && $0 != 0x09 }) {
            let encoded = bytes.map { Self.isPlain($0) ? Self.text($0) : PercentEncoding.encode($0) }
            return "filename*=utf-8''" + encoded.joined()
        }
        let quoted = bytes.map { byte in
            byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
                ? "\\" + Self.text(byte) : Self.text(byte)
        }
        return "filename=\"" + quoted.joined() + "\""
    }

    private static func text(_ byte: UInt8) -> String { String(UnicodeScalar(byte)) }

    /// RFC 2045's token characters.
    private static func isToken(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains(byte)
    }

    /// What stays as it is in percent-encoding.
    private static func isPlain(_ byte: UInt8) -> Bool {
        Self.isToken(byte) && !"*'%".utf8.contains(byte)
    }
}
