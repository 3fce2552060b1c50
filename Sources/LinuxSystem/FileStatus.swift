internal import CLinuxSystem
internal import Glibc

/// What the kernel says of a file, directory, link or other entry.
///
/// - SeeAlso: statx(2), inode(7).
package struct FileStatus: Sendable {
    package enum Kind: Sendable, Hashable {
        case regular, directory, symbolicLink, blockDevice, characterDevice, fifo, socket
        /// What later kernels may have.
        case unknown
    }

    /// Identifies a file on this machine for as long as it exists.
    package struct Identity: Sendable, Hashable {
        package var device: UInt64
        package var inode: UInt64
    }

    /// The type, set-ID, sticky and permission bits.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// How many names it has.
    package var links: UInt32
    /// In bytes. Of the files in /proc and /sys it tells nothing.
    package var size: Int64
    package var modifiedSeconds: Int64
    package var modifiedNanoseconds: UInt32
    /// When contents, names, owner or mode last changed.
    package var changed: FileTime
    package var identity: Identity
    /// Of a device: its numbers.
    let node: (major: UInt32, minor: UInt32)
    /// Whether a file system is mounted here. Always false before Linux 5.8.
    package var isMountRoot: Bool

    init(_ status: clinux_file_status) {
        self.mode = status.mode
        self.uid = status.uid
        self.gid = status.gid
        self.links = status.links
        self.size = Int64(clamping: status.size)
        self.modifiedSeconds = status.modified_seconds
        self.modifiedNanoseconds = status.modified_nanoseconds
        self.changed = FileTime(
            seconds: status.changed_seconds, nanoseconds: Int64(status.changed_nanoseconds))
        self.identity = Identity(
            device: UInt64(status.device_major) << 32 | UInt64(status.device_minor), inode: status.inode)
        self.node = (status.node_major, status.node_minor)
        self.isMountRoot = status.is_mount_root
    }

    /// When the contents last changed.
    package var modified: FileTime {
        FileTime(seconds: self.modifiedSeconds, nanoseconds: Int64(self.modifiedNanoseconds))
    }

    package var kind: Kind {
        switch self.mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .symbolicLink
        case S_IFBLK: .blockDevice
        case S_IFCHR: .characterDevice
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        default: .unknown
        }
    }

    /// `rwxrwxrwx` as a number.
    package var permissions: UInt32 { self.mode & 0o777 }
    package var isSetUserID: Bool { self.mode & S_ISUID != 0 }
    package var isSetGroupID: Bool { self.mode & S_ISGID != 0 }
    package var isSticky: Bool { self.mode & S_ISVTX != 0 }
}
