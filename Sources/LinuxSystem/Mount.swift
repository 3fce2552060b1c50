internal import Glibc
package import SystemPackage

/// Mounts of file systems.
///
/// - SeeAlso: mount(2), umount2(2).
package enum Mount {
    /// Mounts a file system whose writes are done when they return.
    ///
    /// - Parameter data: options of the file system's own.
    package static func synchronous(
        _ source: String, at path: String, type: String, data: String
    ) throws(Errno) {
        let flags = UInt(MS_SYNCHRONOUS)
        guard mount(source, path, type, flags, data) == 0 else { throw Errno.current }
    }

    /// Removes the topmost mount at `path`, though it is busy.
    ///
    /// - Parameter isLazy: it vanishes from the tree now, and ends when nobody uses it any more.
    package static func remove(_ path: String, isLazy: Bool) throws(Errno) {
        let flags = isLazy ? MNT_DETACH : MNT_FORCE
        guard umount2(path, CInt(flags)) == 0 else { throw Errno.current }
    }

    /// Whether something is mounted at exactly this path, which is absolute and clean.
    ///
    /// - SeeAlso: proc_pid_mountinfo(5).
    package static func exists(at path: String) throws(Errno) -> Bool {
        let mounts = try KernelText.read("/proc/self/mountinfo")
        return mounts.parts(between: "\n").contains { line in
            let fields = line.parts(between: " ", most: 5)
            return fields.count > 4 && MountInfo.unescaped(fields[4]).hasBytes(of: path)
        }
    }

    /// Makes the directory of a mount, and those above it.
    package static func makeDirectory(_ path: String) throws(Errno) {
        var made = ""
        for part in path.parts(between: "/") {
            made += "/\(part)"
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw Errno.current }
        }
    }
}
