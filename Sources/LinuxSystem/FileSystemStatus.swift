internal import CLinuxSystem

/// What kind of file system a file is on, and how much room that has.
///
/// - SeeAlso: statfs(2).
package struct FileSystemStatus: Sendable, Hashable {
    /// A magic number of the kernel, as `NFS_SUPER_MAGIC`; linux/magic.h.
    package var type: Int64
    package var totalBytes: UInt64
    /// What users without privileges may still take.
    package var availableBytes: UInt64
    /// Inodes; 0 together with ``freeFiles`` where they are not limited.
    package var files: UInt64
    package var freeFiles: UInt64

    init(_ status: clinux_file_system_status) {
        self.type = status.type
        self.totalBytes = status.blocks.multipliedReportingOverflow(by: status.block_size).partialValue
        self.availableBytes =
            status.available_blocks.multipliedReportingOverflow(by: status.block_size).partialValue
        self.files = status.files
        self.freeFiles = status.free_files
    }
}
