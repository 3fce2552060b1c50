internal import Glibc
import SystemPackage

/// Which processes have sockets open.
package enum SocketOwners {
    /// A process.
    package struct Owner: Sendable, Equatable {
        package var processID: Int32
        /// What the kernel calls it: the first 15 bytes of its program's name.
        package var name: String
    }

    /// Descriptors that are looked at, at most.
    private static let limit = 1 << 20

    /// The first process that has each of `inodes` open, of those that may be looked at. Reads the whole of /proc.
    ///
    /// - SeeAlso: proc_pid_fd(5).
    package static func find(_ inodes: Set<UInt32>) -> [UInt32: Owner] {
        var owners: [UInt32: Owner] = [:]
        var looked = 0
        guard !inodes.isEmpty, let processes = try? Self.numbers(in: "/proc") else { return owners }
        for processID in processes.sorted() {
            guard let descriptors = try? Self.numbers(in: "/proc/\(processID)/fd") else { continue }
            for descriptor in descriptors {
                looked += 1
                guard looked < Self.limit, owners.count < inodes.count else { return owners }
                guard let inode = Self.socket("/proc/\(processID)/fd/\(descriptor)"), inodes.contains(inode),
                    owners[inode] == nil
                else { continue }
                let name = (try? KernelText.read("/proc/\(processID)/comm")) ?? ""
                owners[inode] = Owner(processID: processID, name: name.filter { $0 != "\n" })
            }
        }
        return owners
    }

    /// Those of `inodes` that this process has open.
    package static func own(among inodes: Set<UInt32>) -> Set<UInt32> {
        guard !inodes.isEmpty, let descriptors = try? Self.numbers(in: "/proc/self/fd") else { return [] }
        return Set(descriptors.compactMap { Self.socket("/proc/self/fd/\($0)") }).intersection(inodes)
    }

    /// The entries of a directory whose names are numbers.
    private static func numbers(in path: String) throws(Errno) -> [Int32] {
        try DirectoryNames.read(path).compactMap { Int32($0) }
    }

    /// The inode of the socket that a link `socket:[123]` names.
    private static func socket(_ path: String) -> UInt32? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let target = buffer.baseAddress else { return nil }
            let count = readlink(path, target, buffer.count)
            let prefix = Array("socket:[".utf8CString.dropLast())
            guard count > prefix.count, buffer.starts(with: prefix) else { return nil }
            let digits = buffer[prefix.count..<count].prefix { $0 != CChar(bitPattern: UInt8(ascii: "]")) }
            return UInt32(String(decoding: digits.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
    }
}
