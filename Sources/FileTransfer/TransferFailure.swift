import LinuxSystem
import NIOHTTP1
import SandboxContext
import SystemPackage

/// Why a transfer fails: what the error object of its response says.
struct TransferFailure: FileFailure, Equatable {
    var status: HTTPResponseStatus
    /// Names the operation and its object.
    var message: String
    /// What the kernel said; 0 if it was not asked.
    var errno: Errno
    /// Headers of the response besides its own.
    var headers: HTTPHeaders

    init(
        _ status: HTTPResponseStatus, _ message: String, errno: Errno = Errno(rawValue: 0),
        headers: HTTPHeaders = [:]
    ) {
        self.status = status
        self.message = message
        self.errno = errno
        self.headers = headers
    }

    init(_ errno: Errno) {
        self.init(
            .internalServerError, "cannot act for the user: \(errno.lowercasedDescription)", errno: errno)
    }
}

/// Runs `body`, and says what was tried when the kernel refuses: `operation`, a colon and the kernel's reason, with 500.
func trying<Success: ~Copyable>(
    _ operation: @autoclosure () -> String, _ body: () throws(Errno) -> Success
) throws(TransferFailure) -> Success {
    do {
        return try body()
    } catch {
        throw TransferFailure(
            .internalServerError, "\(operation()): \(error.lowercasedDescription)", errno: error)
    }
}
