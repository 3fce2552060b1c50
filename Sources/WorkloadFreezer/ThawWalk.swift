import LinuxSystem
import SystemPackage

/// One thaw's way through the groups.
struct ThawWalk: Sendable {
    private(set) var thawed = 0
    /// Groups that stay frozen because somebody in the sandbox froze them.
    private(set) var preserved = 0
    /// What went wrong, a line each.
    private(set) var problems: [String] = []

    /// Thaws nothing: there are no cgroups.
    init() {}

    /// Thaws the groups of commands, and if a freeze of ours is in effect everything that stands still because of
    /// it, wherever it is.
    ///
    /// - Parameters:
    ///   - scope: nil if the daemon's own group is not known.
    ///   - guest: what somebody else froze.
    ///   - limit: groups that are visited at most.
    init(
        _ tree: CgroupTree, _ scope: FreezerScope?, guest: Set<FilePath>, isFreezeActive: Bool, limit: Int
    ) {
        // Before anything is touched: afterwards nothing would look frozen.
        let isInEffect = isFreezeActive || Self.isAnyFrozen(FreezerScope.commandGroups, tree)
        for group in FreezerScope.commandGroups {
            do throws(Errno) {
                try tree.requestFreeze(false, group)
            } catch {
                if !CgroupTree.isGone(error) { self.fail(group, error) }
            }
        }
        guard isInEffect else { return }
        let chain = scope?.ownChain ?? [FilePath()]
        var thawed = 0
        var preserved = 0
        let walk = tree.walk(limit: limit) { group throws(Errno) in
            if chain.contains(group) { return }
            if guest.contains(group) {
                preserved += 1
            } else if try tree.isFreezeRequested(group) {
                try tree.requestFreeze(false, group)
                thawed += 1
            }
        }
        self.thawed = thawed
        self.preserved = preserved
        for failure in walk.failures { self.fail(failure.group, failure.error) }
        if walk.isTruncated {
            self.problems.append(
                "thaw walk truncated at \(limit) cgroups: some may still be frozen")
        }
    }

    /// Whether any of `groups` has settled.
    static func isAnyFrozen(_ groups: [FilePath], _ tree: CgroupTree) -> Bool {
        groups.contains { (try? tree.isFrozen($0)) == true }
    }

    private mutating func fail(_ group: FilePath, _ error: Errno) {
        self.problems.append("thaw cgroup \"\(group)\": \(error.lowercasedDescription)")
    }
}
