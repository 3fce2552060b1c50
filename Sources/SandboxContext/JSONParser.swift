/// Reads JSON strictly: no comments, no trailing commas, no other spellings of numbers.
///
/// As in most readers, what is not UTF-8 in a string, and half a surrogate pair, become U+FFFD.
struct JSONParser {
    /// Arrays and objects inside each other.
    static let depthLimit = 256

    private let text: UnsafeRawBufferPointer
    private var position = 0
    private var depth = 0

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    private var problem: JSONProblem {
        self.position < self.text.count ? .unexpectedByte(offset: self.position) : .unexpectedEnd
    }

    private var next: UInt8? { self.position < self.text.count ? self.text[self.position] : nil }

    /// The only value of the text.
    mutating func document() throws(JSONProblem) -> JSONValue {
        let value = try self.value()
        guard self.position == self.text.count else { throw self.problem }
        return value
    }

    private mutating func skipSpace() {
        while let byte = self.next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            self.position += 1
        }
    }

    /// Takes `character` if it comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = self.next, byte == UInt8(ascii: character) else { return false }
        self.position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONProblem) {
        guard self.take(character) else { throw self.problem }
    }

    /// A value and the white space around it.
    private mutating func value() throws(JSONProblem) -> JSONValue {
        self.skipSpace()
        defer { self.skipSpace() }
        switch self.next {
        case UInt8(ascii: "{"): return try self.nested { (parser) throws(JSONProblem) in try parser.object() }
        case UInt8(ascii: "["): return try self.nested { (parser) throws(JSONProblem) in try parser.array() }
        case UInt8(ascii: "\""):
            let (text, isVerbatim) = try self.string()
            return .string(text, isVerbatim: isVerbatim)
        case UInt8(ascii: "t"): return try self.word("true", .boolean(true))
        case UInt8(ascii: "f"): return try self.word("false", .boolean(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        default: return try self.number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONProblem) -> JSONValue
    ) throws(JSONProblem) -> JSONValue {
        self.position += 1
        self.depth += 1
        guard self.depth <= Self.depthLimit else { throw .tooDeep }
        defer { self.depth -= 1 }
        self.skipSpace()
        return try body(&self)
    }

    private mutating func object() throws(JSONProblem) -> JSONValue {
        var members: [JSONValue.Member] = []
        if self.take("}") { return .object(members) }
        while true {
            self.skipSpace()
            guard self.next == UInt8(ascii: "\"") else { throw self.problem }
            let name = try self.string().text
            self.skipSpace()
            try self.expect(":")
            members.append(JSONValue.Member(name, try self.value()))
            if self.take("}") { return .object(members) }
            try self.expect(",")
        }
    }

    private mutating func array() throws(JSONProblem) -> JSONValue {
        var values: [JSONValue] = []
        if self.take("]") { return .array(values) }
        while true {
            values.append(try self.value())
            if self.take("]") { return .array(values) }
            try self.expect(",")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        for scalar in word.unicodeScalars { try self.expect(scalar) }
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(JSONProblem) -> JSONValue {
        let start = self.position
        _ = self.take("-")
        if !self.take("0") { try self.digits() }
        if self.take(".") { try self.digits() }
        if self.take("e") || self.take("E") {
            if !self.take("+") { _ = self.take("-") }
            try self.digits()
        }
        return .number(String(decoding: self.text[start..<self.position], as: UTF8.self))
    }

    /// One digit or more.
    private mutating func digits() throws(JSONProblem) {
        let start = self.position
        while let byte = self.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            self.position += 1
        }
        guard self.position > start else { throw self.problem }
    }

    // MARK: Strings

    private mutating func string() throws(JSONProblem) -> (text: String, isVerbatim: Bool) {
        self.position += 1
        var (text, isVerbatim) = self.verbatim()
        while self.take("\\") {
            isVerbatim = false
            text.unicodeScalars.append(try self.escape())
            text += self.verbatim().text
        }
        try self.expect("\"")
        return (text, isVerbatim)
    }

    /// What stands for itself up to a quote, a backslash, or what a string cannot have, and whether nothing of it had to
    /// be replaced.
    private mutating func verbatim() -> (text: String, isVerbatim: Bool) {
        let start = self.position
        while let byte = self.next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            self.position += 1
        }
        let bytes = self.text[start..<self.position]
        if let text = String(validating: bytes, as: UTF8.self) { return (text, true) }
        return (String(decoding: bytes, as: UTF8.self), false)
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(JSONProblem) -> Unicode.Scalar {
        guard let byte = self.next else { throw .unexpectedEnd }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.codePoint()
        default:
            self.position -= 1
            throw self.problem
        }
    }

    private mutating func codePoint() throws(JSONProblem) -> Unicode.Scalar {
        let first = try self.codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // Half of a pair. The other half must follow, or this one is replaced alone.
        let behind = self.position
        if first < 0xDC00, self.take("\\"), self.take("u") {
            let second = try self.codeUnit()
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        self.position = behind
        return "\u{FFFD}"
    }

    /// Four hexadecimal digits.
    private mutating func codeUnit() throws(JSONProblem) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.next else { throw .unexpectedEnd }
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.problem
            }
            unit = unit << 4 | UInt32(digit)
            self.position += 1
        }
        return unit
    }
}
