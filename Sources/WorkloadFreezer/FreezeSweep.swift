import LinuxSystem
import SystemPackage

/// One freeze's way through the groups: what it asked the kernel to freeze, and what it met.
struct FreezeSweep: Sendable {
    /// The groups that were written to.
    private(set) var requested: [FilePath] = []
    private(set) var failed = 0
    private(set) var allowlisted = 0
    private(set) var visited = 0
    private(set) var isTruncated = false
    /// Groups that somebody froze between the scan and the sweep.
    private(set) var adopted: Set<FilePath> = []
    private(set) var failures: [(group: FilePath, error: Errno)] = []

    /// Freezes the groups of commands.
    init(_ tree: CgroupTree) {
        for group in FreezerScope.commandGroups { self.freeze(group, tree) }
    }

    /// Freezes all other groups that `scope` has.
    ///
    /// - Parameters:
    ///   - limit: groups that are looked at.
    ///   - guest: what somebody else froze.
    ///   - adoptsLate: whether `guest` is fresh, so that whatever else is frozen was frozen since.
    mutating func freezeRest(
        of tree: CgroupTree, _ scope: FreezerScope, limit: Int, guest: Set<FilePath>, adoptsLate: Bool
    ) {
        for parent in scope.descended {
            let children: [FilePath]
            do throws(Errno) {
                children = try tree.children(of: parent)
            } catch {
                if error != .noSuchFileOrDirectory { self.fail(parent, error) }
                continue
            }
            for child in children {
                guard self.visited < limit else {
                    self.isTruncated = true
                    return
                }
                self.visited += 1
                if scope.descends(into: child) || FreezerScope.commandGroups.contains(child) { continue }
                if FreezerScope.isAllowlisted(child) {
                    self.allowlisted += 1
                } else if guest.contains(child) {
                    continue
                } else if adoptsLate, (try? tree.isFreezeRequested(child)) == true {
                    self.adopted.insert(child)
                } else {
                    self.freeze(child, tree)
                }
            }
        }
    }

    private mutating func freeze(_ group: FilePath, _ tree: CgroupTree) {
        do throws(Errno) {
            try tree.requestFreeze(true, group)
            self.requested.append(group)
        } catch {
            self.fail(group, error)
        }
    }

    private mutating func fail(_ group: FilePath, _ error: Errno) {
        self.failed += 1
        self.failures.append((group, error))
    }
}
