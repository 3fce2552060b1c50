/// Walks through bytes that are divided by NUL, as git writes them with `-z`.
struct Fields {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.rest = bytes[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    /// The bytes up to the next NUL, which is skipped, or up to the end; nil at the end.
    mutating func next() -> ArraySlice<UInt8>? {
        guard !self.rest.isEmpty else { return nil }
        guard let end = self.rest.firstIndex(of: 0) else {
            defer { self.rest = [] }
            return self.rest
        }
        defer { self.rest = self.rest[(end + 1)...] }
        return self.rest[..<end]
    }

    /// The next as text.
    mutating func nextText() -> String? {
        self.next().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The next byte, which is not taken.
    var first: UInt8? { self.rest.first }

    /// Skips `byte` if it is next.
    mutating func skip(_ byte: UInt8) {
        if self.rest.first == byte { self.rest = self.rest.dropFirst() }
    }

    /// All that is left.
    var remainder: ArraySlice<UInt8> { self.rest }
}
