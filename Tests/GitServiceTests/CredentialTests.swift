import Testing

@testable import GitService

@Suite struct CredentialTests {
    private let secret = CredentialSecret(
        origin: "https://example.org:8443", username: "ann@x", password: "pw", users: ["bob"])

    @Test func `the host that it is for gets user and password`() {
        #expect(self.secret.answer(to: "Username for 'https://example.org:8443': ") == "ann@x")
        #expect(self.secret.answer(to: "Password for 'https://example.org:8443': ") == "pw")
        #expect(self.secret.answer(to: "Password for 'https://ann@x@example.org:8443': ") == "pw")
        #expect(self.secret.answer(to: "Password for 'https://ann%40x@example.org:8443': ") == "pw")
        #expect(self.secret.answer(to: "Password for 'https://ann%40X@Example.ORG:8443': ") == "pw")
        #expect(self.secret.answer(to: "Password for 'https://bob@example.org:8443': ") == "pw")
        #expect(self.secret.answer(to: "Username for 'HTTPS://Example.org:8443': ") == "ann@x")
    }

    @Test(arguments: [
        "https://example.org", "http://example.org:8443", "https://example.org:84430",
        "https://evil.org", "https://evil.org/example.org:8443", "https://example.org:8443.evil.org",
        "https://example.org:8443/path", "https://example.org:8443/y@evil.org",
        "https://x@example.org:8443/y@evil.org", "https://evil.org#@example.org:8443",
        "https://eve@example.org:8443", "https://evil.org/ann@x@example.org:8443", "ssh://example.org:8443",
        "https://", "", "'https://example.org:8443",
    ])
    func `nobody else gets anything`(_ server: String) {
        #expect(self.secret.answer(to: "Password for '\(server)': ") == nil)
        #expect(self.secret.answer(to: "Username for '\(server)': ") == nil)
    }

    @Test func `as a helper it tells both, for its host alone`() {
        let own = "protocol=https\nhost=example.org:8443\n"
        let both = "username=ann@x\npassword=pw"
        #expect(self.secret.answer(toHelper: own) == both)
        // A user from the settings does not count, one in the URL does.
        #expect(self.secret.answer(toHelper: own + "username=carl\n\n") == both)
        #expect(self.secret.answer(toHelper: own + "username=bob\n") == "username=bob\npassword=pw")
        for other in [
            "", "protocol=http\nhost=example.org:8443", "protocol=https\nhost=example.org", "host=x",
        ] {
            #expect(self.secret.answer(toHelper: other) == nil)
        }
    }

    @Test func `a user in the URL is not asked for`() {
        #expect(self.secret.answer(to: "Username for 'https://bob@example.org:8443': ") == nil)
    }

    @Test(arguments: [
        "", "Password for 'https://example.org:8443'", "Password for https://example.org:8443: ",
        "Passphrase for key: ", "ann@example.org's password: ", "yes/no?",
    ])
    func `other questions get no answer`(_ prompt: String) {
        #expect(self.secret.answer(to: prompt) == nil)
    }

    @Test func `what is handed over is what arrives, and nothing when it was cleared`() {
        #expect(CredentialSecret(decoding: self.secret.encoded) == self.secret)
        let plain = CredentialSecret(origin: "http://h", username: "", password: "ü'\" \\")
        #expect(CredentialSecret(decoding: plain.encoded) == plain)
        #expect(CredentialSecret(decoding: []) == nil)
        #expect(CredentialSecret(decoding: Array("a\0b\0".utf8)) == nil)
        #expect(CredentialSecret(decoding: Array("a\0b\0c".utf8)) == nil)
    }

    @Test func `URLs are taken apart`() {
        let url = RemoteURL("https://a%40b:p%2Fw@Example.org:8443/x/y.git?z#f")
        #expect(url.scheme == "https" && url.authority == "Example.org:8443")
        #expect(url.user == "a@b" && url.password == "p/w")
        #expect(url.text == "https://Example.org:8443/x/y.git?z#f")
        #expect(url.origin == "https://example.org:8443")
        let named = RemoteURL("HTTP://bob@host/x")
        #expect(named.user == "bob" && named.password == nil && named.text == "HTTP://bob@host/x")
        #expect(named.scheme == "http" && named.takesCredentials)
        let twice = RemoteURL("https://u:p@w@host/x")
        #expect(twice.authority == "host" && twice.password == "p@w" && twice.text == "https://host/x")
        #expect(RemoteURL("https://host/p@th").user == nil)
        for path in ["/srv/x", "git@host:x/y.git", "./a:b", "", "://", "x y://h"] {
            #expect(
                RemoteURL(path).scheme == nil && RemoteURL(path).text == path
                    && !RemoteURL(path).takesCredentials)
        }
    }

    @Test(arguments: [
        ("https://host/a/repo.git", "repo"), ("https://host/a/repo", "repo"),
        ("https://host/repo.git///", "repo"),
        ("git@host:a/repo.git", "repo"), ("host:repo", "repo"), ("/srv/repo/.git", "repo"), ("repo", "repo"),
        ("https://u:p@host/ü x.git", "ü x"), ("/", nil), ("", nil), ("https://host/..", nil), (".git", nil),
        ("file:///a/sub/\u{301}q.git", "\u{301}q"), ("file:///a/../\u{301}rep.git", "\u{301}rep"),
    ])
    func `the directory of a clone is named after the URL`(_ url: String, _ name: String?) {
        #expect(RemoteURL(url).directoryName == name)
    }

    @Test func `percent-encoding goes there and back`() {
        #expect(CredentialEncoding.encode("a/b:@ ü~-._") == "a%2fb%3a%40%20%c3%bc~-._")
        for text in ["", "100%", "%zz", "ü", "%41%"] {
            #expect(CredentialEncoding.decode(CredentialEncoding.encode(text)) == text)
        }
        #expect(CredentialEncoding.decode("%41%zz%+f%4") == "A%zz%+f%4")
        #expect(CredentialEncoding.decode("%2F%2f") == "//")
    }

    @Test func `secrets are taken out of text in every form`() {
        let secret = CredentialSecret(origin: "https://h", username: "u", password: "p/w d")
        let text = "p/w d p%2fw%20d p%2Fw%20d dTpwL3cgZA== https://x:y@host/z http://x@host 'ssh://a:b@c'"
        #expect(
            Redaction.redact(text, secret)
                == "*** *** *** *** https://***@host/z http://x@host 'ssh://***@c'")
        // A mark that goes with the character before it hides neither a colon nor a password.
        let marked = CredentialSecret(origin: "https://h", username: "u", password: "\u{301}pw")
        #expect(Redaction.redact("u:\u{301}pw x", marked) == "u:*** x")
        #expect(
            Redaction.redact("http://u:\u{301}pw@h http://u:p@\u{301}h", nil)
                == "http://***@h http://***@\u{301}h")
        #expect(Redaction.redact("nothing to hide: x@y://", nil) == "nothing to hide: x@y://")
    }
}
