package import Connect
import LinuxSystem
package import SystemPackage

extension ConnectError {
    /// The error that a client sees when the kernel refuses: the one table from errno to codes.
    ///
    /// - Parameter operation: what was tried, on what; the errno's text follows it.
    package init(_ operation: String, _ errno: Errno) {
        self.init(Self.code(of: errno), "\(operation): \(errno.lowercasedDescription)", cause: errno)
    }

    private static func code(of errno: Errno) -> ConnectError.Code {
        switch errno {
        case .noSuchFileOrDirectory: .notFound
        case .fileExists: .alreadyExists
        case .permissionDenied, .notPermitted, .readOnlyFileSystem: .permissionDenied
        case .noSpace, .diskQuotaExceeded, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory,
            .resourceTemporarilyUnavailable:
            .resourceExhausted
        case .invalidArgument, .fileNameTooLong, .tooManySymbolicLinkLevels, .argListTooLong, .notDirectory,
            .isDirectory:
            .invalidArgument
        case .directoryNotEmpty, .resourceBusy: .failedPrecondition
        case .canceled: .canceled
        case .timedOut: .deadlineExceeded
        default: .internalError
        }
    }
}
/// Runs `body`, and says what was tried when the kernel refuses.
///
/// - Throws: `ConnectError` with the code of the errno.
package func attempt<Success>(
    _ operation: @autoclosure () -> String, _ body: () throws(Errno) -> Success
) throws(ConnectError) -> Success {
    do {
        return try body()
    } catch {
        throw ConnectError(operation(), error)
    }
}
