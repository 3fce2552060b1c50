import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import SystemPackage

extension ProcessService {
    /// `process.Process/Start`: runs a command and streams its output until it ends.
    ///
    /// The command outlives the call: a client that goes away is detached. A positive timeout of the call is also
    /// the command's hard lifetime.
    ///
    /// - Throws: `ConnectError`: `invalidArgument` if the working directory cannot be entered or the command cannot
    ///   be started; a command that does not exist or may not be run ends with 127 or 126 instead.
    @Sendable func start(
        _ request: Process_StartRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Process_StartResponse>
    ) async throws {
        let framing = try self.framing(context)
        let caller = try await self.callers.caller(of: context)
        let process = try await self.launch(request, as: caller)
        let reader = OutputReader(
            of: process, framing: framing, keepalive: KeepaliveInterval.of(context.requestHeaders))
        let order = self.table.value.add(process)
        process.begin(self.reaper) { self.table.value.end(order) }
        if let timeout = context.timeout, timeout > .nanoseconds(0), let deadline = context.deadline {
            process.setLifetime(deadline)
        }
        try await responses.drain(reader)
    }

    private func launch(
        _ request: Process_StartRequest, as caller: Caller
    ) async throws(ConnectError) -> ManagedProcess {
        let defaults = self.defaults.current
        let config = request.process
        let directory = try SandboxPath.resolve(
            config.cwd, for: caller.account, workingDirectory: defaults.workingDirectory)
        let environment = CommandEnvironment.compose(
            searchPath: self.configuration.searchPath, account: caller.account,
            hasTerminal: request.hasPty, defaults: defaults, request: config.envs)
        let spawn = SpawnRequest(
            command: config.cmd, arguments: config.args, environment: environment,
            workingDirectory: directory, credentials: caller.account.spawnCredentials,
            standardInput: request.hasStdin && !request.stdin ? .null : .pipe,
            terminal: request.hasPty ? TerminalSize(request.pty.size) : nil,
            resourceLimits: self.configuration.resourceLimits, execFailure: .exitLikeShell)
        let handoff: Handoff<SpawnedProcess>
        do {
            handoff = try await self.reaper.spawn(spawn)
        } catch {
            throw ConnectError(error, of: config, in: directory)
        }
        guard let child = handoff.take() else {
            throw ConnectError(.internalError, "the started process was lost")
        }
        return ManagedProcess(
            child, config: config, tag: request.hasTag ? request.tag : nil,
            limits: self.configuration.output, eventLoop: self.eventLoop)
    }
}

extension TerminalSize {
    /// A size as clients give it; what exceeds 16 bits is cut off.
    init(_ size: Process_PTY.Size) {
        self.init(
            columns: UInt16(truncatingIfNeeded: size.cols), rows: UInt16(truncatingIfNeeded: size.rows))
    }
}

extension ConnectError {
    /// Bytes of a command line that an error repeats at most.
    private static let quotedBytes = 256

    /// Why a command could not be started.
    fileprivate init(_ failure: SpawnFailure, of config: Process_ProcessConfig, in directory: String) {
        var line = ([config.cmd] + config.args.prefix(16)).joined(separator: " ")
        if line.utf8.count > Self.quotedBytes { line = String(line.prefix(Self.quotedBytes)) + "…" }
        let reason = failure.errno.lowercasedDescription
        switch failure.stage {
        case .workingDirectory where failure.errno == .noSuchFileOrDirectory:
            self.init(.invalidArgument, "cwd '\(directory)' does not exist", cause: failure)
        case .workingDirectory:
            self.init(
                .invalidArgument,
                "error starting process '\(line)': cannot enter cwd '\(directory)': \(reason)", cause: failure
            )
        case .pipe:
            self.init(
                .internalError, "error creating pipe for command '\(line)': \(reason)", cause: failure)
        case .arguments:
            self.init(
                .invalidArgument,
                "error starting process '\(line)': NUL in an argument, variable or path: \(reason)",
                cause: failure)
        case .terminal, .clone, .session, .terminalControl, .limits, .descriptors, .credentials, .exec:
            self.init(
                .invalidArgument, "error starting process '\(line)': \(failure.stage): \(reason)",
                cause: failure)
        }
    }
}
