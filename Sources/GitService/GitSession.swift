import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import SandboxContext
import SwiftProtobuf

/// The git of one call: whose it is, and where it runs.
struct GitSession: Sendable {
    let runner: GitRunner
    let caller: Caller
    /// Absolute.
    let directory: String

    /// The same in another directory, which a client names.
    func below(_ path: String) throws(ConnectError) -> GitSession {
        let directory = try SandboxPath.resolve(
            path, for: self.caller.account, workingDirectory: self.runner.workingDirectory)
        return GitSession(runner: self.runner, caller: self.caller, directory: directory)
    }

    /// A command that changes something.
    func command(_ arguments: String...) -> GitCommand {
        GitCommand(arguments: arguments, directory: self.directory)
    }

    /// A command that only looks.
    func query(_ arguments: String...) -> GitCommand {
        GitCommand(arguments: arguments, directory: self.directory, isReadOnly: true)
    }

    /// Runs `command` to its end, however it ends.
    func attempt(_ command: GitCommand) async throws(ConnectError) -> GitOutput {
        try await self.runner.run(command, as: self.caller)
    }

    /// Runs `command` to a good end.
    ///
    /// - Throws: `ConnectError`, with a `GitError` among its details, if it fails.
    @discardableResult
    func run(
        _ command: GitCommand, progress: (@Sendable (GitProgress) -> Void)? = nil
    ) async throws(ConnectError) -> GitOutput {
        let output = try await self.runner.run(command, as: self.caller, progress: progress)
        guard output.isSuccess else { throw try await self.error(command, output) }
        return output
    }

    /// A response that is read from what git wrote: on a thread that may block, for there can be much of it.
    func response<Response: Message>(
        _ context: RPCContext, _ read: @escaping @Sendable () throws(ConnectError) -> Response
    ) async throws(ConnectError) -> MessagePieces<Response> {
        MessagePieces(
            encoded: try await self.runner.pool.run { () throws(ConnectError) in
                try context.encode(try read())
            })
    }

    /// The commit that `revision` means; nil if there is none.
    func commit(_ revision: String = "HEAD") async throws(ConnectError) -> String? {
        let output = try await self.attempt(
            self.query("rev-parse", "--verify", "--quiet", "\(revision)^{commit}"))
        return output.isSuccess && !output.line.isEmpty ? output.line : nil
    }

    /// The branch that is checked out, also before its first commit; nil if there is none.
    func currentBranch() async throws(ConnectError) -> String? {
        let query = self.query("symbolic-ref", "--quiet", "HEAD")
        let output = try await self.attempt(query)
        if output.exitCode == 1 { return nil }
        guard output.isSuccess else { throw try await self.error(query, output) }
        return output.line.without(prefix: "refs/heads/").map(String.init) ?? output.line
    }
}

extension GitCommand {
    /// Does what a request's policy says.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for what is not the name of a transport.
    mutating func obey(_ policy: Envd_V1_GitPolicy) throws(ConnectError) {
        self.runsHooks = !policy.noHooks
        guard !policy.transports.isEmpty else { return }
        for transport in policy.transports {
            let isName = transport.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            guard isName, !transport.isEmpty, transport.utf8.count <= 64 else {
                throw ArgumentCheck.invalid("policy.transports has '\(transport.prefix(64))', which is none")
            }
        }
        self.transports = policy.transports
    }
}
