import HTTPTransport

/// A header value with parameters, as `Content-Type` and `Content-Disposition` are.
///
/// - SeeAlso: RFC 2045, section 5.1; RFC 2183; RFC 2231, sections 3 and 4.
struct MediaType: Equatable {
    enum Problem: Error, Equatable {
        case malformedParameter
        case duplicateParameter

        /// What the reference says.
        var text: String {
            switch self {
            case .malformedParameter: "mime: invalid media parameter"
            case .duplicateParameter: "mime: duplicate parameter name"
            }
        }
    }

    /// What stands before the parameters, in lower case.
    let name: String
    /// By name in lower case.
    private(set) var parameters: [String: [UInt8]] = [:]

    /// The name alone, whatever the parameters are.
    static func name(of value: String) -> String {
        value.prefix { $0 != ";" }.trimmed.lowercased()
    }

    /// Reads `value`.
    init(_ value: String) throws(Problem) {
        try self.init(bytes: value.utf8)
    }

    /// Reads a value that need not be text.
    init(bytes: some Collection<UInt8>) throws(Problem) {
        let end = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        self.name = Self.name(of: String(decoding: bytes[..<end], as: UTF8.self))
        var rest = Array(bytes[end...])[...]
        /// Parameters in pieces or with a character set: by name, then by what stands behind the asterisk.
        var pieces: [String: [String: [UInt8]]] = [:]
        while true {
            rest = Self.skipSpace(rest)
            guard let separator = rest.popFirst() else { break }
            guard separator == UInt8(ascii: ";") else { throw .malformedParameter }
            rest = Self.skipSpace(rest)
            if rest.isEmpty { break }
            guard let (name, value) = Self.parameter(&rest) else { throw .malformedParameter }
            if let star = name.firstIndex(of: "*") {
                let piece = String(name[name.index(after: star)...])
                guard pieces[String(name[..<star]), default: [:]].updateValue(value, forKey: piece) == nil
                else {
                    throw .duplicateParameter
                }
            } else if let other = self.parameters.updateValue(value, forKey: name), other != value {
                throw .duplicateParameter
            }
        }
        for (name, pieces) in pieces {
            if let value = Self.join(pieces) { self.parameters[name] = value }
        }
    }

    /// A parameter as text; what is not UTF-8 is repaired.
    func text(_ parameter: String) -> String? {
        self.parameters[parameter].map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Syntax

    private static func skipSpace(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        text.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !Self.isSpecial(byte)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool { "()<>@,;:\\\"/[]?=".utf8.contains(byte) }

    /// Takes `name=value` from the front.
    private static func parameter(_ rest: inout ArraySlice<UInt8>) -> (name: String, value: [UInt8])? {
        let name = rest.prefix(while: Self.isToken)
        guard !name.isEmpty else { return nil }
        rest = Self.skipSpace(rest.dropFirst(name.count))
        guard rest.popFirst() == UInt8(ascii: "=") else { return nil }
        rest = Self.skipSpace(rest)
        let value: [UInt8]
        if rest.first == UInt8(ascii: "\"") {
            guard let quoted = Self.quotedString(&rest) else { return nil }
            value = quoted
        } else {
            value = Array(rest.prefix(while: Self.isToken))
            guard !value.isEmpty else { return nil }
            rest = rest.dropFirst(value.count)
        }
        return (String(decoding: name, as: UTF8.self).lowercased(), value)
    }

    /// Takes a quoted string from the front. A backslash before what needs none stands for itself, because browsers
    /// have sent the paths of Windows like that.
    private static func quotedString(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                return value
            case UInt8(ascii: "\\"):
                if let next = rest.first, Self.isSpecial(next) {
                    value.append(next)
                    rest = rest.dropFirst()
                } else {
                    value.append(byte)
                }
            case 0x0D, 0x0A:
                return nil
            default:
                value.append(byte)
            }
        }
        return nil
    }

    /// Pieces of one parameter at most.
    private static let pieceLimit = 100

    /// The value of `name*=…`, or of `name*0=…; name*1*=…`; nil if it cannot be read.
    private static func join(_ pieces: [String: [UInt8]]) -> [UInt8]? {
        if let whole = pieces[""] { return Self.decodeExtended(whole) }
        var value: [UInt8] = []
        for number in 0..<Self.pieceLimit {
            if let plain = pieces["\(number)"] {
                value += plain
            } else if let encoded = pieces["\(number)*"] {
                guard
                    let decoded = number == 0 ? Self.decodeExtended(encoded) : Self.decodePercent(encoded)
                else { return nil }
                value += decoded
            } else {
                return number == 0 ? nil : value
            }
        }
        return value
    }

    /// Decodes `charset'language'percent-encoded`.
    private static func decodeExtended(_ value: [UInt8]) -> [UInt8]? {
        let parts = value.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let charset = String(decoding: parts[0], as: UTF8.self).lowercased()
        guard charset == "utf-8" || charset == "us-ascii" else { return nil }
        return Self.decodePercent(parts[2])
    }

    private static func decodePercent(_ text: some Collection<UInt8>) -> [UInt8]? {
        PercentEncoding.decode(String(decoding: text, as: UTF8.self)[...], plusIsSpace: false)
    }
}
