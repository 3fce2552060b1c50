package import SystemPackage

/// What a file operation fails with: an errno, and whatever else those who report it need.
package protocol FileFailure: Error {
    var errno: Errno { get }
    /// A failure around the operation and not in it.
    init(_ errno: Errno)
}

extension Errno: FileFailure {
    package var errno: Errno { self }

    package init(_ errno: Errno) {
        self = errno
    }
}
