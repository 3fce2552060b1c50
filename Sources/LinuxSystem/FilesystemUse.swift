import Glibc
package import SystemPackage

/// How full a file system is, in bytes.
package struct FilesystemUse: Sendable, Equatable {
    package var total: UInt64
    /// What ordinary users cannot have.
    package var used: UInt64

    /// Asks about the file system that `path` is on.
    ///
    /// - SeeAlso: statvfs(3).
    package init(of path: String) throws(Errno) {
        var status = Glibc.statvfs()
        _ = try retryingInterrupts { statvfs(path, &status) }
        let block = UInt64(status.f_bsize)
        self.total = UInt64(status.f_blocks) &* block
        self.used = self.total &- UInt64(status.f_bavail) &* block
    }
}
