import Connect
import EnvdAPI

extension GitSession {
    /// The user and password of a request, for the server of `url`; nil if there are none.
    ///
    /// What the URL has of them counts where the request says nothing.
    ///
    /// - Parameter host: the only host that may have them, if the client names it.
    /// - Throws: `ConnectError`: `invalidArgument` for half of them, or a URL that takes none; `permissionDenied` if the
    ///   URL is another host's.
    func secret(
        username: String, password: String, for url: RemoteURL, host: String = ""
    ) throws(ConnectError) -> CredentialSecret? {
        guard !username.isEmpty || !password.isEmpty || url.password != nil else { return nil }
        let user = try ArgumentCheck.line(username.isEmpty ? url.user ?? "" : username, "username")
        let word = try ArgumentCheck.line(password.isEmpty ? url.password ?? "" : password, "password")
        guard !user.isEmpty, !word.isEmpty else {
            throw ArgumentCheck.invalid("username and password go together")
        }
        guard url.takesCredentials else {
            throw ArgumentCheck.invalid("only URLs of https and http take a username and password")
        }
        guard host.isEmpty || host.lowercased() == url.authority.lowercased() else {
            throw GitFailure(
                .permissionDenied,
                "the credentials are for \(host), and the remote's URL is of \(url.authority)"
            ).connectError
        }
        return CredentialSecret(
            origin: url.origin, username: user, password: word, users: url.user.map { [$0] } ?? [])
    }

    /// `command`, with credentials.
    func giving(_ secret: CredentialSecret?, _ command: GitCommand) throws(ConnectError) -> GitCommand {
        guard let secret else { return command }
        var command = command
        command.credentials = try GitCredentials(
            secret, program: self.runner.configuration.promptProgram)
        return command
    }

    /// The URL of a remote, which may be one itself.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such remote.
    private func url(of remote: String, forPush: Bool) async throws(ConnectError) -> RemoteURL {
        if remote.contains("://") { return RemoteURL(remote) }
        var query = self.query("remote", "get-url")
        if forPush { query.arguments.append("--push") }
        query.operands = [remote]
        let output = try await self.attempt(query)
        if output.isSuccess { return RemoteURL(output.line) }
        // Of paths, and `host:path`, there need not be a remote.
        let isPlace =
            remote == "." || remote.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") }
        guard isPlace else { throw try await self.error(query, output) }
        return RemoteURL(remote)
    }

    /// The credentials of a request for a remote, and what git is to call it: a URL loses its password.
    ///
    /// The remote's URL is asked for only if there are credentials: git itself knows what else a remote can be.
    ///
    /// - Throws: As ``secret(username:password:for:host:)``; `notFound` if there is no such remote.
    func access(
        to remote: String, username: String, password: String, host: String, forPush: Bool = false
    ) async throws(ConnectError) -> (secret: CredentialSecret?, name: String) {
        let isURL = remote.contains("://")
        guard isURL || !username.isEmpty || !password.isEmpty else { return (nil, remote) }
        let url = try await self.url(of: remote, forPush: forPush)
        let secret = try self.secret(username: username, password: password, for: url, host: host)
        return (secret, isURL ? url.text : remote)
    }

    /// Has git's credential helper "store" keep a user and password, which it gets on its standard input.
    func store(_ secret: CredentialSecret, protocol scheme: String, host: String) async throws(ConnectError) {
        var command = self.command("credential", "approve")
        command.settings = ["credential.helper=", "credential.helper=store"]
        let lines = [
            "protocol=\(scheme)", "host=\(host)", "username=\(secret.username)",
            "password=\(secret.password)", "", "",
        ]
        command.input = Array(lines.joined(separator: "\n").utf8)
        try await self.run(command)
    }

    /// Makes the helper "store" one of those that git asks, if it is not yet.
    ///
    /// - Parameter scope: `--global` or `--local`.
    func useStore(_ scope: String) async throws(ConnectError) {
        var query = self.query("config", scope, "--null", "--get-all")
        query.operands = ["credential.helper"]
        let helpers = try await self.attempt(query).line.split(separator: "\0")
        guard !helpers.contains("store") else { return }
        var command = self.command("config", scope, "--add")
        command.operands = ["credential.helper", "store"]
        try await self.run(command)
    }
}
