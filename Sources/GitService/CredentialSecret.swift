import LinuxSystem

/// A user and password, and the only server that may have them.
struct CredentialSecret: Sendable, Equatable {
    /// Scheme and host, as `https://example.org` or `http://localhost:3000`, in lower case.
    var origin: String
    var username: String
    var password: String
    /// Users in the URL itself, for which git asks a password only.
    var users: [String] = []

    /// Layout: origin, user, password and other users, each ended by NUL.
    var encoded: [UInt8] {
        ([self.origin, self.username, self.password] + self.users).flatMap { Array($0.utf8) + [0] }
    }

    init(origin: String, username: String, password: String, users: [String] = []) {
        self.origin = origin
        self.username = username
        self.password = password
        self.users = users
    }

    /// Reads what ``encoded`` made; nil if it is something else, or was cleared.
    init?(decoding bytes: [UInt8]) {
        guard bytes.last == 0 else { return nil }
        let fields = bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count >= 3 else { return nil }
        self.init(
            origin: fields[0], username: fields[1], password: fields[2], users: Array(fields.dropFirst(3)))
    }

    /// What to answer git when it asks for both, as it asks its credential helpers: the lines of an answer, which count
    /// more than a user in its settings; nil if the question is about another server.
    ///
    /// - SeeAlso: git-credential(1), "INPUT/OUTPUT FORMAT".
    func answer(toHelper question: String) -> String? {
        var fields: [Substring: String] = [:]
        for line in question.parts(between: "\n") {
            let parts = line.parts(between: "=", most: 1, keepsEmpty: true)
            guard parts.count == 2, let name = parts.first, let value = parts.last else { continue }
            fields[name] = String(value)
        }
        guard let scheme = fields["protocol"], let host = fields["host"],
            "\(scheme)://\(host)".lowercased() == self.origin
        else { return nil }
        // One that is in the URL is that of the password.
        let user = fields["username"].flatMap { self.users.contains($0) ? $0 : nil } ?? self.username
        return "username=\(user)\npassword=\(self.password)"
    }

    /// What to answer git; nil if the question is about another server or user.
    ///
    /// Only the forms without a path are accepted, whole: a user name that git shows decoded could otherwise
    /// look like the host.
    ///
    /// - SeeAlso: gitcredentials(7), `GIT_ASKPASS` in git(1).
    func answer(to prompt: String) -> String? {
        let question: Substring
        let wantsPassword: Bool
        if prompt.hasPrefix("Username for '") {
            wantsPassword = false
            question = prompt.dropFirst("Username for '".count)
        } else if prompt.hasPrefix("Password for '") {
            wantsPassword = true
            question = prompt.dropFirst("Password for '".count)
        } else {
            return nil
        }
        guard question.hasSuffix("': ") else { return nil }
        let asked = question.dropLast(3)
        guard let separator = self.origin.firstRange(of: "://") else { return nil }
        let scheme = self.origin[..<separator.upperBound]
        let host = self.origin[separator.upperBound...]
        guard asked.lowercased().hasPrefix(scheme) else { return nil }
        let rest = asked.dropFirst(scheme.count)
        if rest.lowercased() == host { return wantsPassword ? self.password : self.username }
        guard wantsPassword, rest.lowercased().hasSuffix("@" + host) else { return nil }
        let user = rest.dropLast(host.count + 1)
        let users = ([self.username] + self.users).filter { !$0.isEmpty }
        guard
            users.contains(where: {
                user == $0 || user.lowercased() == CredentialEncoding.encode($0).lowercased()
            })
        else { return nil }
        return self.password
    }
}
