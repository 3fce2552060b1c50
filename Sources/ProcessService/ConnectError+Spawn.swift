import Connect
import EnvdAPI
import LinuxSystem
import SystemPackage

extension ConnectError {
    /// Bytes of a command line that an error repeats at most.
    private static let quotedBytes = 256

    /// Why a command could not be started.
    init(_ failure: SpawnFailure, of config: Process_ProcessConfig, in directory: String) {
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
        case .limits where failure.errno == .notSupported:
            self.init(
                .failedPrecondition,
                "error starting process '\(line)': the cgroup controller of a limit is not available",
                cause: failure)
        case .terminal, .clone, .session, .terminalControl, .limits, .descriptors, .credentials, .exec:
            self.init(
                .invalidArgument, "error starting process '\(line)': \(failure.stage): \(reason)",
                cause: failure)
        }
    }
}
