import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Merge`: merges a commit into the branch.
    ///
    /// - Throws: `ConnectError` with `aborted` for conflicts, which stay in the files.
    @Sendable func merge(
        _ request: Envd_V1_GitMergeRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitMergeResponse {
        let session = try await self.session(context, path: request.path)
        guard !request.abort else {
            try await session.run(session.command("merge", "--abort"))
            return try await self.merged(.aborted, session)
        }
        var command = session.command("merge", "--quiet")
        try command.obey(request.policy)
        let mode = try ArgumentCheck.choice(request.fastForward, "fast_forward", ["no-ff", "ff-only"])
        if !mode.isEmpty { command.arguments.append("--\(mode)") }
        if request.squash { command.arguments.append("--squash") }
        if request.message.isEmpty {
            if !request.squash { command.arguments.append("--no-edit") }
        } else {
            command.arguments += ["-m", try ArgumentCheck.text(request.message, "message")]
        }
        let revision = try ArgumentCheck.name(request.revision, "revision")
        command.operands = [revision]
        async let wanted = session.commit(revision)
        let before = try await session.commit()
        try await session.run(command)
        if request.squash { return try await self.merged(.squashed, session) }
        let after = try await session.commit()
        let target = try await wanted
        return try await self.merged(
            after == before ? .upToDate : after == target ? .fastForward : .merged, session)
    }

    private func merged(
        _ outcome: Envd_V1_GitMergeResponse.Outcome, _ session: GitSession
    ) async throws -> Envd_V1_GitMergeResponse {
        let commit = try await session.commit()
        return .with {
            $0.outcome = outcome
            $0.commit = commit ?? ""
        }
    }
}
