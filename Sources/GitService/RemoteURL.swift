import LinuxSystem

/// The parts of a remote's URL that say who gets credentials.
///
/// - SeeAlso: git-fetch(1), "Git URLs".
struct RemoteURL: Equatable {
    /// In lower case; nil for a path, or `host:path` of SSH.
    var scheme: String?
    /// Host and port, as they are.
    var authority = ""
    var user: String?
    var password: String?
    /// The URL without its password, and without its user if there was a password.
    var text: String

    init(_ url: String) {
        self.text = url
        guard let separator = url.firstRange(of: "://") else { return }
        let scheme = url[..<separator.lowerBound]
        guard !scheme.isEmpty, scheme.utf8.allSatisfy(Self.isSchemeByte) else { return }
        self.scheme = scheme.lowercased()
        let rest = url[separator.upperBound...]
        let authority = Substring(rest.utf8.prefix { !"/?#".utf8.contains($0) })
        guard let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            self.authority = String(authority)
            return
        }
        self.authority = String(authority[authority.utf8.index(after: at)...])
        let parts = authority[..<at].parts(between: ":", most: 1, keepsEmpty: true)
        self.user = parts.first.map { CredentialEncoding.decode($0) }
        guard parts.count == 2 else { return }
        self.password = CredentialEncoding.decode(parts[1])
        self.text = url[..<separator.upperBound] + self.authority + rest[authority.endIndex...]
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Whether it is a path that begins where git runs. A colon in its first name makes it `host:path`.
    var isRelativePath: Bool {
        self.scheme == nil && self.text.utf8.first != UInt8(ascii: "/")
            && !self.text.utf8.prefix { $0 != UInt8(ascii: "/") }.contains(UInt8(ascii: ":"))
    }

    /// Whether its servers ask for a user and password.
    var takesCredentials: Bool { self.scheme == "https" || self.scheme == "http" }

    /// Scheme and host in the form of ``CredentialSecret/origin``.
    var origin: String { "\(self.scheme ?? "")://\(self.authority.lowercased())" }

    /// The directory that a clone goes to when nobody names one: the URL's last part, without `.git`.
    var directoryName: String? {
        var rest = Array(self.text.utf8)[...]
        while rest.last == UInt8(ascii: "/") { rest.removeLast() }
        rest = Self.without(suffix: "/.git", rest)
        let parts = rest.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") }
        let name = String(decoding: Self.without(suffix: ".git", parts.last ?? []), as: UTF8.self)
        return name.isEmpty || name == "." || name == ".." ? nil : name
    }

    private static func without(suffix: String, _ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
            ? bytes.dropLast(suffix.utf8.count) : bytes
    }
}
