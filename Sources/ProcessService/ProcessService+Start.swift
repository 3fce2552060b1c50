import Connect
import EnvdAPI
internal import Glibc
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import SwiftProtobuf
import SystemPackage

extension ProcessService {
    /// The tag of commands that belong to the machine and not to its user: they get no cgroup.
    private static let systemTag = "_system"

    /// `process.Process/Start`: runs a command and streams its output until it ends.
    ///
    /// The command outlives the call: a client that goes away is detached. A positive timeout of a Connect call is also
    /// the command's hard lifetime, unless the request has a timeout of its own. With an execution id that is known
    /// already, the call attaches to that execution instead.
    ///
    /// - Throws: `ConnectError`: `invalidArgument` if the working directory cannot be entered or the command cannot
    ///   be started; a command that does not exist or may not be run ends with 127 or 126 instead.
    @Sendable func start(
        _ request: Process_StartRequest, _ context: RPCContext
    ) async throws -> any MessageSource {
        let framing = try self.framing(context)
        let caller = try await self.callers.caller(of: context)
        let keepalive = KeepaliveInterval.of(context.requestHeaders)
        let origin = ManagedProcess.Origin(
            digest: try Self.digest(of: request), tag: request.hasTag ? request.tag : nil,
            executionID: request.executionID.isEmpty ? nil : request.executionID,
            account: caller.account.name, hasTerminal: request.hasPty)
        if let known = try await self.knownExecution(origin) {
            return try OutputReader(
                of: known, from: .offset(0), framing: framing, isExtended: request.extended,
                keepalive: keepalive, until: Self.streamDeadline(request))
        }
        defer { self.startEnded(origin) }
        let process = try await self.launch(request, origin, as: caller)
        let reader = try OutputReader(
            of: process, framing: framing, isExtended: request.extended, keepalive: keepalive,
            until: Self.streamDeadline(request))
        let order = self.table.value.add(process)
        process.begin(self.reaper) {
            self.table.value.end(order)
            if let cgroup = process.cgroup { self.configuration.cgroups?.takeBack(cgroup) }
        }
        Self.setLifetime(of: process, request, context)
        if self.pause?.began != nil, process.cgroup != nil { process.state.value.lifetime?.pause() }
        return reader
    }

    // MARK: Executions with an id

    /// Bytes beyond which the kernel runs no command: `MAX_ARG_STRLEN` and a quarter of a stack's limit are less;
    /// execve(2).
    private static let longestCommand = 8 << 20

    /// By which two starts with one execution id are compared, when what they ask for is not kept any more; nil without
    /// an id, or for what cannot be run anyway.
    private static func digest(of request: Process_StartRequest) throws(ConnectError) -> Int? {
        guard !request.executionID.isEmpty else { return nil }
        let config = request.process
        let count =
            config.cmd.utf8.count + config.args.reduce(0) { $0 + $1.utf8.count }
            + config.envs.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard count <= Self.longestCommand else { return nil }
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        do {
            let bytes: [UInt8] = try config.serializedBytes(options: options)
            // Seeded anew in each process, so that nobody can find two of one value.
            var hasher = Hasher()
            bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
            return hasher.finalize()
        } catch {
            throw ConnectError(.internalError, "cannot compare the request", cause: error)
        }
    }

