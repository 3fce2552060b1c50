/// A line of the file of host names.
///
/// Layout: an address, names, and a comment behind `#`, each optional, between blanks.
///
/// - SeeAlso: hosts(5).
struct HostsLine {
    /// As it was read.
    let text: Substring
    /// Empty in a line without one.
    var address: String
    /// In lower case.
    var names: [String]
    /// What follows the `#`.
    let comment: Substring?

    private let original: (address: String, names: [String])

    init(_ text: Substring) {
        self.text = text
        let mark = text.firstIndex(of: "#")
        self.comment = mark.map { text[text.index(after: $0)...] }
        let words = text[..<(mark ?? text.endIndex)].split { $0 == " " || $0 == "\t" || $0 == "\r" }
        self.address = words.first.map { String($0) } ?? ""
        self.names = words.dropFirst().map { $0.lowercased() }
        self.original = (self.address, self.names)
    }

    /// The line as it was, or if it was changed, with the address in `columns` columns.
    func rendered(columns: Int) -> String {
        if self.address == self.original.address, self.names == self.original.names {
            return String(self.text)
        }
        let padding = String(repeating: " ", count: max(0, columns - self.address.utf8.count))
        let line = self.address + padding + " " + self.names.joined(separator: " ")
        return self.comment.map { line + " #" + $0 } ?? line
    }
}
