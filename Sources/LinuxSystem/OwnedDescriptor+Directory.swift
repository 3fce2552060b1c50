internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// Calls on the entries of a directory. `name` is one entry of it, or a path below it; an absolute path is what it is,
/// and the directory is not looked at.
///
/// The directory may have been opened with ``OpenFlags/pathOnly``, unless its entries are read.
extension OwnedDescriptor {
    /// Opens `path`, from the daemon's working directory if it is relative.
    ///
    /// - SeeAlso: open(2).
    package static func open(
        _ path: RawPath, _ flags: OpenFlags, mode: UInt32 = 0, resolve: ResolveFlags = []
    ) throws(Errno) -> OwnedDescriptor {
        try Self.open(in: AT_FDCWD, path, flags, mode: mode, resolve: resolve)
    }

    /// Opens an entry.
    ///
    /// - Parameter mode: Permissions of a file that is created, before the umask.
    /// - SeeAlso: openat(2), openat2(2).
    package func open(
        _ name: RawPath, _ flags: OpenFlags, mode: UInt32 = 0, resolve: ResolveFlags = []
    ) throws(Errno) -> OwnedDescriptor {
        try Self.open(in: self.rawValue, name, flags, mode: mode, resolve: resolve)
    }

    /// Opens an entry of the directory that has the descriptor `directory`.
    package static func open(
        in directory: CInt, _ name: RawPath, _ flags: OpenFlags, mode: UInt32, resolve: ResolveFlags
    ) throws(Errno) -> OwnedDescriptor {
        let flags = flags.rawValue | O_CLOEXEC
        return OwnedDescriptor(
            taking: try retryingInterrupts {
                name.withCString { name in
                    guard !resolve.isEmpty else { return openat(directory, name, flags, mode) }
                    // openat2 refuses a mode that would not be used.
                    let mode = flags & (O_CREAT | OpenFlags.temporary.rawValue & ~O_DIRECTORY) != 0 ? mode : 0
                    let result = clinux_openat2(
                        directory, name, UInt64(flags), UInt64(mode), resolve.rawValue)
                    if result < 0 { errno = -result }
                    return result
                }
            })
    }

    /// What an entry is, and with an empty name the file itself. A link is not followed.
    ///
    /// - SeeAlso: statx(2).
    package func status(of name: RawPath = .empty) throws(Errno) -> FileStatus {
        var status = clinux_file_status()
        try Errno.check(
            name.withCString {
                clinux_file_status(self.rawValue, $0, AT_SYMLINK_NOFOLLOW, &status)
            })
        return FileStatus(status)
    }

    /// Where the link `name` leads; with an empty name the descriptor is the link's, opened with
    /// ``OpenFlags/pathOnly`` and ``OpenFlags/noFollow``.
    ///
    /// - SeeAlso: readlinkat(2).
    package func linkTarget(of name: RawPath = .empty) throws(Errno) -> RawPath {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { buffer throws(Errno) in
            let count = try retryingInterrupts {
                name.withCString { name in
                    buffer.withMemoryRebound(to: CChar.self) { chars in
                        // The allocation is not empty, so that it has an address.
                        readlinkat(self.rawValue, name, chars.baseAddress.unsafelyUnwrapped, chars.count)
                    }
                }
            }
            return try RawPath(buffer.prefix(count))
        }
    }

    /// - Parameter mode: Permissions, before the umask.
    /// - SeeAlso: mkdirat(2).
    package func makeDirectory(_ name: RawPath, mode: UInt32) throws(Errno) {
        _ = try retryingInterrupts { name.withCString { mkdirat(self.rawValue, $0, mode) } }
    }

    /// - SeeAlso: symlinkat(2).
    package func makeLink(_ name: RawPath, to target: RawPath) throws(Errno) {
        _ = try retryingInterrupts {
            name.withCString { name in target.withCString { symlinkat($0, self.rawValue, name) } }
        }
    }

    /// Makes a device, FIFO or socket like one that exists.
    ///
    /// - SeeAlso: mknodat(2).
    package func makeNode(_ name: RawPath, like status: FileStatus) throws(Errno) {
        try Errno.check(
            name.withCString {
                clinux_make_node(self.rawValue, $0, status.mode, status.node.major, status.node.minor)
            })
    }

    /// Gives the entry `old` of this directory another name in `directory`. A link is not followed.
    ///
    /// - SeeAlso: linkat(2).
    package func makeName(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, of old: RawPath
    ) throws(Errno) {
        let from = self.rawValue
        let destination = directory.rawValue
        _ = try retryingInterrupts {
            name.withCString { name in old.withCString { linkat(from, $0, destination, name, 0) } }
        }
    }

    /// Removes an entry that is not a directory.
    ///
    /// - SeeAlso: unlinkat(2).
    package func remove(_ name: RawPath) throws(Errno) {
        _ = try retryingInterrupts { name.withCString { unlinkat(self.rawValue, $0, 0) } }
    }

    /// Removes an empty directory.
    ///
    /// - SeeAlso: unlinkat(2), `AT_REMOVEDIR`.
    package func removeDirectory(_ name: RawPath) throws(Errno) {
        _ = try retryingInterrupts { name.withCString { unlinkat(self.rawValue, $0, AT_REMOVEDIR) } }
    }

    /// Gives an entry another name, in this directory or in another one on the same file system.
    ///
    /// - SeeAlso: renameat2(2).
    package func rename(
        _ name: RawPath, to directory: borrowing OwnedDescriptor, _ newName: RawPath,
        _ mode: RenameMode = .replace
    ) throws(Errno) {
        let from = self.rawValue
        let destination = directory.rawValue
        try Errno.check(
            name.withCString { name in
                newName.withCString {
                    clinux_rename(from, name, destination, $0, mode.rawValue)
                }
            })
    }

    /// Changes the owner and the group of an entry, and with an empty name of the file itself. A link is not
    /// followed; nil keeps what is.
    ///
    /// - SeeAlso: fchownat(2).
    package func setOwner(of name: RawPath = .empty, uid: UInt32?, gid: UInt32?) throws(Errno) {
        let flags = AT_SYMLINK_NOFOLLOW | Self.emptyPath
        _ = try retryingInterrupts {
            name.withCString {
                fchownat(self.rawValue, $0, uid ?? UInt32.max, gid ?? UInt32.max, flags)
            }
        }
    }

    /// `AT_EMPTY_PATH`, which glibc hides from strict compilers; linux/fcntl.h.
    private static let emptyPath: CInt = 0x1000

    /// Fills `buffer` with the next entries of a directory that is open for reading.
    ///
    /// - Returns: the bytes written, to be read by ``DirectoryEntries``; 0 at the end.
    /// - SeeAlso: getdents(2).
    package func readDirectory(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        let result = clinux_read_directory(self.rawValue, buffer.baseAddress, buffer.count)
        guard result >= 0 else { throw Errno(rawValue: CInt(-result)) }
        return result
    }
}
