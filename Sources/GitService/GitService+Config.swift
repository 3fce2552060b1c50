import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/SetConfig`: writes a setting.
    @Sendable func setConfig(
        _ request: Envd_V1_GitSetConfigRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitSetConfigResponse {
        let (session, scope) = try await self.settings(context, request.scope, request.path)
        try await self.set(request.key, request.value, scope, session)
        return Envd_V1_GitSetConfigResponse()
    }

    /// `envd.v1.Git/GetConfig`: reads a setting.
    @Sendable func getConfig(
        _ request: Envd_V1_GitGetConfigRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitGetConfigResponse {
        let (session, scope) = try await self.settings(context, request.scope, request.path)
        var query = session.query("config", scope, "--null", "--get")
        query.operands = [try ArgumentCheck.name(request.key, "key")]
        let output = try await session.attempt(query)
        // Without a message of its own, 1 says that it is not set. Traces are none.
        let messages = output.errorText.split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("error: ") || $0.hasPrefix("fatal: ") }
        if output.exitCode == 1, output.standardOutput.isEmpty, messages.isEmpty {
            return Envd_V1_GitGetConfigResponse()
        }
        guard output.isSuccess else { throw try await session.error(query, output) }
        return .with { $0.value = String(decoding: output.standardOutput.dropLast(), as: UTF8.self) }
    }

    /// `envd.v1.Git/ConfigureUser`: writes the name and address that commits bear.
    @Sendable func configureUser(
        _ request: Envd_V1_GitConfigureUserRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitConfigureUserResponse {
        guard !request.name.isEmpty, !request.email.isEmpty else {
            throw ArgumentCheck.invalid("name and email are needed")
        }
        let (session, scope) = try await self.settings(context, request.scope, request.path)
        try await self.set("user.name", request.name, scope, session)
        try await self.set("user.email", request.email, scope, session)
        return Envd_V1_GitConfigureUserResponse()
    }

    /// `envd.v1.Git/Authenticate`: stores a password in plain text in the user's home.
    @Sendable func authenticate(
        _ request: Envd_V1_GitAuthenticateRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitAuthenticateResponse {
        guard !request.username.isEmpty, !request.password.isEmpty else {
            throw ArgumentCheck.invalid("username and password are needed")
        }
        let scheme = request.protocol.isEmpty ? "https" : request.protocol
        let host = request.host.isEmpty ? "github.com" : request.host
        for (value, field) in [
            (request.username, "username"), (request.password, "password"), (scheme, "protocol"),
            (host, "host"),
        ] { _ = try ArgumentCheck.line(value, field) }
        let session = try await self.session(context, path: "/")
        try await session.useStore("--global")
        let secret = CredentialSecret(
            origin: "\(scheme)://\(host)", username: request.username, password: request.password)
        try await session.store(secret, protocol: scheme, host: host)
        return Envd_V1_GitAuthenticateResponse()
    }

    /// Where settings of a scope are, and the option that means it.
    private func settings(
        _ context: RPCContext, _ scope: String, _ path: String
    ) async throws -> (GitSession, String) {
        let scope = try ArgumentCheck.choice(scope, "scope", ["global", "local", "system"])
        guard scope == "local" else {
            return (try await self.session(context, path: "/"), scope == "system" ? "--system" : "--global")
        }
        guard !path.isEmpty else { throw ArgumentCheck.invalid("path is missing: scope is local") }
        return (try await self.session(context, path: path), "--local")
    }

    private func set(
        _ key: String, _ value: String, _ scope: String, _ session: GitSession
    ) async throws(ConnectError) {
        var command = session.command("config", scope)
        command.operands = [
            try ArgumentCheck.name(key, "key"), try ArgumentCheck.text(value, "value"),
        ]
        try await session.run(command)
    }
}
