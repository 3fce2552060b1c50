import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/RemoteAdd`: gives a URL a name, and fetches from it if asked to.
    ///
    /// - Throws: `ConnectError`: `alreadyExists` for a name that is taken, unless it may be overwritten. The remote
    ///   stays if the fetch fails.
    @Sendable func remoteAdd(
        _ request: Envd_V1_GitRemoteAddRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitRemoteAddResponse {
        let session = try await self.session(context, path: request.path)
        let name = try ArgumentCheck.name(request.name, "name")
        guard !request.url.isEmpty else { throw ArgumentCheck.invalid("url is missing") }
        let url = RemoteURL(try ArgumentCheck.text(request.url, "url"))
        guard url.password == nil else {
            throw ArgumentCheck.invalid(
                "url must have no password, which would be stored: give username and password to each call, or use Authenticate"
            )
        }
        let secret = try session.secret(username: request.username, password: request.password, for: url)
        var add = session.command("remote", "add")
        add.operands = [name, request.url]
        let output = try await session.attempt(add)
        if !output.isSuccess {
            let failure = try await session.failure(add, output)
            guard failure.kind == .alreadyExists, request.overwrite else { throw failure.connectError }
            var change = session.command("remote", "set-url")
            change.operands = [name, request.url]
            try await session.run(change)
        }
        if request.fetch {
            var fetch = session.command("fetch", "--quiet")
            try fetch.obey(request.policy)
            fetch.operands = [name]
            try await session.run(try session.giving(secret, fetch))
        }
        return Envd_V1_GitRemoteAddResponse()
    }

    /// `envd.v1.Git/RemoteGet`: the URL of a remote.
    @Sendable func remoteGet(
        _ request: Envd_V1_GitRemoteGetRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitRemoteGetResponse {
        let session = try await self.session(context, path: request.path)
        var query = session.query("remote", "get-url")
        query.operands = [try ArgumentCheck.name(request.name, "name")]
        let output = try await session.attempt(query)
        guard output.isSuccess else {
            let failure = try await session.failure(query, output)
            guard failure.kind == .notFound else { throw failure.connectError }
            return Envd_V1_GitRemoteGetResponse()
        }
        return .with { $0.url = output.line }
    }

    /// `envd.v1.Git/Fetch`: gets commits, and leaves branches and files alone.
    @Sendable func fetch(
        _ request: Envd_V1_GitFetchRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_GitFetchResponse>
    ) async throws {
        let session = try await self.session(context, path: request.path)
        let remote = try await session.remote(request.remote, .fetch) ?? "origin"
        let (secret, name) = try await session.access(
            to: remote, username: request.username, password: request.password, host: request.credentialHost)
        var command = session.command("fetch", "--progress")
        try command.obey(request.policy)
        if request.prune { command.arguments.append("--prune") }
        if request.tags { command.arguments.append("--tags") }
        if request.depth > 0 { command.arguments.append("--depth=\(request.depth)") }
        if request.unshallow { command.arguments.append("--unshallow") }
        command.operands = [name]
        for refspec in request.refspecs {
            command.operands.append(try ArgumentCheck.name(refspec, "refspecs"))
        }
        let fetch = try session.giving(secret, command)
        try await self.stream(to: responses, { progress in .with { $0.progress = progress } }) { progress in
            let before = try await session.references()
            try await session.run(fetch, progress: progress)
            let updates = ReferenceList.changes(from: before, to: try await session.references())
            return .with { $0.result.updates = updates }
        }
    }

    /// `envd.v1.Git/Pull`: gets commits and merges them into the branch.
    ///
    /// - Throws: `ConnectError` with `aborted` for conflicts, which stay in the files.
    @Sendable func pull(
        _ request: Envd_V1_GitPullRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_GitPullResponse>
    ) async throws {
        let session = try await self.session(context, path: request.path)
        var command = session.command("pull", "--progress", "--no-edit")
        try command.obey(request.policy)
        switch try ArgumentCheck.choice(request.strategy, "strategy", ["merge", "rebase", "ff-only"]) {
        case "merge": command.arguments.append("--no-rebase")
        case "rebase": command.arguments.append("--rebase")
        case "ff-only": command.arguments.append("--ff-only")
        default: break
        }
        let remote = try await session.remote(request.remote, .fetch) ?? "origin"
        let (secret, name) = try await session.access(
            to: remote, username: request.username, password: request.password, host: request.credentialHost)
        if !request.remote.isEmpty || !request.branch.isEmpty {
            command.operands = [name]
        }
        if !request.branch.isEmpty {
            command.operands.append(try ArgumentCheck.name(request.branch, "branch"))
        }
        let pull = try session.giving(secret, command)
        try await self.stream(to: responses, { progress in .with { $0.progress = progress } }) { progress in
            let before = try await session.commit()
            try await session.run(pull, progress: progress)
            let after = try await session.commit()
            return .with {
                $0.result.commitBefore = before ?? ""
                $0.result.commit = after ?? ""
            }
        }
    }

    /// `envd.v1.Git/Push`: sends commits.
    ///
    /// - Throws: `ConnectError` with `failedPrecondition` if the remote has commits that are not here, or there is no
    ///   branch or remote to push.
    @Sendable func push(
        _ request: Envd_V1_GitPushRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_GitPushResponse>
    ) async throws {
        let session = try await self.session(context, path: request.path)
        guard let remote = try await session.remote(request.remote, .push) else {
            throw GitFailure(.noUpstream, "git push: no remote is named, and there is not only one")
                .connectError
        }
        let (secret, name) = try await session.access(
            to: remote, username: request.username, password: request.password, host: request.credentialHost,
            forPush: true)
        var command = session.command("push", "--progress", "--porcelain")
        try command.obey(request.policy)
        if !request.hasSetUpstream || request.setUpstream, !request.delete {
            command.arguments.append("--set-upstream")
        }
        if request.force { command.arguments.append("--force") }
        if request.forceWithLease { command.arguments.append("--force-with-lease") }
        if request.tags { command.arguments.append("--tags") }
        if request.delete { command.arguments.append("--delete") }
        let branch =
            request.branch.isEmpty
            ? try await session.refspec(to: remote)
            : try await session.refspec(of: try ArgumentCheck.name(request.branch, "branch"))
        command.operands = [name, branch]
        let push = try session.giving(secret, command)
        try await self.stream(to: responses, { progress in .with { $0.progress = progress } }) { progress in
            let output = try await session.run(push, progress: progress)
            return .with {
                $0.result.remote = remote
                $0.result.references = PushReport.parse(output.standardOutput)
            }
        }
    }
}
