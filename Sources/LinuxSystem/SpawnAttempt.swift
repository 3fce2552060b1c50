internal import CLinuxSystem
import Glibc
import Synchronization
import SystemPackage

/// A child on its way to its program: one thread starts it with ``run()``, and any one takes the outcome.
///
/// The starting thread stands still until the child runs its program. The child may be over before that thread goes
/// on: who has seen the end of ``processID`` need not wait for it.
package final class SpawnAttempt: Sendable {
    /// What the child reads and writes until it runs its program, at fixed addresses.
    private struct Parts: ~Copyable {
        let vectors: SpawnVectors
        let request: UnsafeMutablePointer<clinux_spawn_request>
        let result: UnsafeMutablePointer<clinux_spawn_result>
        let limits: UnsafeMutableBufferPointer<clinux_resource_limit>
        let groups: UnsafeMutableBufferPointer<UInt32>
        let inherited: UnsafeMutableBufferPointer<CInt>

        init(_ spawn: SpawnRequest, _ vectors: consuming SpawnVectors, _ channels: borrowing SpawnChannels) {
            self.vectors = vectors
            self.limits = .allocate(capacity: spawn.resourceLimits.count)
            _ = self.limits.initialize(
                from: spawn.resourceLimits.lazy.map {
                    clinux_resource_limit(resource: $0.resource, soft: $0.soft, hard: $0.hard)
                })
            let groups = spawn.credentials?.groups ?? []
            self.groups = .allocate(capacity: groups.count)
            _ = self.groups.initialize(from: groups)
            self.inherited = .allocate(capacity: spawn.inherited.count)
            _ = self.inherited.initialize(from: spawn.inherited)
            self.result = .allocate(capacity: 1)
            self.request = .allocate(capacity: 1)
            clinux_spawn_prepare(self.result)

            var prepared = clinux_spawn_request(spawn)
            prepared.candidates = self.vectors.candidates.constantPointers
            prepared.arguments = self.vectors.arguments.constantPointers
            prepared.shell_arguments = self.vectors.shellArguments.pointers
            prepared.environment = self.vectors.environment.constantPointers
            prepared.working_directory = self.vectors.workingDirectory.first
            (prepared.standard_input, prepared.standard_output, prepared.standard_error) =
                channels.childDescriptors
            prepared.resource_limits = UnsafePointer(self.limits.baseAddress)
            prepared.resource_limit_count = self.limits.count
            prepared.groups = UnsafePointer(self.groups.baseAddress)
            prepared.group_count = self.groups.count
            prepared.inherited = UnsafePointer(self.inherited.baseAddress)
            prepared.inherited_count = self.inherited.count
            self.request.initialize(to: prepared)
        }

        deinit {
            self.request.deallocate()
            self.result.deallocate()
            self.limits.deallocate()
            self.groups.deallocate()
            self.inherited.deallocate()
        }
    }

    /// Written by the child alone, and read by those who know that it has done so.
    nonisolated(unsafe) private let parts: Parts
    /// Both sides of what connects the child; taken with the outcome.
    private let channels: Mutex<SpawnChannels?>

    /// Prepares a child.
    ///
    /// - Throws: `SpawnFailure` with the stages `arguments`, `pipe`, `terminal` or `descriptors`.
    package init(_ request: SpawnRequest) throws(SpawnFailure) {
        let vectors: SpawnVectors
        do throws(Errno) {
            vectors = try SpawnVectors(request)
        } catch {
            throw SpawnFailure(stage: .arguments, errno: error)
        }
        guard request.inherited.count <= SpawnRequest.mostInherited else {
            throw SpawnFailure(stage: .descriptors, errno: .invalidArgument)
        }
        let channels = try SpawnChannels(request)
        self.parts = Parts(request, vectors, channels)
        self.channels = Mutex(channels)
    }

    /// Starts the child, and returns when it runs its program or has failed to. Called once.
    package func run() {
        clinux_spawn(self.parts.request, self.parts.result)
    }

    /// The child's, while ``run()`` may still be under way; nil before there is a child.
    package var processID: Int32? {
        let processID = clinux_spawn_process_id(self.parts.result)
        return processID < 0 ? nil : processID
    }

    /// Whether the child has told its process ID itself. Known as soon as that is.
    package var hasBegun: Bool { self.processID != nil && self.parts.result.pointee.has_begun }

    /// Whether the child does not run its program. Known after ``run()``.
    package var hasFailed: Bool { SpawnFailure(self.parts.result.pointee) != nil }

    /// The child that runs its program, or did. Called once, after ``run()`` or after the child's end was seen.
    ///
    /// - Throws: `SpawnFailure`: where and why it failed. Its child is reaped, unless it has been already.
    package func outcome() throws(SpawnFailure) -> SpawnedProcess {
        let result = self.parts.result.pointee
        // The child's ends are closed with it.
        let channels = self.channels.withLock { $0.take() }
        if let failure = SpawnFailure(result) {
            if result.process_id > 0 { Self.reap(result.process_id) }
            throw failure
        }
        guard let channels else { throw SpawnFailure(stage: .clone, errno: .noSuchProcess) }
        return SpawnedProcess(
            processID: result.process_id, standardInput: channels.standardInput,
            standardOutput: channels.standardOutput, standardError: channels.standardError,
            terminal: channels.terminal)
    }

    private static func reap(_ processID: Int32) {
        // ECHILD if a wait for any child was faster.
        while waitpid(processID, nil, 0) < 0, errno == EINTR {}
    }
}

extension clinux_spawn_request {
    /// The numbers of `request`; everything that points is left to the caller.
    fileprivate init(_ request: SpawnRequest) {
        self.init()
        self.cgroup = request.cgroup ?? -1
        self.controls_terminal = request.terminal != nil
        self.process_group =
            switch request.processGroup {
            case _ where request.terminal != nil: CLINUX_GROUP_SESSION
            case .inherit: CLINUX_GROUP_INHERIT
            case .own: CLINUX_GROUP_OWN
            case .session: CLINUX_GROUP_SESSION
            }
        self.niceness = request.niceness
        self.io_priority = request.ioPriority
        self.oom_score_adjustment = request.oomScoreAdjustment
        self.file_mode_mask = request.fileModeMask
        if let credentials = request.credentials {
            self.changes_credentials = true
            self.uid = credentials.uid
            self.gid = credentials.gid
        }
        self.exits_like_shell = request.execFailure == .exitLikeShell
    }
}
