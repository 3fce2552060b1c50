import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import SystemPackage

/// Runs git as any other command of the sandbox is run: as the caller's user, with the environment of commands, in a
/// cgroup of its own. Bound to the event loop.
final class GitRunner: Sendable {
    private struct State {
        var running = 0
        /// Where clones are made.
        var destinations: Set<FileStatus.Identity> = []
        /// By the search path with which it was found.
        var versions: [String: GitVersion] = [:]
    }

    /// Search paths whose git is remembered.
    private static let versionCapacity = 64

    let configuration: GitService.Configuration
    private let defaults: SandboxDefaults
    private let reaper: ChildReaper
    private let pause: WorkloadPause?
    /// As nobody but the user of a call, who git runs as too.
    private let files: FileAccess
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    init(
        _ configuration: GitService.Configuration, defaults: SandboxDefaults, reaper: ChildReaper,
        pool: BlockingPool, pause: WorkloadPause? = nil, eventLoop: any EventLoop
    ) {
        self.pause = pause
        self.configuration = configuration
        self.defaults = defaults
        self.reaper = reaper
        self.files = FileAccess(pool: pool, mode: .user)
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
    }

    /// The threads for what would hold up the event loop.
    var pool: BlockingPool { self.files.pool }

    /// Where commands start that nobody gives a directory.
    var workingDirectory: String? { self.defaults.current.workingDirectory }

    // MARK: Clones

    /// Takes a directory for a clone, which no other clone gets before it is released.
    ///
    /// - Returns: nil if nothing can be made there, of which git will tell the reason.
    /// - Throws: `ConnectError` with `alreadyExists` if another clone has it.
    func claim(_ path: String, as caller: Caller) async throws(ConnectError) -> CloneDestination? {
        let claimed = try? await self.files.perform(as: caller.account) { (resolver) throws(Errno) in
            CloneDestination.claim(path, resolver)
        }
        guard let destination = claimed ?? nil else { return nil }
        guard self.state.value.destinations.insert(destination.identity).inserted else {
            throw GitFailure(.alreadyExists, "git clone: another clone is being made at '\(path)'")
                .connectError
        }
        return destination
    }

    /// Lets others make a clone there.
    func release(_ destination: CloneDestination) {
        self.state.value.destinations.remove(destination.identity)
    }

    /// Times that a removal is tried: a child of git may be making its last file.
    private static let removals = 3

    /// Removes what was made for a clone, and what is in it.
    ///
    /// - Parameter isOthers: Somebody else was there first: only what is empty is removed.
    func undo(_ destination: CloneDestination, isOthers: Bool, as caller: Caller) async {
        for _ in 0..<Self.removals {
            let isOccupied = try? await self.files.perform(as: caller.account) { (resolver) throws(Errno) in
                destination.removeEmpty(resolver)
                return destination.isOccupied(resolver)
            }
            guard isOccupied == true, !isOthers else { return }
            if destination.isNew {
                _ = try? await self.run("rm", ["-rf", "--", destination.path], as: caller)
            } else {
                _ = try? await self.run(
                    "find", [destination.path, "-mindepth", "1", "-delete"], as: caller)
            }
        }
    }

    /// Runs git to its end, however it ends.
    ///
    /// - Parameter progress: told of progress; the command must have been asked for it.
    /// - Throws: `ConnectError` if git cannot be started, or was ended before its time.
    func run(
        _ command: GitCommand, as caller: Caller, progress: (@Sendable (GitProgress) -> Void)? = nil
    ) async throws(ConnectError) -> GitOutput {
        var request = self.request(command, as: caller)
        defer { command.credentials?.clear() }
        request.inherited = command.credentials?.inherited ?? []
        do throws(Interruption) {
            return try await self.run(request, input: command.input, progress: progress)
        } catch {
            throw self.error(error, of: command)
        }
    }

    /// Runs a program to its end, with the environment of commands.
    func run(_ program: String, _ arguments: [String], as caller: Caller) async throws(ConnectError)
        -> GitOutput
    {
        let request = self.request(program, arguments, in: "/", as: caller)
        do throws(Interruption) {
            return try await self.run(request)
        } catch {
            throw ConnectError(.internalError, "cannot run \(program)", cause: error)
        }
    }

    // MARK: Requests

    private func request(_ command: GitCommand, as caller: Caller) -> SpawnRequest {
        self.request(
            "git", command.commandLine, in: command.directory, as: caller, variables: command.variables,
            input: command.input == nil ? .null : .pipe)
    }

    private func request(
        _ program: String, _ arguments: [String], in directory: String, as caller: Caller,
        variables: [String: String] = [:], input: SpawnRequest.StandardInput = .null
    ) -> SpawnRequest {
        SpawnRequest(
            command: program, arguments: arguments,
            environment: CommandEnvironment.compose(
                searchPath: self.configuration.searchPath, account: caller.account, hasTerminal: false,
                defaults: self.defaults.current, request: variables),
            workingDirectory: directory, credentials: caller.account.spawnCredentials,
            standardInput: input,
            // Away from any terminal, where ssh would ask for passwords.
            processGroup: .session, resourceLimits: self.configuration.resourceLimits)
    }

