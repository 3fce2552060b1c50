import LinuxSystem
import SystemPackage

/// Groups that were asked to freeze and are watched until all their processes stand still.
struct SettlingGroups: Sendable {
    private(set) var pending: [FilePath]
    private(set) var frozen = 0
    private(set) var failures: [(group: FilePath, error: Errno)] = []

    init(_ groups: [FilePath]) {
        self.pending = groups
    }

    /// Looks at each that has not settled.
    mutating func look(in tree: CgroupTree) {
        var pending: [FilePath] = []
        for group in self.pending {
            do throws(Errno) {
                if try tree.isFrozen(group) { self.frozen += 1 } else { pending.append(group) }
            } catch {
                self.failures.append((group, error))
            }
        }
        self.pending = pending
    }
}
