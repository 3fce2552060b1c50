internal import CLinuxSystem
package import SystemPackage

/// Why a child does not run its program. No process is left behind.
package struct SpawnFailure: Error, Sendable, Equatable {
    /// How far the spawn had come, in order.
    package enum Stage: Sendable, Hashable, CaseIterable {
        /// The request itself: a NUL in a string.
        case arguments
        /// Making the pipes, or opening `/dev/null`.
        case pipe
        /// Making the pseudo-terminal.
        case terminal
        /// Making the process, inside its cgroup.
        case clone
        /// Its process group or session.
        case session
        /// Its controlling terminal.
        case terminalControl
        /// Its descriptors.
        case descriptors
        /// Its resource limits.
        case limits
        /// Its user and groups.
        case credentials
        /// Entering its working directory.
        case workingDirectory
        /// Running the command.
        case exec
    }

    package var stage: Stage
    package var errno: Errno

    package init(stage: Stage, errno: Errno) {
        self.stage = stage
        self.errno = errno
    }
}

extension SpawnFailure {
    /// What the C function found, nil if the child runs.
    init?(_ result: clinux_spawn_result) {
        guard let stage = Stage(result.stage) else { return nil }
        self.init(stage: stage, errno: Errno(rawValue: result.error))
    }
}

extension SpawnFailure.Stage {
    fileprivate init?(_ stage: clinux_spawn_stage) {
        switch stage {
        case CLINUX_STAGE_NONE: return nil
        case CLINUX_STAGE_SESSION: self = .session
        case CLINUX_STAGE_TERMINAL_CONTROL: self = .terminalControl
        case CLINUX_STAGE_DESCRIPTORS: self = .descriptors
        case CLINUX_STAGE_LIMITS: self = .limits
        case CLINUX_STAGE_CREDENTIALS: self = .credentials
        case CLINUX_STAGE_WORKING_DIRECTORY: self = .workingDirectory
        case CLINUX_STAGE_EXEC: self = .exec
        default: self = .clone
        }
    }
}
