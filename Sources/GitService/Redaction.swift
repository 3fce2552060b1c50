import Connect

/// Takes secrets out of what git says.
enum Redaction {
    private static let mark = "***"

    /// `text` without the password of `secret`, in each form that it could have, and without passwords in URLs.
    static func redact(_ text: String, _ secret: CredentialSecret?) -> String {
        var text = text
        if let secret, !secret.password.isEmpty {
            let basic = Base64.encode(Array("\(secret.username):\(secret.password)".utf8), padding: true)
            let encoded = PercentEncoding.encode(secret.password)
            for form in [secret.password, encoded, Self.withCapitals(encoded), basic] {
                text = text.replacing(form, with: Self.mark)
            }
        }
        return Self.redactURLs(text)
    }

    /// Percent-encoded text with capital letters in the encodings.
    private static func withCapitals(_ text: String) -> String {
        let parts = text.split(separator: "%", omittingEmptySubsequences: false)
        return parts.prefix(1).joined()
            + parts.dropFirst().map { "%" + $0.prefix(2).uppercased() + $0.dropFirst(2) }.joined()
    }

    /// Removes what is between `//` and `@` of every URL, if it has a password.
    private static func redactURLs(_ text: String) -> String {
        guard text.contains("://") else { return text }
        var result = ""
        var rest = text[...]
        while let begin = rest.firstRange(of: "://") {
            result += rest[..<begin.upperBound]
            rest = rest[begin.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "'" && $0 != "\"" && !$0.isWhitespace }
            if let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") {
                result += Self.mark
                rest = rest[at...]
            }
        }
        return result + rest
    }
}
