internal import CLinuxSystem

/// Everything about a child that is decided before it runs.
///
/// What is not said here is always so: default signal dispositions, an empty signal mask, no descriptor but
/// 0, 1, 2 and those asked for, and a life that does not depend on the parent's.
package struct SpawnRequest: Sendable {
    /// What the child reads from descriptor 0.
    package enum StandardInput: Sendable, Hashable {
        /// `/dev/null`.
        case null
        /// A pipe whose other end is `SpawnedProcess.standardInput`.
        case pipe
    }

    /// Which signals of a terminal or of `kill(-pgid)` the child shares with whom.
    package enum ProcessGroup: Sendable, Hashable {
        /// The parent's process group and session.
        case inherit
        /// A process group of its own in the parent's session.
        case own
        /// A session of its own, without a controlling terminal.
        case session
    }

    /// What becomes of a command that does not exist or may not run.
    package enum ExecFailure: Sendable, Hashable {
        /// `SpawnFailure` with stage `exec`.
        case report
        /// The child writes one line to descriptor 2 and exits with 127 (missing) or 126 (may not run).
        ///
        /// A lack of resources (`E2BIG`, `ENOMEM`, `EAGAIN`, `EMFILE`, `ENFILE`) is a `SpawnFailure` all the
        /// same.
        case exitLikeShell
    }

    /// Descriptors that a child can inherit besides the standard ones.
    package static var mostInherited: Int { Int(clinux_most_inherited) }

    /// A path, or a name to look for in the `PATH` of `environment`; it is also argv[0].
    ///
    /// It is looked for by the child with its own credentials and working directory, by the rules of
    /// execvp(3): a file that may not run is passed over and remembered, one of unknown format is run by
    /// `/bin/sh`.
    package var command: String
    /// argv after the command.
    package var arguments: [String]
    /// The whole environment, as `NAME=value`.
    package var environment: [String]
    /// Entered with the child's credentials; nil keeps the parent's.
    package var workingDirectory: String?
    /// nil keeps the parent's.
    package var credentials: Credentials?
    /// Ignored if there is a terminal.
    package var standardInput: StandardInput
    /// Borrowed descriptors that the child and its own children have besides, as 3, 4 and so on; at most
    /// ``mostInherited``.
    package var inherited: [CInt]
    /// If there is one: the child gets a pseudo-terminal of this size, which controls it, as descriptors 0 to
    /// 2, and a session of its own.
    package var terminal: TerminalSize?
    /// A borrowed descriptor of the cgroup v2 directory that the child is born in; nil is the parent's
    /// cgroup.
    package var cgroup: CInt?
    package var processGroup: ProcessGroup
    /// Absolute, -20 to 19. Failure to set it is ignored.
    package var niceness: Int32
    /// Level of the best-effort I/O class, 0 (first) to 7. Failure to set it is ignored.
    package var ioPriority: Int32
    /// How early the kernel kills the child when memory runs out, -1000 (never) to 1000. Failure to set it is
    /// ignored.
    package var oomScoreAdjustment: Int32
    /// The umask: permission bits that new files do not get.
    package var fileModeMask: UInt32
    package var resourceLimits: [ResourceLimit]
    package var execFailure: ExecFailure

    package init(
        command: String,
        arguments: [String] = [],
        environment: [String] = [],
        workingDirectory: String? = nil,
        credentials: Credentials? = nil,
        standardInput: StandardInput = .null,
        inherited: [CInt] = [],
        terminal: TerminalSize? = nil,
        cgroup: CInt? = nil,
        processGroup: ProcessGroup = .own,
        niceness: Int32 = 0,
        ioPriority: Int32 = 4,
        oomScoreAdjustment: Int32 = 100,
        fileModeMask: UInt32 = 0o022,
        resourceLimits: [ResourceLimit] = [],
        execFailure: ExecFailure = .report
    ) {
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.credentials = credentials
        self.standardInput = standardInput
        self.inherited = inherited
        self.terminal = terminal
        self.cgroup = cgroup
        self.processGroup = processGroup
        self.niceness = niceness
        self.ioPriority = ioPriority
        self.oomScoreAdjustment = oomScoreAdjustment
        self.fileModeMask = fileModeMask
        self.resourceLimits = resourceLimits
        self.execFailure = execFailure
    }
}
