import Connect
import LinuxSystem
import SandboxContext
import SystemPackage

/// What an operation fails with: why, and what its client is told.
struct ToolFailure: FileFailure {
    let errno: Errno
    var error: ConnectError

    /// A failure that is not the kernel's.
    init(_ code: ConnectError.Code, _ message: String) {
        self.errno = Errno(rawValue: 0)
        self.error = ConnectError(code, message)
    }

    /// - Parameter operation: what was tried, on what; the errno's text follows it.
    init(_ operation: String, _ errno: Errno) {
        self.errno = errno
        self.error = ConnectError(operation, errno)
    }

    init(_ errno: Errno) {
        self.init("cannot act as the user", errno)
    }
}

/// Runs `body`, and says what was tried when the kernel refuses.
func trying<Success: ~Copyable>(
    _ operation: @autoclosure () -> String, _ body: () throws(Errno) -> Success
) throws(ToolFailure) -> Success {
    do {
        return try body()
    } catch {
        throw ToolFailure(operation(), error)
    }
}
