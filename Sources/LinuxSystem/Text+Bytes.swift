/// Text as those see it that know only bytes: the kernel, HTTP, git.
///
/// To Swift a combining mark is one character with what is in front of it, so that a slash, a space or a newline before
/// one is found by no search for it, and text that looks the same is equal though its bytes are not.
extension StringProtocol where SubSequence == Substring {
    /// What is between the bytes `separator`, which is ASCII.
    ///
    /// - Parameters:
    ///   - most: times that the text is divided; what follows stays together.
    ///   - keepsEmpty: whether parts of nothing count.
    package func parts(
        between separator: Unicode.Scalar, most: Int = .max, keepsEmpty: Bool = false
    ) -> [Substring] {
        self[...].utf8.split(
            separator: UInt8(ascii: separator), maxSplits: most, omittingEmptySubsequences: !keepsEmpty
        ).map { Substring($0) }
    }

    /// What follows `prefix`; nil if the text begins with something else.
    package func without(prefix: String) -> Substring? {
        let bytes = self[...].utf8
        return bytes.starts(with: prefix.utf8) ? Substring(bytes.dropFirst(prefix.utf8.count)) : nil
    }

    /// Whether the last byte is `byte`, which is ASCII.
    package func ends(with byte: Unicode.Scalar) -> Bool { self[...].utf8.last == UInt8(ascii: byte) }

    /// Whether the bytes are the same.
    package func hasBytes(of other: some StringProtocol) -> Bool { self.utf8.elementsEqual(other.utf8) }
}
