internal import CLinuxSystem
import SystemPackage

/// A child that runs its program, and the parent's ends of what connects them.
///
/// Whoever drops it still has to reap the child. The descriptors are optional for `take()`: another module
/// cannot move a part out of a noncopyable value.
package struct SpawnedProcess: ~Copyable, Sendable {
    package let processID: Int32
    /// Readable once the child has ended; never nil at first.
    package var pidfd: OwnedDescriptor?
    /// Non-blocking, for writing; nil if the child reads `/dev/null` or has a terminal.
    package var standardInput: OwnedDescriptor?
    /// Non-blocking, for reading; nil if the child has a terminal.
    package var standardOutput: OwnedDescriptor?
    /// Non-blocking, for reading; nil if the child has a terminal.
    package var standardError: OwnedDescriptor?
    /// The master of the child's terminal, non-blocking, for reading and writing.
    package var terminal: OwnedDescriptor?

    /// Starts a child, and returns when it runs its program.
    ///
    /// It blocks for about a tenth of a millisecond, however much memory this process uses, and for longer
    /// where the working directory or the program is on a file system that makes the child wait. Any number
    /// of threads may spawn at once; a child never gets a descriptor meant for another.
    ///
    /// With credentials, this process becomes non-dumpable (`PR_SET_DUMPABLE`, prctl(2)), since it shared its
    /// memory with a process of another user.
    package static func spawn(_ request: SpawnRequest) throws(SpawnFailure) -> SpawnedProcess {
        let vectors: SpawnVectors
        do {
            vectors = try SpawnVectors(request)
        } catch {
            throw SpawnFailure(stage: .arguments, errno: error)
        }
        guard request.inherited.count <= SpawnRequest.mostInherited else {
            throw SpawnFailure(stage: .descriptors, errno: .invalidArgument)
        }
        let channels = try SpawnChannels(request)
        let result = Self.clone(request, vectors, channels)
        if let failure = SpawnFailure(result) { throw failure }
        return SpawnedProcess(
            processID: result.process_id,
            pidfd: OwnedDescriptor(taking: result.pidfd),
            standardInput: channels.standardInput,
            standardOutput: channels.standardOutput,
            standardError: channels.standardError,
            terminal: channels.terminal
        )
    }

    /// Borrows what the child needs until it runs its program.
    private static func clone(
        _ request: SpawnRequest,
        _ vectors: borrowing SpawnVectors,
        _ channels: borrowing SpawnChannels
    ) -> clinux_spawn_result {
        var prepared = clinux_spawn_request(request)
        prepared.candidates = vectors.candidates.constantPointers
        prepared.arguments = vectors.arguments.constantPointers
        prepared.shell_arguments = vectors.shellArguments.pointers
        prepared.environment = vectors.environment.constantPointers
        prepared.working_directory = vectors.workingDirectory.first
        (prepared.standard_input, prepared.standard_output, prepared.standard_error) =
            channels.childDescriptors

        let limits = request.resourceLimits.map {
            clinux_resource_limit(resource: $0.resource, soft: $0.soft, hard: $0.hard)
        }
        let groups = request.credentials?.groups ?? []
        return limits.withUnsafeBufferPointer { limits in
            groups.withUnsafeBufferPointer { groups in
                request.inherited.withUnsafeBufferPointer { inherited in
                    prepared.resource_limits = limits.baseAddress
                    prepared.resource_limit_count = limits.count
                    prepared.groups = groups.baseAddress
                    prepared.group_count = groups.count
                    prepared.inherited = inherited.baseAddress
                    prepared.inherited_count = inherited.count
                    var result = clinux_spawn_result()
                    clinux_spawn(&prepared, &result)
                    return result
                }
            }
        }
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
