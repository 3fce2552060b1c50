import EnvdAPI
import LinuxSystem

/// How the end of a process is told.
enum ExitDescription {
    /// The `end` event of a process that was started by this daemon.
    ///
    /// - SeeAlso: waitpid(2) for the meaning; the texts are those of Go's `os.ProcessState`, which clients show.
    static func event(_ exit: ChildExit) -> Process_ProcessEvent.EndEvent {
        var end = Process_ProcessEvent.EndEvent()
        switch exit {
        case .exited(let code):
            end.exitCode = code
            end.exited = true
            end.status = "exit status \(code)"
            if code != 0 { end.error = end.status }
        case .signaled(let signal, let coreDumped):
            end.exitCode = -1
            end.status = "signal: \(Self.name(of: signal))" + (coreDumped ? " (core dumped)" : "")
            end.error = end.status
        }
        return end
    }

    private static let names = [
        1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 5: "trace/breakpoint trap",
        6: "aborted", 7: "bus error", 8: "floating point exception", 9: "killed", 10: "user defined signal 1",
        11: "segmentation fault", 12: "user defined signal 2", 13: "broken pipe", 14: "alarm clock",
        15: "terminated", 16: "stack fault", 17: "child exited", 18: "continued", 19: "stopped (signal)",
        20: "stopped", 21: "stopped (tty input)", 22: "stopped (tty output)", 23: "urgent I/O condition",
        24: "CPU time limit exceeded", 25: "file size limit exceeded", 26: "virtual timer expired",
        27: "profiling timer expired", 28: "window changed", 29: "I/O possible", 30: "power failure",
        31: "bad system call",
    ]

    private static func name(of signal: Int32) -> String {
        Self.names[Int(signal)] ?? "signal \(signal)"
    }
}
