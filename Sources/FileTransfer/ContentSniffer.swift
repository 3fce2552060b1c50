/// Tells the content type of a file by its first bytes.
///
/// - SeeAlso: WHATWG MIME Sniffing, "Rules for identifying an unknown MIME type".
enum ContentSniffer {
    /// Bytes that are looked at.
    static let bytes = 512

    /// The type of what begins with `start`, as the value of a `Content-Type` header.
    static func type(of start: some Collection<UInt8>) -> String {
        let bytes = Array(start.prefix(Self.bytes))
        let text = Array(bytes.drop { [0x09, 0x0A, 0x0C, 0x0D, 0x20].contains($0) })
        if Self.tags.contains(where: { Self.isTag($0, at: text) }) { return "text/html; charset=utf-8" }
        if text.starts(with: "<?xml".utf8) { return "text/xml; charset=utf-8" }
        for signature in Self.signatures where signature.matches(bytes) { return signature.type }
        if Self.isMPEG4(bytes) { return "video/mp4" }
        for signature in Self.lateSignatures where signature.matches(bytes) { return signature.type }
        return text.contains(where: Self.isBinary) ? "application/octet-stream" : "text/plain; charset=utf-8"
    }

    private static let tags = [
        "<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A",
        "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P", "<!--",
    ].map { Array($0.utf8) }

    /// Whether `text` begins with `tag`, in any case, and what ends a tag's name.
    private static func isTag(_ tag: [UInt8], at text: [UInt8]) -> Bool {
        guard text.count > tag.count,
            text[tag.count] == UInt8(ascii: " ") || text[tag.count] == UInt8(ascii: ">")
        else { return false }
        return zip(tag, text).allSatisfy { expected, byte in
            let isLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return expected == (isLower ? byte & 0xDF : byte)
        }
    }

    private static func isBinary(_ byte: UInt8) -> Bool {
        byte <= 0x08 || byte == 0x0B || (0x0E...0x1A).contains(byte) || (0x1C...0x1F).contains(byte)
    }

    /// Whether it begins with the `ftyp` box of an MPEG-4 file.
    private static func isMPEG4(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 12 else { return false }
        let size = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard size <= bytes.count, size % 4 == 0, bytes[4..<8].elementsEqual("ftyp".utf8) else {
            return false
        }
        return stride(from: 8, to: size, by: 4).contains { place in
            place != 12 && bytes[place..<place + 3].elementsEqual("mp4".utf8)
        }
    }

    /// Bytes that a file begins with; nil stands for any byte.
    private struct Signature: Sendable {
        let type: String
        let pattern: [UInt8?]

        init(_ type: String, _ bytes: [UInt8?]) {
            self.type = type
            self.pattern = bytes
        }

        init(_ type: String, _ text: String, anyThen rest: String = "") {
            self.type = type
            self.pattern =
                Array(text.utf8) + (rest.isEmpty ? [] : Array(repeating: nil, count: 4)) + Array(rest.utf8)
        }

        func matches(_ bytes: [UInt8]) -> Bool {
            bytes.count >= self.pattern.count
                && zip(self.pattern, bytes).allSatisfy { expected, byte in expected == nil || expected == byte
                }
        }
    }

    private static let signatures = [
        Signature("application/pdf", "%PDF-"),
        Signature("application/postscript", "%!PS-Adobe-"),
        Signature("text/plain; charset=utf-16be", [0xFE, 0xFF, nil, nil]),
        Signature("text/plain; charset=utf-16le", [0xFF, 0xFE, nil, nil]),
        Signature("text/plain; charset=utf-8", [0xEF, 0xBB, 0xBF, nil]),
        Signature("image/x-icon", [0, 0, 1, 0]),
        Signature("image/x-icon", [0, 0, 2, 0]),
        Signature("image/bmp", "BM"),
        Signature("image/gif", "GIF87a"),
        Signature("image/gif", "GIF89a"),
        Signature("image/webp", "RIFF", anyThen: "WEBPVP"),
        Signature("image/png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        Signature("image/jpeg", [0xFF, 0xD8, 0xFF]),
        Signature("audio/aiff", "FORM", anyThen: "AIFF"),
        Signature("audio/mpeg", "ID3"),
        Signature("application/ogg", "OggS\u{0}"),
        Signature("audio/midi", "MThd\u{0}\u{0}\u{0}\u{6}"),
        Signature("video/avi", "RIFF", anyThen: "AVI "),
        Signature("audio/wave", "RIFF", anyThen: "WAVE"),
    ]

    private static let lateSignatures = [
        Signature("video/webm", [0x1A, 0x45, 0xDF, 0xA3]),
        Signature(
            "application/vnd.ms-fontobject", Array(repeating: nil, count: 34) + [0x4C, 0x50]),
        Signature("font/ttf", [0, 1, 0, 0]),
        Signature("font/otf", "OTTO"),
        Signature("font/collection", "ttcf"),
        Signature("font/woff", "wOFF"),
        Signature("font/woff2", "wOF2"),
        Signature("application/x-gzip", [0x1F, 0x8B, 0x08]),
        Signature("application/zip", "PK\u{3}\u{4}"),
        Signature("application/x-rar-compressed", "Rar!\u{1A}\u{7}\u{0}"),
        Signature("application/x-rar-compressed", "Rar!\u{1A}\u{7}\u{1}\u{0}"),
        Signature("application/wasm", [0, 0x61, 0x73, 0x6D]),
    ]
}