    /// The execution that a start with an id means, if it has been started already; it waits for one that is being
    /// started. Without, the caller is the one that starts it, and has to say when it is done.
    ///
    /// - Throws: `ConnectError` with `alreadyExists` if the id is another command's.
    private func knownExecution(_ origin: ManagedProcess.Origin) async throws(ConnectError) -> ManagedProcess?
    {
        guard let executionID = origin.executionID else { return nil }
        let key = ExecutionID(executionID)
        while self.starting.value[key] != nil {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                self.starting.value[key]?.append { continuation.resume() }
            }
        }
        guard let process = self.table.value.find(.executionID(executionID)) else {
            self.starting.value[key] = []
            return nil
        }
        guard process.origin == origin else {
            throw ConnectError(
                .alreadyExists, "execution id '\(executionID)' belongs to another command, user or terminal")
        }
        return process
    }

    private func startEnded(_ origin: ManagedProcess.Origin) {
        guard let executionID = origin.executionID else { return }
        let waiters = self.starting.value.removeValue(forKey: ExecutionID(executionID)) ?? []
        for waiter in waiters { waiter() }
    }

    // MARK: Launching

    private func launch(
        _ request: Process_StartRequest, _ origin: ManagedProcess.Origin, as caller: Caller
    ) async throws(ConnectError) -> ManagedProcess {
        let limits = self.configuration.output
        guard self.table.value.runningCount + self.startCount.value < limits.processes else {
            throw ConnectError(
                .resourceExhausted, "\(limits.processes) processes run, which is the limit")
        }
        self.startCount.value += 1
        defer { self.startCount.value -= 1 }
        let spawn = try self.spawnRequest(request, as: caller)
        let directory = spawn.workingDirectory ?? ""
        let cgroups = origin.tag == Self.systemTag ? nil : self.configuration.cgroups
        let kind: CommandCgroups.Class = request.hasPty ? .ptys : .user
        let commandLimits = CommandCgroups.Limits(request.limits)
        guard commandLimits.isEmpty || cgroups != nil else {
            throw ConnectError(.failedPrecondition, "limits need cgroup v2, which is not in use")
        }
        // In a frozen cgroup it would stop before it runs its program, and the thread that starts it with it.
        if cgroups != nil { await self.pause?.ended() }
        guard !Task.isCancelled else { throw ConnectError(.canceled, "context canceled") }
        let started: StartedChild
        do {
            started = try await self.reaper.spawn(spawn) { () throws(SpawnFailure) in
                try Self.cgroup(cgroups, kind, commandLimits)
            }
        } catch {
            throw ConnectError(error, of: request.process, in: directory)
        }
        guard let child = started.take() else {
            throw ConnectError(.internalError, "the started process was lost")
        }
        var config = request.process
        // Nobody can ask for it.
        config.unknownFields = UnknownStorage()
        return ManagedProcess(
            child, of: config, origin: origin, retention: self.retention(request.retention),
            cgroup: started.cgroup, started: started.startTime,
            limits: limits, budget: self.budget, eventLoop: self.eventLoop)
    }

    private func spawnRequest(
        _ request: Process_StartRequest, as caller: Caller
    ) throws(ConnectError) -> SpawnRequest {
        let defaults = self.defaults.current
        let config = request.process
        let directory = try SandboxPath.resolve(
            config.cwd, for: caller.account, workingDirectory: defaults.workingDirectory)
        let environment = CommandEnvironment.compose(
            searchPath: self.configuration.searchPath, account: caller.account,
            hasTerminal: request.hasPty, defaults: defaults, request: config.envs)
        return SpawnRequest(
            command: config.cmd, arguments: config.args, environment: environment,
            workingDirectory: directory, credentials: caller.account.spawnCredentials,
            standardInput: request.hasStdin && !request.stdin ? .null : .pipe,
            terminal: request.hasPty ? TerminalSize(request.pty.size) : nil,
            resourceLimits: self.configuration.resourceLimits, execFailure: .exitLikeShell)
    }

    /// The command's cgroup. That there cannot be one matters only if limits were asked for.
    private static func cgroup(
        _ cgroups: CommandCgroups?, _ kind: CommandCgroups.Class, _ limits: CommandCgroups.Limits
    ) throws(SpawnFailure) -> Cgroup? {
        guard let cgroups else { return nil }
        do {
            return try cgroups.make(in: kind, limits)
        } catch {
            if limits.isEmpty { return nil }
            throw SpawnFailure(stage: .limits, errno: error)
        }
    }

    private func retention(_ request: Process_Retention) -> ManagedProcess.Retention {
        let limits = self.configuration.output
        var retention = ManagedProcess.Retention(outputBytes: limits.keptBytes, exit: limits.exitRetention)
        if request.hasOutputBytes {
            retention.outputBytes = min(Int(clamping: request.outputBytes), limits.keptBytesCeiling)
        }
        if request.hasExitSeconds {
            let ceiling = limits.exitRetentionCeiling
            let seconds = min(Int64(clamping: request.exitSeconds), ceiling.nanoseconds / 1_000_000_000)
            retention.exit = .seconds(seconds)
        }
        return retention
    }

    /// Milliseconds at most: about three years, far from where a deadline would overflow.
    private static let longestTimeout: UInt64 = 100_000_000_000

    /// The request's own deadline; nil if it has none.
    private static func deadline(_ request: Process_StartRequest) -> NIODeadline? {
        let milliseconds = request.timeout.milliseconds
        guard milliseconds > 0 else { return nil }
        return .now() + .milliseconds(Int64(min(milliseconds, Self.longestTimeout)))
    }

    /// When the stream is to end whatever the command does; nil if it is not.
    private static func streamDeadline(_ request: Process_StartRequest) -> NIODeadline? {
        request.timeout.scope == .stream ? Self.deadline(request) : nil
    }

    private static func setLifetime(
        of process: ManagedProcess, _ request: Process_StartRequest, _ context: RPCContext
    ) {
        let deadline: NIODeadline?
        if let own = Self.deadline(request) {
            deadline = own
        } else if context.isConnect, let timeout = context.timeout, timeout > .nanoseconds(0) {
            deadline = context.deadline
        } else {
            deadline = nil
        }
        guard let deadline, request.timeout.scope != .stream else { return }
        process.setLifetime(
            deadline, request.timeout.scope == .tree ? .tree : .leader,
            grace: .milliseconds(Int64(min(request.timeout.graceMilliseconds, Self.longestTimeout))))
    }
}

extension CommandCgroups.Limits {
    fileprivate init(_ limits: Process_ResourceLimits) {
        self.init()
        self.memoryBytes = limits.memoryBytes
        self.processes = limits.pids
        self.cpuMillis = limits.cpuMillis
    }
}

extension TerminalSize {
    /// A size as clients give it; what exceeds 16 bits is cut off.
    init(_ size: Process_PTY.Size) {
        self.init(
            columns: UInt16(truncatingIfNeeded: size.cols), rows: UInt16(truncatingIfNeeded: size.rows))
    }
}
