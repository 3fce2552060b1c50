internal import Glibc
package import LinuxSystem
import Synchronization
package import SystemPackage

/// The cgroups of commands: one below `user` or `ptys` for each, so that all that a command starts can be found,
/// stopped and limited, whatever it does to its session and parents.
package final class CommandCgroups: Sendable {
    /// Where a command's cgroup is made.
    package enum Class: String, Sendable, CaseIterable {
        case user
        case ptys

        /// Files and values; those whose controller is not enabled are skipped.
        fileprivate func properties(memoryBytes: Int64) -> [(file: String, value: String)] {
            let memory = [("memory.high", String(memoryBytes)), ("memory.max", String(memoryBytes))]
            return switch self {
            case .user: [("cpu.weight", "50"), ("io.weight", "default 10")] + memory
            case .ptys: [("cpu.weight", "200"), ("io.weight", "default 50")] + memory
            }
        }
    }

    /// What a command and all that it starts may take.
    package struct Limits: Sendable, Equatable {
        package var memoryBytes: UInt64 = 0
        package var processes: UInt64 = 0
        /// Thousandths of a processor.
        package var cpuMillis: UInt64 = 0

        package init() {}

        package var isEmpty: Bool { self == Limits() }
    }

    /// Of a command's limits.
    private static let controllers = ["memory", "pids", "cpu"]
    /// Microseconds over which processor time is counted.
    private static let cpuPeriod: UInt64 = 100_000
    /// More than there can be, of what the kernel takes: `PID_MAX_LIMIT`, and a million processors.
    private static let mostProcesses: UInt64 = 1 << 22
    private static let mostCPUMillis: UInt64 = 1_000_000_000
    /// Bytes of memory that commands leave to the rest of the machine at most.
    private static let reservedBytes: Int64 = 128 << 20

    /// The names of commands' cgroups are this, the daemon's process ID, a hyphen and a number.
    private static let prefix = "envd-"

    private let classes: [Class: Cgroup]
    /// How many cgroups have been made: each has its number in its name.
    private let count = Atomic<Int>(0)
    /// Those whose command has ended and left something running.
    private let lingering = Mutex<[Cgroup]>([])

    /// Makes the classes' cgroups below `root`.
    ///
    /// - Parameter unavailable: told of properties that cannot be set because their controller is not enabled.
    /// - Throws: `Errno` if `root` is not a cgroup v2 hierarchy or cannot be written.
    package init(root path: String, unavailable: (_ property: String, _ directory: String) -> Void)
        throws(Errno)
    {
        let root = try Cgroup(opening: path)
        // Where nobody has done it before, such as a daemon that is the machine's first process. Only at the hierarchy's
        // root, which has no type: a group with processes would become threaded, and those below it of no use.
        let isRoot = (try? root.read("cgroup.type")) == nil
        for controller in isRoot ? Self.controllers + ["io"] : [] {
            try? root.write("+\(controller)", to: "cgroup.subtree_control")
        }
        let memory = Self.memoryBytes
        var classes: [Class: Cgroup] = [:]
        for kind in Class.allCases {
            let cgroup = try root.child(named: kind.rawValue)
            for (file, value) in kind.properties(memoryBytes: memory) {
                do {
                    try cgroup.write(value, to: file)
                } catch  where error == .noSuchFileOrDirectory || error == .permissionDenied {
                    unavailable(file, cgroup.path)
                }
            }
            for controller in Self.controllers {
                // What is not available here limits nothing: a request for it is refused.
                try? cgroup.write("+\(controller)", to: "cgroup.subtree_control")
            }
            Self.removeAbandoned(in: cgroup)
            classes[kind] = cgroup
        }
        self.classes = classes
    }

    /// Removes the empty cgroups of daemons that run no more.
    private static func removeAbandoned(in cgroup: Cgroup) {
        guard let names = try? DirectoryNames.read(cgroup.path) else { return }
        for name in names {
            let numbers = name.without(prefix: self.prefix)?.split(separator: "-") ?? []
            guard numbers.count == 2, let processID = Int32(numbers[0]),
                processID == getpid() || !exists(processID: processID)
            else { continue }
            // What one of its commands has left running keeps it.
            rmdir("\(cgroup.path)/\(name)")
        }
    }

    /// The cgroup that those of all commands of a class are in.
    package func cgroup(of kind: Class) -> Cgroup? { self.classes[kind] }

    /// Makes the cgroup of one command.
    ///
    /// - Throws: `Errno`: `notSupported` for a limit whose controller is not available.
    package func make(in kind: Class, _ limits: Limits = Limits()) throws(Errno) -> Cgroup {
        guard let parent = self.classes[kind] else { throw .noSuchFileOrDirectory }
        let cgroup = try self.makeNext(in: parent)
        do {
            try Self.apply(limits, to: cgroup)
        } catch {
            try? cgroup.remove()
            throw error == .noSuchFileOrDirectory ? .notSupported : error
        }
        return cgroup
    }

    private func makeNext(in parent: Cgroup) throws(Errno) -> Cgroup {
        while true {
            let number = self.count.wrappingAdd(1, ordering: .relaxed).newValue
            do {
                return try parent.makeChild(named: "\(Self.prefix)\(getpid())-\(number)")
            } catch  where error == .fileExists {
                // Of an earlier daemon with this process ID, whose command has left something running.
            }
        }
    }

    /// Takes back the cgroup of a command that has ended, to be removed: now, or when what is left running in it has
    /// ended.
    package func takeBack(_ cgroup: Cgroup) {
        guard !Self.remove(cgroup) else { return }
        self.lingering.withLock { $0.append(cgroup) }
    }

    /// Removes those that were taken back and are empty by now. To be called when a process has ended that nobody
    /// waits for.
    package func removeEmpty() {
        self.lingering.withLock { $0.removeAll(where: Self.remove) }
    }

    /// Whether nothing remains to be done.
    private static func remove(_ cgroup: Cgroup) -> Bool {
        do throws(Errno) {
            try cgroup.remove()
            return true
        } catch {
            return error != .resourceBusy
        }
    }

    private static func apply(_ limits: Limits, to cgroup: Cgroup) throws(Errno) {
        if limits.memoryBytes > 0 {
            try cgroup.write(String(limits.memoryBytes), to: "memory.max")
            // Else what is swapped out would not count.
            try? cgroup.write("0", to: "memory.swap.max")
            try? cgroup.write("1", to: "memory.oom.group")
        }
        if limits.processes > 0 {
            try cgroup.write(String(min(limits.processes, Self.mostProcesses)), to: "pids.max")
        }
        if limits.cpuMillis > 0 {
            let quota = max(1000, min(limits.cpuMillis, Self.mostCPUMillis) * (Self.cpuPeriod / 1000))
            try cgroup.write("\(quota) \(Self.cpuPeriod)", to: "cpu.max")
        }
    }

    /// Memory for each class: all but an eighth of the machine's, which is at most ``reservedBytes``.
    private static var memoryBytes: Int64 {
        let total = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        return total - min(total / 8, Self.reservedBytes)
    }
}
