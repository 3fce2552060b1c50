import Connect

/// Takes secrets out of what git says.
enum Redaction {
    private static let mark = "***"

    /// `text` without the password of `secret`, in each form that it could have, and without passwords in URLs.
    static func redact(_ text: String, _ secret: CredentialSecret?) -> String {
        var text = text
        if let secret, !secret.password.isEmpty {
            let basic = Base64.encode(Array("\(secret.username):\(secret.password)".utf8), padding: true)
            let encoded = CredentialEncoding.encode(secret.password)
            for form in [secret.password, encoded, Self.withCapitals(encoded), basic] {
                text = text.replacingBytes(of: form, with: Self.mark)
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
        let separator = Array("://".utf8)
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let begin = rest.firstRange(of: separator) {
            result += rest[..<begin.upperBound]
            rest = rest[begin.upperBound...]
            let authority = rest.prefix { !"/'\" \t\r\n".utf8.contains($0) }
            if let at = authority.lastIndex(of: UInt8(ascii: "@")),
                authority[..<at].contains(UInt8(ascii: ":"))
            {
                result += Self.mark.utf8
                rest = rest[at...]
            }
        }
        return String(decoding: result + rest, as: UTF8.self)
    }
}

extension String {
    /// With other text where these bytes are, whatever characters they are parts of.
    func replacingBytes(of old: String, with new: String) -> String {
        String(decoding: Array(self.utf8).replacing(Array(old.utf8), with: Array(new.utf8)), as: UTF8.self)
    }
}
