import LinuxSystem
import SystemPackage

/// The groups that somebody in the sandbox froze, which a thaw leaves alone.
struct GuestFreezes: Sendable {
    var groups: Set<FilePath> = []
    var isTruncated = false
    var failures: [(group: FilePath, error: Errno)] = []

    /// Nothing is known.
    init() {}

    /// Finds them, while no freeze of ours is in effect but that of the groups of commands.
    ///
    /// - Parameter limit: groups that are visited at most.
    init(in tree: CgroupTree, _ scope: FreezerScope, limit: Int) {
        var groups: Set<FilePath> = []
        let walk = tree.walk(limit: limit) { group throws(Errno) in
            guard !scope.isProtected(group), !FreezerScope.commandGroups.contains(group) else { return }
            if try tree.isFreezeRequested(group) { groups.insert(group) }
        }
        self.groups = groups
        self.isTruncated = walk.isTruncated
        self.failures = walk.failures
    }
}
