import LinuxSystem
package import SystemPackage

/// Why a directory could not be had.
package struct DirectoryFailure: FileFailure {
    package let errno: Errno
    /// For clients: what was tried on which path, and the errno's text.
    package let message: String

    package init(_ errno: Errno) {
        self.init(errno, "failed to act as the user: \(errno.lowercasedDescription)")
    }

    init(_ errno: Errno, _ message: String) {
        self.errno = errno
        self.message = message
    }
}
