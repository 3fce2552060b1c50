import Connect
import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Add`: puts changes into the index.
    @Sendable func add(
        _ request: Envd_V1_GitAddRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitAddResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("add")
        if request.force { command.arguments.append("--force") }
        let files = try ArgumentCheck.paths(request.files, request.filesBytes.map { Array($0) }, "files")
        if !files.isEmpty {
            command.readPaths(files, arePatterns: request.patterns)
        } else if !request.hasAll || request.all {
            command.arguments.append("--all")
        } else {
            command.operands = ["."]
        }
        try await session.run(command)
        return Envd_V1_GitAddResponse()
    }

    /// `envd.v1.Git/Commit`: makes a commit of the index.
    ///
    /// - Throws: `ConnectError` with `failedPrecondition` if there is nothing to commit, or nobody to be its author.
    @Sendable func commit(
        _ request: Envd_V1_GitCommitRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitCommitResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("commit", "--quiet", "--file=-")
        try command.obey(request.policy)
        command.input = Array(try ArgumentCheck.message(request.message).utf8)
        if !request.authorName.isEmpty {
            command.settings.append("user.name=\(try ArgumentCheck.text(request.authorName, "author_name"))")
        }
        if !request.authorEmail.isEmpty {
            command.settings.append(
                "user.email=\(try ArgumentCheck.text(request.authorEmail, "author_email"))")
        }
        if request.allowEmpty { command.arguments.append("--allow-empty") }
        if request.amend {
            command.arguments.append("--amend")
            if request.message.isEmpty {
                command.arguments.removeAll { $0 == "--file=-" }
                command.arguments.append("--no-edit")
                command.input = nil
            }
        }
        try await session.run(command)
        async let branch = session.currentBranch()
        let commit = try await session.commit() ?? ""
        let name = try await branch ?? ""
        return .with {
            $0.commit = commit
            $0.branch = name
        }
    }
}
