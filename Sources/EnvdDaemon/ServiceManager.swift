internal import Glibc
import LinuxIO
import LinuxSystem
import NIOCore
import SystemPackage

#if Systemd
    internal import CSystemd
#endif

/// systemd, where it started the daemon: it passes a socket, and is told how the daemon is.
///
/// Without it, or in a build without the trait `Systemd`, nothing happens.
///
/// - SeeAlso: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
enum ServiceManager {
    /// Why what was passed is of no use.
    struct SocketProblem: Error {
        var message: String
    }

    /// The listening socket that was passed, for a service that is started on the first connection or whose clients
    /// wait while it is restarted; nil if none was.
    static func socket() throws(SocketProblem) -> OwnedDescriptor? {
        #if Systemd
            // What is another process's has been inherited by mistake.
            guard getenv("LISTEN_FDS") != nil, let owner = getenv("LISTEN_PID"),
                String(cString: owner) == "\(getpid())"
            else { return nil }
            let count = csystemd_passed_descriptors()
            guard count >= 0 else {
                throw SocketProblem(
                    message: "cannot take the sockets that were passed: \(Self.reason(count))")
            }
            let first = CInt(csystemd_first_descriptor)
            guard count > 0 else { return nil }
            guard count == 1 else {
                throw SocketProblem(message: "\(count) sockets were passed, and one can be served")
            }
            guard csystemd_is_listening(first) > 0 else {
                throw SocketProblem(message: "what was passed is no TCP socket that listens")
            }
            return OwnedDescriptor(taking: first)
        #else
            return nil
        #endif
    }

    /// Says that requests are served, and, where that is expected, goes on to say that the event loop turns.
    static func ready(_ status: String, on eventLoop: any EventLoop) {
        self.tell("READY=1\nSTATUS=\(status)")
        #if Systemd
            guard getenv("WATCHDOG_USEC") != nil else { return }
            var microseconds: UInt64 = 0
            guard csystemd_watchdog_enabled(&microseconds) > 0 else { return }
            // Twice as often as it has to be, as sd_watchdog_enabled(3) advises.
            let interval = TimeAmount.microseconds(Int64(clamping: microseconds / 2))
            eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
                self.tell("WATCHDOG=1")
            }
        #endif
    }

    /// Says that no more requests are served.
    static func stopping() {
        self.tell("STOPPING=1")
    }

    /// On a thread of its own: loading the library takes milliseconds, and whoever listens may be busy.
    private static func tell(_ state: String) {
        #if Systemd
            guard getenv("NOTIFY_SOCKET") != nil else { return }
            let thread = BlockingPool(threads: 1)
            thread.submit {
                let result = csystemd_notify(state)
                guard result < 0 else { return }
                let word = state.prefix { $0 != "\n" }
                StandardError.write("envd: cannot tell systemd \(word): \(Self.reason(result))\n")
            }
            thread.shutDown()
        #endif
    }

    /// Why a call of the library failed: a negated errno.
    private static func reason(_ result: CInt) -> String {
        result == -ENOSYS
            ? "libsystemd.so.0 cannot be loaded" : Errno(rawValue: -result).lowercasedDescription
    }
}
