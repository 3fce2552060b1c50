internal import Glibc
import Synchronization
package import SystemPackage

/// A directory of a cgroup v2 hierarchy.
///
/// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst of the kernel.
package final class Cgroup: Sendable {
    /// Where it is in the file system.
    package let path: String
    private let descriptor: Mutex<OwnedDescriptor?>

    private init(path: String, descriptor: consuming OwnedDescriptor) {
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    /// The open directory, for starting children in it; nil after ``close()``.
    package var rawDescriptor: CInt? {
        self.descriptor.withLock { descriptor in
            switch descriptor {
            case .some(let descriptor): descriptor.rawValue
            case .none: nil
            }
        }
    }

    /// Closes the directory, when no more children are started in it. Everything else still works.
    package func close() {
        self.descriptor.withLock { $0 = nil }
    }

    /// Opens the mount of a cgroup v2 hierarchy, or a directory in one.
    ///
    /// - Throws: `Errno`: `notSupported` if `path` is not in a cgroup v2 hierarchy.
    package convenience init(opening path: String) throws(Errno) {
        let descriptor = try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        // Every directory of a v2 hierarchy has this file, and none of a v1 hierarchy.
        guard access("\(path)/cgroup.controllers", F_OK) == 0 else { throw .notSupported }
        self.init(path: path, descriptor: descriptor)
    }

    /// The child `name`, made if it does not exist.
    package func child(named name: String) throws(Errno) -> Cgroup {
        let path = "\(self.path)/\(name)"
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        return Cgroup(
            path: path, descriptor: try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Writes an interface file; it is never created.
    ///
    /// - Throws: `Errno`: `noSuchFileOrDirectory` if the controller is not enabled here.
    package func write(_ value: String, to file: String) throws(Errno) {
        try CgroupFile.write(value, to: FilePath("\(self.path)/\(file)"))
    }

    /// What an interface file says.
    package func read(_ file: String) throws(Errno) -> String {
        try CgroupFile.read(FilePath("\(self.path)/\(file)"))
    }

    /// The number behind `key` in a file of lines `key number`; nil if the file or the key is missing.
    package func value(of key: String, in file: String) -> Int64? {
        (try? CgroupFile.value(of: key, in: FilePath("\(self.path)/\(file)"))) ?? nil
    }

    /// The child `name`, which must not exist.
    package func makeChild(named name: String) throws(Errno) -> Cgroup {
        let path = "\(self.path)/\(name)"
        guard mkdir(path, 0o755) == 0 else { throw Errno(rawValue: errno) }
        return Cgroup(
            path: path, descriptor: try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Looks for processes that have been forked meanwhile: as often as processes may fork on at most.
    private static let signalRounds = 16
    /// Groups whose processes are signaled at most.
    private static let signaledGroups = 10_000

    /// Signals every process in it and below it, also those that are forked meanwhile; SIGKILL also those that are
    /// frozen.
    package func signal(_ signal: Int32) throws(Errno) {
        if signal == SIGKILL {
            do {
                try self.write("1", to: "cgroup.kill")
                return
            } catch  where error == .noSuchFileOrDirectory {
                // FIXME: drop when 5.14 is gone: cgroup.kill came with it.
            }
        }
        let tree = try CgroupTree(at: self.path)
        var signaled: Set<Int32> = []
        for _ in 0..<Self.signalRounds {
            let before = signaled.count
            _ = tree.walk(limit: Self.signaledGroups) { group throws(Errno) in
                for processID in try tree.processes(of: group)
                where processID > 1 && signaled.insert(processID).inserted {
                    _ = Glibc.kill(processID, signal)
                }
            }
            guard signaled.count > before else { return }
        }
    }

    /// Stops or continues every process in it and below it. The kernel gets there by itself: `cgroup.events` says
    /// when.
    package func setFrozen(_ isFrozen: Bool) throws(Errno) {
        try self.write(isFrozen ? "1" : "0", to: "cgroup.freeze")
    }

    /// Removes the directory.
    ///
    /// - Throws: `Errno`: `resourceBusy` if there are processes or children in it.
    package func remove() throws(Errno) {
        guard rmdir(self.path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }
}