    // MARK: Running

    /// Why a command did not run to its end.
    private enum Interruption: Error {
        case tooMany
        case spawn(SpawnFailure)
        case process(GitProcess.Failure)
    }

    private func run(
        _ request: SpawnRequest, input: [UInt8]? = nil, progress: (@Sendable (GitProgress) -> Void)? = nil
    ) async throws(Interruption) -> GitOutput {
        let limits = self.configuration.limits
        guard self.state.value.running < limits.commands else { throw .tooMany }
        self.state.value.running += 1
        defer { self.state.value.running -= 1 }
        let started: StartedChild
        let cgroups = self.configuration.cgroups
        // In a frozen cgroup it would stop before it runs its program, and the thread that starts it with it.
        if cgroups != nil { await self.pause?.ended() }
        guard !Task.isCancelled else { throw .process(.canceled) }
        do throws(SpawnFailure) {
            // Without a cgroup of its own a command runs all the same.
            started = try await self.reaper.spawn(request) { try? cgroups?.make(in: .user) }
        } catch {
            throw .spawn(error)
        }
        guard let child = started.take() else {
            throw .spawn(SpawnFailure(stage: .clone, errno: .noSuchProcess))
        }
        let cgroup = started.cgroup
        defer { if let cgroup { cgroups?.takeBack(cgroup) } }
        let process = GitProcess(
            child, cgroup: cgroup, limits: limits, eventLoop: self.eventLoop, progress: progress)
        // What is not read by the end is not waited for: leaving the scope cancels it.
        async let _ = Self.feed(input, to: process.input)
        do throws(GitProcess.Failure) {
            return try await process.finish(self.reaper)
        } catch {
            throw .process(error)
        }
    }

    private static func feed(_ input: [UInt8]?, to writer: DescriptorWriter?) async {
        guard let writer else { return }
        // Whoever ends without reading it says why.
        if let input { try? await writer.write(ByteBuffer(bytes: input)) }
        writer.close()
    }

    private func error(_ interruption: Interruption, of command: GitCommand) -> ConnectError {
        switch interruption {
        case .tooMany:
            GitFailure(
                .limit, "\(self.configuration.limits.commands) commands of git run, which is the limit"
            ).connectError
        case .spawn(let failure):
            Self.error(failure, of: command)
        case .process(.canceled):
            ConnectError(.canceled, "context canceled")
        case .process(.outputTooLarge):
            GitFailure(
                .limit,
                "git \(command.name): more than \(self.configuration.limits.outputBytes) bytes of output"
            ).connectError
        }
    }

    private static func error(_ failure: SpawnFailure, of command: GitCommand) -> ConnectError {
        let reason = failure.errno.lowercasedDescription
        switch (failure.stage, failure.errno) {
        case (.exec, .noSuchFileOrDirectory):
            return GitFailure(.gitMissing, "git is not installed").connectError
        case (.exec, .argListTooLong):
            return GitFailure(.invalidArgument, "git \(command.name): \(reason)").connectError
        case (.workingDirectory, .noSuchFileOrDirectory):
            return GitFailure(.notFound, "path '\(command.directory)' does not exist").connectError
        case (.workingDirectory, .notDirectory), (.workingDirectory, .fileNameTooLong):
            return GitFailure(.invalidArgument, "path '\(command.directory)': \(reason)").connectError
        case (.workingDirectory, _):
            return GitFailure(.permissionDenied, "path '\(command.directory)': \(reason)").connectError
        case (.arguments, _):
            return ArgumentCheck.invalid("a field contains NUL")
        default:
            return ConnectError(
                .internalError, "cannot start git: \(failure.stage): \(reason)", cause: failure)
        }
    }

    // MARK: Version

    /// Makes sure that there is a git that is new enough; asked once for each search path.
    ///
    /// - Throws: `ConnectError` with `failedPrecondition` if not.
    func checkVersion(as caller: Caller) async throws(ConnectError) {
        let command = GitCommand(arguments: ["version"], directory: "/", isReadOnly: true)
        let path = self.request(command, as: caller).environment.first { $0.hasPrefix("PATH=") } ?? ""
        if let version = self.state.value.versions[path], version >= .oldest { return }
        let output = try await self.run(command, as: caller)
        guard let version = GitVersion(output.line) else {
            throw GitFailure(.gitMissing, "git does not tell its version: '\(output.line.prefix(64))'")
                .connectError
        }
        guard version >= .oldest else {
            throw GitFailure(
                .gitTooOld, "git \(version) is installed, and \(GitVersion.oldest) or newer is needed"
            )
            .connectError
        }
        if self.state.value.versions.count >= Self.versionCapacity { self.state.value.versions = [:] }
        self.state.value.versions[path] = version
    }
}
