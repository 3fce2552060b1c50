import Connect
import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Reset`: moves the branch to a commit, or takes paths out of the index.
    @Sendable func reset(
        _ request: Envd_V1_GitResetRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitResetResponse {
        let session = try await self.session(context, path: request.path)
        let mode = try ArgumentCheck.choice(
            request.mode, "mode", ["soft", "mixed", "hard", "merge", "keep"])
        let paths = try ArgumentCheck.paths(request.paths, request.pathsBytes.map { Array($0) }, "paths")
        guard paths.isEmpty || mode.isEmpty || mode == "mixed" else {
            throw ArgumentCheck.invalid("mode must be empty or mixed where paths are given")
        }
        var command = session.command("reset", "--quiet")
        if !mode.isEmpty, paths.isEmpty { command.arguments.append("--\(mode)") }
        if !paths.isEmpty { command.readPaths(paths, arePatterns: request.patterns) }
        let target = try ArgumentCheck.optionalName(request.target, "target")
        if !target.isEmpty { command.arguments.append(target) }
        command.endsRevisions = true
        try await session.run(command)
        let commit = try await session.commit()
        return .with { $0.commit = commit ?? "" }
    }

    /// `envd.v1.Git/Restore`: gives files the content that they have in the index or in a commit.
    @Sendable func restore(
        _ request: Envd_V1_GitRestoreRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitRestoreResponse {
        let session = try await self.session(context, path: request.path)
        let paths = try ArgumentCheck.paths(request.paths, request.pathsBytes.map { Array($0) }, "paths")
        guard !paths.isEmpty else { throw ArgumentCheck.invalid("paths is missing") }
        let restoresFiles = request.hasWorktree ? request.worktree : !request.staged
        guard restoresFiles || request.staged else {
            throw ArgumentCheck.invalid("either staged or worktree must be true")
        }
        var command = session.command("restore", "--quiet")
        if restoresFiles { command.arguments.append("--worktree") }
        if request.staged { command.arguments.append("--staged") }
        if !request.source.isEmpty {
            command.arguments.append("--source=\(try ArgumentCheck.name(request.source, "source"))")
        }
        command.readPaths(paths, arePatterns: request.patterns)
        try await session.run(command)
        return Envd_V1_GitRestoreResponse()
    }
}
