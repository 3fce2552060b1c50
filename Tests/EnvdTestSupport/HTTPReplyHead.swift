/// The head of an HTTP/1 response, as it came.
package struct HTTPReplyHead: Sendable {
    package var version: String
    package var status: Int
    /// Names in lower case.
    package var fields: [(name: String, value: String)]

    /// The only value of `name`, or its values joined by commas.
    package subscript(name: String) -> String? {
        let values = self.fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    package func values(_ name: String) -> [String] {
        self.fields.filter { $0.name == name }.map(\.value)
    }
}
