import Connect

/// A JSON text that has been read.
///
/// - SeeAlso: RFC 8259.
package enum JSONValue: Sendable, Equatable {
    /// One member of an object.
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    case null
    case boolean(Bool)
    /// As it was written.
    case number(String)
    /// `isVerbatim`: it was written without escapes, and is UTF-8.
    case string(String, isVerbatim: Bool = true)
    case array([JSONValue])
    /// In the order of the text; a name may come more than once.
    case object([Member])

    /// Reads a whole text.
    ///
    /// - Throws: ``JSONProblem``.
    package init(_ text: UnsafeRawBufferPointer) throws(JSONProblem) {
        var parser = JSONParser(text)
        self = try parser.document()
    }

    /// The string that it is, or nil.
    package var string: String? {
        if case .string(let text, _) = self { text } else { nil }
    }

    /// The members of the object that it is, or nil.
    package var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The last member `name` of the object that it is, or nil.
    package subscript(name: String) -> JSONValue? {
        self.members?.last { $0.name == name }?.value
    }

    /// Its text, without white space.
    package var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text, _): JSONText.quoted(text)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { JSONText.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }
}
