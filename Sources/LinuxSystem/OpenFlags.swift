internal import Glibc

/// How a file is opened. Close-on-exec is not among the flags: every descriptor is.
///
/// - SeeAlso: open(2).
package struct OpenFlags: OptionSet, Sendable, Hashable {
    package let rawValue: CInt

    package init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    package static let readOnly: OpenFlags = []
    package static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    package static let readWrite = OpenFlags(rawValue: O_RDWR)
    package static let create = OpenFlags(rawValue: O_CREAT)
    /// With ``create``: the file must not exist.
    package static let exclusive = OpenFlags(rawValue: O_EXCL)
    package static let truncate = OpenFlags(rawValue: O_TRUNC)
    package static let append = OpenFlags(rawValue: O_APPEND)
    /// Only a directory.
    package static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// Not what a link at the end of the path leads to: the link itself with ``pathOnly``, else an error.
    package static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    /// Opening a FIFO or a device does not wait.
    package static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    package static let noControllingTerminal = OpenFlags(rawValue: O_NOCTTY)
    /// A place in the file system: the file is neither opened nor has anyone to be allowed to. `O_PATH`, which glibc
    /// hides from strict compilers; asm-generic/fcntl.h.
    package static let pathOnly = OpenFlags(rawValue: 0o10_000_000)
    /// A file without a name in the directory that the path names: `O_TMPFILE`, as above.
    package static let temporary = OpenFlags(rawValue: 0o20_000_000 | O_DIRECTORY)
}
