import Connect
import LinuxSystem
import SandboxContext
import SystemPackage

/// What an operation fails with: why, and what its client is told.
struct FilesystemFailure: FileFailure {
    let errno: Errno
    let error: ConnectError

    /// - Parameter errno: what the operation failed with, 0 if with nothing of the kernel's.
    init(_ code: ConnectError.Code, _ message: String, _ errno: Errno = Errno(rawValue: 0)) {
        self.errno = errno
        self.error = ConnectError(code, message, cause: errno)
    }

    init(_ errno: Errno) {
        self.errno = errno
        self.error = ConnectError("cannot act as the user", errno)
    }

    /// That a directory could not be had.
    init(directory failure: DirectoryFailure) {
        self.init(Self.code(of: failure.errno), failure.message, failure.errno)
    }

    /// That the entry at `path` could not be described.
    static func entry(_ path: String, _ errno: Errno) -> FilesystemFailure {
        guard errno == .noSuchFileOrDirectory else {
            return .unexpected("error getting file info: lstat \(path)", errno)
        }
        return FilesystemFailure(
            .notFound, "file not found: lstat \(path): \(errno.lowercasedDescription)", errno)
    }

    /// The failure of a call that the reference reports as internal, whatever it was. It cannot be denied anything,
    /// as it is root; what is denied here is reported as that.
    ///
    /// - Parameter words: what was tried; the errno's text follows.
    static func unexpected(_ words: String, _ errno: Errno) -> FilesystemFailure {
        FilesystemFailure(Self.code(of: errno), "\(words): \(errno.lowercasedDescription)", errno)
    }

    private static func code(of errno: Errno) -> ConnectError.Code {
        errno == .permissionDenied || errno == .notPermitted ? .permissionDenied : .internalError
    }
}
