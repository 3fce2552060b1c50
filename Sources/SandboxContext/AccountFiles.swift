internal import Glibc

/// One version of the account files: whoever has seen this one need not look again.
struct AccountFiles: Equatable {
    /// One version of a file.
    private struct FileVersion: Equatable {
        var node: UInt64 = 0
        var size: Int = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0

        init(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            self.node = UInt64(status.st_ino)
            self.size = Int(status.st_size)
            self.seconds = status.st_mtim.tv_sec
            self.nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private var accounts: FileVersion
    private var groups: FileVersion

    /// The version that is there now.
    static var current: AccountFiles {
        AccountFiles(accounts: FileVersion("/etc/passwd"), groups: FileVersion("/etc/group"))
    }
}
