internal import Glibc
package import SystemPackage

/// A directory of a cgroup v2 hierarchy, held open.
///
/// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst of the kernel.
package final class Cgroup: Sendable {
    /// Bytes of an interface file that are read.
    private static let fileLimit = 16 << 10

    /// Where it is in the file system.
    package let path: String
    /// The directory, for starting children in it.
    package let descriptor: OwnedDescriptor

    private init(path: String, descriptor: consuming OwnedDescriptor) {
        self.path = path
        self.descriptor = descriptor
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
        let descriptor = try OwnedDescriptor.open("\(self.path)/\(file)", flags: O_WRONLY)
        let bytes = Array(value.utf8)
        let written = bytes.withUnsafeBytes { buffer in
            Glibc.write(descriptor.rawValue, buffer.baseAddress, buffer.count)
        }
        if written < 0 { throw Errno(rawValue: errno) }
    }

    /// What an interface file says.
    package func read(_ file: String) throws(Errno) -> String {
        let descriptor = try OwnedDescriptor.open("\(self.path)/\(file)", flags: O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: Self.fileLimit)
        let count = bytes.withUnsafeMutableBytes { buffer in
            Glibc.read(descriptor.rawValue, buffer.baseAddress, buffer.count)
        }
        if count < 0 { throw Errno(rawValue: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The number behind `key` in a file of lines `key number`; nil if the file or the key is missing.
    package func value(of key: String, in file: String) -> Int64? {
        guard let text = try? self.read(file) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == key { return Int64(parts[1]) }
        }
        return nil
    }

    /// Kills every process in it and below it, also those that are being forked and those that are frozen.
    ///
    /// - Throws: `Errno`: `noSuchFileOrDirectory` before Linux 5.14.
    package func kill() throws(Errno) {
        try self.write("1", to: "cgroup.kill")
    }

    /// Signals every process in it and below it. A process that is forked meanwhile may be missed.
    package func signal(_ signal: Int32) throws(Errno) {
        for line in try self.read("cgroup.procs").split(separator: "\n") {
            if let processID = Int32(line), processID > 1 { _ = Glibc.kill(processID, signal) }
        }
    }

    /// Stops or continues every process in it and below it. The kernel gets there by itself: `cgroup.events` says
    /// when.
    package func setFrozen(_ isFrozen: Bool) throws(Errno) {
        try self.write(isFrozen ? "1" : "0", to: "cgroup.freeze")
    }

    /// Whether a process is in it or below it.
    package var isPopulated: Bool { self.value(of: "populated", in: "cgroup.events") != 0 }

    /// Removes the directory.
    ///
    /// - Throws: `Errno`: `resourceBusy` if there are processes or children in it.
    package func remove() throws(Errno) {
        guard rmdir(self.path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }
}
