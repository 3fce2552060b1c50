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

    /// In the directory where relative URLs begin.
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
        self.base = base
        self.target = try base.below(path)
        self.request = request
        self.url = url
        self.secret = try base.secret(username: request.username, password: request.password, for: url)
    }

    /// Makes the clone.
    func run(_ progress: @escaping Progress) async throws -> Envd_V1_GitCloneResponse.Result {
        try await self.base.run(
            try self.base.giving(self.secret, try self.cloneCommand()), progress: progress)
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

    /// Times that a removal is tried: a child of git may be making its last file.
    private static let removals = 3

    /// Removes what was made, as the caller. `before` is what was there.
    ///
    /// git has done it already, unless it was killed or the clone was made and something later failed.
    func undo(_ before: CloneDestination, _ executor: EventLoopTaskExecutor) async {
        guard before != .occupied else { return }
        let target = self.target
        let path = target.directory
        // A task of its own: the call's may have been cancelled.
        let removal = Task(executorPreference: executor) {
            for _ in 0..<Self.removals {
                guard await target.runner.look(at: path) != before else { return }
                switch before {
                case .missing:
                    _ = try? await target.runner.run("rm", ["-rf", "--", path], as: target.caller)
                case .emptyDirectory:
                    _ = try? await target.runner.run(
                        "find", [path, "-mindepth", "1", "-delete"], as: target.caller)
                case .occupied: break
                }
            }
        }
        await removal.value
    }
}
