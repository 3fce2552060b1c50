import Connect
import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/StashPush`: puts changes aside.
    @Sendable func stashPush(
        _ request: Envd_V1_GitStashPushRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitStashPushResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("stash", "push", "--quiet")
        if !request.message.isEmpty {
            command.arguments.append("--message=\(try ArgumentCheck.text(request.message, "message"))")
        }
        if request.includeUntracked { command.arguments.append("--include-untracked") }
        if request.keepIndex { command.arguments.append("--keep-index") }
        let paths = try ArgumentCheck.paths(request.paths, request.pathsBytes.map { Array($0) }, "paths")
        if !paths.isEmpty {
            // The commands that it runs have patterns of their own: each path says for itself that it is none.
            let marked = request.patterns ? paths : paths.map { Array(":(literal)".utf8) + $0 }
            command.readPaths(marked, arePatterns: true)
        }
        let before = try await session.commit("refs/stash")
        let output = try await session.attempt(command)
        guard output.isSuccess else {
            // Of this one reason, git says nothing when it is quiet.
            if output.errorText.isEmpty, try await session.commit() == nil {
                throw GitFailure(.notFound, "git stash: there is no commit yet").connectError
            }
            throw try await session.error(command, output)
        }
        let after = try await session.commit("refs/stash")
        return .with {
            $0.created = after != before
            $0.commit = after != before ? after ?? "" : ""
        }
    }

    /// `envd.v1.Git/StashList`: what was put aside, the newest first.
    @Sendable func stashList(
        _ request: Envd_V1_GitStashListRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitStashListResponse {
        let session = try await self.session(context, path: request.path)
        let query = session.query("stash", "list", "-z", "--format=tformat:%H%x00%ct%x00%gs")
        let output = try await session.run(query)
        return .with { $0.entries = StashEntries.parse(output.standardOutput) }
    }

    /// `envd.v1.Git/StashPop`: gets changes back.
    ///
    /// - Throws: `ConnectError` with `aborted` for conflicts; nothing is forgotten then.
    @Sendable func stashPop(
        _ request: Envd_V1_GitStashPopRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitStashPopResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("stash", request.keep ? "apply" : "pop", "--quiet")
        if request.restoreIndex { command.arguments.append("--index") }
        command.arguments.append("stash@{\(request.index)}")
        try await session.run(command)
        return Envd_V1_GitStashPopResponse()
    }

    /// `envd.v1.Git/StashDrop`: forgets what was put aside.
    @Sendable func stashDrop(
        _ request: Envd_V1_GitStashDropRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitStashDropResponse {
        let session = try await self.session(context, path: request.path)
        try await session.run(session.command("stash", "drop", "--quiet", "stash@{\(request.index)}"))
        return Envd_V1_GitStashDropResponse()
    }
}
