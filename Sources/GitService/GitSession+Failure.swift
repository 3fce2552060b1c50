import Connect
import EnvdAPI

extension GitSession {
    /// What a client is told of a command that failed.
    func error(_ command: GitCommand, _ output: GitOutput) async throws(ConnectError) -> ConnectError {
        try await self.failure(command, output).connectError
    }

    /// Why a command failed, also where git itself says little of it.
    func failure(_ command: GitCommand, _ output: GitOutput) async throws(ConnectError) -> GitFailure {
        var failure = GitFailure(command, output, limits: self.runner.configuration.limits)
        switch failure.kind {
        case .conflict:
            failure.conflicts = try await self.conflicts()
        case .lockHeld where !failure.lockPath.hasPrefix("/"):
            failure.lockPath = try await self.top() + "/" + failure.lockPath
        case .notARepository:
            // Some commands only say that they need one.
            let query = self.query("rev-parse", "--git-dir")
            let answer = try await self.attempt(query)
            if !answer.isSuccess {
                return GitFailure(query, answer, limits: self.runner.configuration.limits)
            }
        case .unspecified where !command.isReadOnly:
            guard let lock = try await self.lockInTheWay() else { break }
            failure.kind = .lockHeld
            failure.lockPath = lock
        default:
            break
        }
        return failure
    }

    /// The paths that a merge could not decide.
    private func conflicts() async throws(ConnectError) -> [[UInt8]] {
        let output = try await self.attempt(self.query("ls-files", "--unmerged", "--full-name", "-z"))
        return UnmergedFiles.parse(output.standardOutput)
    }

    /// Where git runs, and what the paths that it tells are relative to.
    private func top() async throws(ConnectError) -> String {
        let top = try await self.attempt(self.query("rev-parse", "--show-toplevel"))
        return top.isSuccess
            ? top.line : try await self.run(self.query("rev-parse", "--absolute-git-dir")).line
    }

    /// A lock of those without which some commands end without a reason; nil if there is none.
    private func lockInTheWay() async throws(ConnectError) -> String? {
        let directory = try await self.attempt(self.query("rev-parse", "--absolute-git-dir"))
        guard directory.isSuccess else { return nil }
        for lock in ["index.lock", "refs/stash.lock"] {
            let path = directory.line + "/" + lock
            if try await self.runner.run("test", ["-e", path], as: self.caller).isSuccess { return path }
        }
        return nil
    }
}
