import Connect
import EnvdAPI
import SandboxContext
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Init`: makes a repository, and the directories to it.
    @Sendable func initialize(
        _ request: Envd_V1_GitInitRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitInitResponse {
        // The directory need not exist yet.
        let target = try await self.session(context, path: request.path)
        var command = GitCommand(arguments: ["init", "--quiet"], directory: "/")
        try command.obey(request.policy)
        if request.bare { command.arguments.append("--bare") }
        if !request.initialBranch.isEmpty {
            command.arguments.append(
                "--initial-branch=\(try ArgumentCheck.name(request.initialBranch, "initial_branch"))")
        }
        command.operands = [try ArgumentCheck.text(target.directory, "path")]
        try await target.run(command)
        let output = try await target.run(target.query("rev-parse", "--absolute-git-dir"))
        return .with { $0.gitDirectory = output.line }
    }
}
