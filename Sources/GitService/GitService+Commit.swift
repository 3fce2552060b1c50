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
        var command = session.command("commit", "--quiet", "--cleanup=whitespace", "--file=-")
        try command.obey(request.policy)
        command.input = Array(try ArgumentCheck.message(request.message).utf8)
        let name = try ArgumentCheck.text(request.authorName, "author_name")
        let email = try ArgumentCheck.text(request.authorEmail, "author_email")
        // Stronger than all settings, and than the sandbox's variables.
        for role in ["AUTHOR", "COMMITTER"] {
            if !name.isEmpty { command.environment["GIT_\(role)_NAME"] = name }
            if !email.isEmpty { command.environment["GIT_\(role)_EMAIL"] = email }
        }
        if request.allowEmpty { command.arguments.append("--allow-empty") }
        if request.amend {
            command.arguments.append("--amend")
            if request.message.isEmpty {
                command.arguments.removeAll { $0 == "--file=-" }
                command.arguments.append("--no-edit")
                command.input = nil
            }
            if !name.isEmpty || !email.isEmpty {
                // Else the author stays who it was.
                command.arguments.append("--author=\(try await session.author(name: name, email: email))")
            }
        }
        try await session.run(command)
        async let branch = session.currentBranch()
        let commit = try await session.commit() ?? ""
        let branchName = try await branch ?? ""
        return .with {
            $0.commit = commit
            $0.branch = branchName
        }
    }
}

extension GitSession {
    /// An author as `--author` takes it; what is empty is that of the last commit.
    fileprivate func author(name: String, email: String) async throws(ConnectError) -> String {
        var name = name
        var email = email
        if name.isEmpty || email.isEmpty {
            let output = try await self.run(self.query("log", "--max-count=1", "--format=%an%x00%ae"))
            var fields = Fields(Array(output.line.utf8))
            let last = (fields.nextText() ?? "", fields.nextText() ?? "")
            if name.isEmpty { name = last.0 }
            if email.isEmpty { email = last.1 }
        }
        return "\(Self.withoutMarks(name)) <\(Self.withoutMarks(email))>"
    }

    /// What git leaves out of a name itself, and what would end it here.
    private static func withoutMarks(_ text: String) -> String {
        String(decoding: text.utf8.filter { !"<>\n".utf8.contains($0) }, as: UTF8.self)
    }
}
