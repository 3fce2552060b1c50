import Glibc
import Testing

/// What some tests need of the machine.
enum Requirement {
    /// Changing credentials, limits and priorities.
    static let root = ConditionTrait.enabled("needs root") { geteuid() == 0 }

    /// A cgroup v2 hierarchy in which groups can be made.
    static let cgroups = ConditionTrait.enabled("needs a writable cgroup v2 hierarchy") { Cgroup.root != nil }

    /// Core files written by the kernel itself.
    static let coreFiles = ConditionTrait.enabled("needs a core pattern that is a file name") {
        let pattern = try FinishedChild.run(script: "cat /proc/sys/kernel/core_pattern").output
        return !pattern.isEmpty && !pattern.hasPrefix("|") && !pattern.hasPrefix("/")
    }
}
