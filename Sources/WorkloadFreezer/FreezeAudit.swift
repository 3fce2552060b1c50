import LinuxSystem
import SystemPackage

/// What a look at all groups found while a freeze of the whole hierarchy was in place.
package struct FreezeAudit: Sendable, Equatable {
    package private(set) var visited = 0
    /// Groups that stand still and should.
    package private(set) var frozen = 0
    /// Groups that run and should not.
    package private(set) var escaped = 0
    /// Groups that stand still although the machine needs them.
    package private(set) var violations = 0
    package private(set) var isTruncated = false
    /// The first groups of ``escaped`` and of ``violations``: for a log, not for an answer.
    private(set) var escapedGroups: [FilePath] = []
    private(set) var violatingGroups: [FilePath] = []

    /// Looks at the groups of `tree`. What cannot be read counts nowhere.
    ///
    /// - Parameter limit: groups that are visited at most.
    init(_ tree: CgroupTree, _ scope: FreezerScope, limit: Int) {
        var audit = Self()
        let walk = tree.walk(limit: limit) { group throws(Errno) in
            if group.isEmpty { return }
            let isFrozen = try tree.isFrozen(group)
            switch (isFrozen, scope.isProtected(group)) {
            case (true, true):
                audit.violations += 1
                Self.note(group, in: &audit.violatingGroups)
            case (true, false): audit.frozen += 1
            case (false, false):
                audit.escaped += 1
                Self.note(group, in: &audit.escapedGroups)
            case (false, true): break
            }
        }
        self = audit
        self.visited = walk.visited
        self.isTruncated = walk.isTruncated
    }

    private init() {}

    private static func note(_ group: FilePath, in groups: inout [FilePath]) {
        if groups.count < FreezeLimits.namedGroups { groups.append(group) }
    }

    /// The value of the header `X-Envd-Freeze-Audit`.
    package var json: String {
        """
        {"visited":\(self.visited),"frozen":\(self.frozen),"escaped":\(self.escaped),\
        "violations":\(self.violations),"truncated":\(self.isTruncated)}
        """
    }
}
