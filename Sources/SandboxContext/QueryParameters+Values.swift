package import HTTPTransport

extension QueryParameters {
    /// The one value of a parameter, nil if it is absent. What is not UTF-8 in it is repaired.
    ///
    /// - Throws: ``QueryParameterProblem`` if it is repeated.
    package func text(_ name: String) throws(QueryParameterProblem) -> String? {
        let values = self.values(name)
        guard values.count <= 1 else {
            throw QueryParameterProblem(name, "multiple values for single value parameter '\(name)'")
        }
        return values.first.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The one value of a parameter that is a decimal number, nil if it is absent.
    ///
    /// - Throws: ``QueryParameterProblem`` if it is repeated, no number, or out of range.
    package func integer(_ name: String) throws(QueryParameterProblem) -> Int64? {
        guard let text = try self.text(name) else { return nil }
        if let number = Int64(text) { return number }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let isNumber =
            !digits.isEmpty && digits.count >= text.utf8.count - 1
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        throw QueryParameterProblem(
            name,
            "error binding string parameter: strconv.ParseInt: parsing \(Self.quoted(text)): "
                + (isNumber ? "value out of range" : "invalid syntax"))
    }

    /// `text` between quotes, control characters escaped.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..<" ", "\u{7f}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
