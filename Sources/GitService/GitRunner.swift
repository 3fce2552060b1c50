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
        /// Cgroups in which a command has left something running.
        var lingering: [Cgroup] = []
        /// By the search path with which it was found.
        var versions: [String: GitVersion] = [:]
    }

    /// Search paths whose git is remembered.
    private static let versionCapacity = 64

    let configuration: GitService.Configuration
    private let defaults: SandboxDefaults
    private let reaper: ChildReaper
    private let pool: BlockingPool
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    init(
        _ configuration: GitService.Configuration, defaults: SandboxDefaults, reaper: ChildReaper,
        pool: BlockingPool, eventLoop: any EventLoop
    ) {
        self.configuration = configuration
        self.defaults = defaults
        self.reaper = reaper
        self.pool = pool
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
    }

    /// Where commands start that nobody gives a directory.
    var workingDirectory: String? { self.defaults.current.workingDirectory }

    /// What is at `path`.
    func look(at path: String) async -> CloneDestination {
        await CloneDestination.look(at: path, pool: self.pool)
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
        do throws(SpawnFailure) {
            // Without a cgroup of its own a command runs all the same.
            started = try await self.reaper.spawn(request) { try? cgroups?.make(in: .user) }
        } catch {
            throw .spawn(error)
        }
        guard let child = started.take() else {
            throw .spawn(SpawnFailure(stage: .clone, errno: .noSuchProcess))
        }
        defer { self.remove(started.cgroup) }
        let process = GitProcess(child, limits: limits, eventLoop: self.eventLoop, progress: progress)
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

    /// Removes the cgroup of an ended command, now or when what it has left running has ended too.
    private func remove(_ cgroup: Cgroup?) {
        if let cgroup { self.state.value.lingering.append(cgroup) }
        self.state.value.lingering.removeAll { cgroup in
            do throws(Errno) {
                try cgroup.remove()
                return true
            } catch {
                return error != .resourceBusy
            }
        }
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
