import Glibc
package import SystemPackage

/// What a process, or all in a cgroup, has used and holds.
package struct ProcessUse: Sendable, Equatable {
    /// On processors, since its start.
    package var microseconds: UInt64
    /// Resident, or charged to the cgroup.
    package var memoryBytes: UInt64

    /// Of one process.
    ///
    /// - Throws: `Errno`: `noSuchFileOrDirectory` if it has ended.
    /// - SeeAlso: proc_pid_stat(5).
    package init(of processID: Int32) throws(Errno) {
        let text = try KernelText.read("/proc/\(processID)/stat")
        // The second field is a name in parentheses, which may have anything in it.
        guard let end = text.utf8.lastIndex(of: UInt8(ascii: ")")) else { throw .invalidArgument }
        let fields = text.utf8[end...].dropFirst().split(separator: UInt8(ascii: " "))
        guard fields.count > 21, let user = UInt64(Substring(fields[11])),
            let system = UInt64(Substring(fields[12])), let pages = UInt64(Substring(fields[21]))
        else { throw .invalidArgument }
        let ticks = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
        self.microseconds = (user &+ system) &* 1_000_000 / ticks
        self.memoryBytes = pages &* UInt64(max(1, sysconf(CInt(_SC_PAGESIZE))))
    }

    /// Of all in a cgroup and below it; what its controllers do not count is 0.
    package init(of cgroup: Cgroup) {
        self.microseconds = UInt64(max(0, cgroup.value(of: "usage_usec", in: "cpu.stat") ?? 0))
        let memory = try? cgroup.read("memory.current").split(separator: "\n").first
        self.memoryBytes = memory.flatMap { UInt64($0) } ?? 0
    }

    /// Descriptors that this process has open.
    package static var openDescriptors: Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not the directory itself, and not "." and "..".
        return max(0, count - 3)
    }
}
