import NIOCore

/// What the headers of a part say that matters to uploads.
struct MultipartHeaders: Equatable {
    /// The form's field; empty if the part is not one of a form.
    let field: String
    /// The file's name, with its directories; nil if there is none.
    let fileName: [UInt8]?
    /// Whether the content is in quoted-printable.
    let isQuotedPrintable: Bool

    /// Reads header lines, each with its end.
    init(_ lines: ByteBufferView) throws(MultipartParser.Problem) {
        var disposition: MediaType?
        var encoding = ""
        for (name, value) in try Self.fields(lines) {
            switch name {
            case "content-disposition" where disposition == nil:
                disposition = try? MediaType(bytes: value)
            case "content-transfer-encoding" where encoding.isEmpty:
                encoding = String(decoding: value, as: UTF8.self).lowercased()
            default:
                continue
            }
        }
        let isForm = disposition?.name == "form-data"
        self.field = isForm ? disposition?.text("name") ?? "" : ""
        self.fileName = disposition?.parameters["filename"]
        self.isQuotedPrintable = encoding == "quoted-printable"
    }

    /// The fields by name in lower case; a line that begins with a space goes on with the one before it.
    private static func fields(
        _ lines: ByteBufferView
    ) throws(MultipartParser.Problem) -> [(name: String, value: [UInt8])] {
        var fields: [(name: String, value: [UInt8])] = []
        for line in lines.split(separator: 0x0A) {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard let first = line.first else { continue }
            if first == 0x20 || first == 0x09 {
                guard var field = fields.popLast() else {
                    throw .malformedHeader(String(decoding: line, as: UTF8.self))
                }
                field.value += [0x20] + line.drop { $0 == 0x20 || $0 == 0x09 }
                fields.append(field)
                continue
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                throw .malformedHeader(String(decoding: line, as: UTF8.self))
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            fields.append((name, Array(line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 })))
        }
        return fields
    }
}
