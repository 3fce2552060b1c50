import Connect
import EnvdAPI
import HTTPTransport
import LinuxIO
import NIOCore
import SandboxContext
import SwiftProtobuf

/// One clone, from the request to the result, and back if it fails.
struct CloneOperation: Sendable {
    typealias Progress = @Sendable (GitProgress) -> Void

    /// In the directory where a relative URL begins, else in the root.
    let base: GitSession
    /// In the directory that is made.
    let target: GitSession
    private let request: Envd_V1_GitCloneRequest
    private let url: RemoteURL
    private let secret: CredentialSecret?

    /// - Throws: `ConnectError` for what makes no sense.
    init(_ request: Envd_V1_GitCloneRequest, base: GitSession) throws(ConnectError) {
        guard !request.url.isEmpty else { throw ArgumentCheck.invalid("url is missing") }
        let url = RemoteURL(try ArgumentCheck.text(request.url, "url"))
        var path = try ArgumentCheck.text(request.path, "path")
        if path.isEmpty {
            guard let name = url.directoryName else {
                throw ArgumentCheck.invalid("path is missing: the URL has no name for it")
            }
            path = base.directory + "/" + name
        }
        guard request.commit.isEmpty || !request.bare else {
            throw ArgumentCheck.invalid(
                "nothing is checked out of a bare repository: commit and bare exclude each other")
        }
        // The directory where it begins need not exist for any other.
        self.base =
            url.isRelativePath ? base : GitSession(runner: base.runner, caller: base.caller, directory: "/")
        self.target = try base.below(path)
        self.request = request
        self.url = url
        self.secret = try base.secret(username: request.username, password: request.password, for: url)
    }

    /// Makes the clone, or leaves what was there before.
    func run(
        _ executor: EventLoopTaskExecutor, _ progress: @escaping Progress
    ) async throws -> Envd_V1_GitCloneResponse.Result {
        let command = try self.base.giving(self.secret, try self.cloneCommand())
        let target = self.target
        guard let destination = try await target.runner.claim(target.directory, as: target.caller) else {
            // git finds the same, and says what it is.
            try await self.base.run(command, progress: progress)
            return try await self.finish(progress)
        }
        defer { target.runner.release(destination) }
        var isOthers = false
        do {
            let output = try await target.runner.run(command, as: target.caller, progress: progress)
            guard output.isSuccess else {
                isOthers = output.errorText.contains(Self.refusal)
                throw try await self.base.error(command, output)
            }
            return try await self.finish(progress)
        } catch {
            // A task of its own: the call's may have been cancelled.
            let removal = Task(executorPreference: executor) { [isOthers] in
                await target.runner.undo(destination, isOthers: isOthers, as: target.caller)
            }
            await removal.value
            throw error
        }
    }

    /// What git says when somebody has put something there before it began.
    private static let refusal = "already exists and is not an empty directory"

    /// Makes of what git has cloned what the request wants.
    private func finish(_ progress: @escaping Progress) async throws -> Envd_V1_GitCloneResponse.Result {
        if !self.request.commit.isEmpty { try await self.checkOut(self.request.commit, progress) }
        if self.request.dangerouslyStoreCredentials, let secret = self.secret, let scheme = self.url.scheme {
            try await self.target.useStore("--local")
            try await self.target.store(secret, protocol: scheme, host: self.url.authority)
        }
        async let branch = self.target.currentBranch()
        let commit = try await self.target.commit()
        let name = commit == nil && self.request.bare ? nil : try await branch
        return .with {
            $0.path = self.target.directory
            $0.branch = name ?? ""
            $0.commit = commit ?? ""
        }
    }

    private func cloneCommand() throws(ConnectError) -> GitCommand {
        var command = self.base.command("clone", "--progress")
        try command.obey(self.request.policy)
        if !self.request.branch.isEmpty {
            let branch = try ArgumentCheck.name(self.request.branch, "branch")
            command.arguments += ["--branch=\(branch)", "--single-branch"]
        }
        if self.request.depth > 0 { command.arguments.append("--depth=\(self.request.depth)") }
        if !self.request.filter.isEmpty {
            command.arguments.append("--filter=\(try ArgumentCheck.name(self.request.filter, "filter"))")
        }
        if self.request.bare { command.arguments.append("--bare") }
        if !self.request.commit.isEmpty {
            command.arguments.append("--no-checkout")
        } else if self.request.submodules {
            command.arguments.append("--recurse-submodules")
        }
        command.operands = [self.url.text, self.target.directory]
        return command
    }

    /// Checks a commit out, and gets it before if it is none of those that the branches lead to.
    private func checkOut(_ commit: String, _ progress: @escaping Progress) async throws {
        let name = try ArgumentCheck.name(commit, "commit")
        var commit = try await self.target.commit(name)
        if commit == nil {
            var fetch = self.target.command("fetch", "--progress")
            if self.request.depth > 0 { fetch.arguments.append("--depth=\(self.request.depth)") }
            fetch.operands = ["origin", name]
            try await self.runWithPolicy(fetch, progress)
            commit = try await self.target.commit("FETCH_HEAD")
        }
        guard let commit else {
            throw GitFailure(.notFound, "git clone: '\(name)' is no commit").connectError
        }
        var checkout = self.target.command("checkout", "--progress", "--detach", commit)
        checkout.endsRevisions = true
        try await self.runWithPolicy(checkout, progress)
        guard self.request.submodules else { return }
        let update = self.target.command("submodule", "update", "--init", "--recursive", "--progress")
        try await self.runWithPolicy(update, progress)
    }

    private func runWithPolicy(_ command: GitCommand, _ progress: @escaping Progress) async throws {
        var command = command
        try command.obey(self.request.policy)
        try await self.target.run(try self.target.giving(self.secret, command), progress: progress)
    }
}
