import LinuxSystem
import SystemPackage

/// Which groups of a hierarchy a freeze may stop.
struct FreezerScope: Sendable {
    /// The groups of commands: always frozen, first.
    static let commandGroups: [FilePath] = ["user", "ptys"]

    /// What a machine needs to be resumed.
    static let allowlist: [FilePath] = [
        "init.scope", "system.slice/systemd-journald.service", "system.slice/rpcbind.service",
        "system.slice/rpcbind.socket", "system.slice/rpc-statd.service", "socats",
    ]

    /// From the root to the daemon's own group.
    let ownChain: [FilePath]
    /// The groups whose children are looked at and which are never frozen themselves, because a group that must
    /// run is, or may be, below them.
    let descended: [FilePath]
    private let descendedSet: Set<FilePath>

    /// The scope for a daemon in the group `own`.
    init(own: FilePath) {
        let chain = Self.chain(to: own)
        self.ownChain = chain
        var descended = chain
        for entry in Self.allowlist {
            for group in Self.chain(to: entry.removingLastComponent()) where !descended.contains(group) {
                descended.append(group)
            }
        }
        self.descended = descended
        self.descendedSet = Set(descended)
    }

    /// The groups from the root to `group`.
    static func chain(to group: FilePath) -> [FilePath] {
        var chain = [FilePath()]
        for component in group.components {
            chain.append((chain.last ?? FilePath()).appending(component))
        }
        return chain
    }

    func descends(into group: FilePath) -> Bool {
        self.descendedSet.contains(group)
    }

    /// Whether a group is, or lies below, one that must run.
    static func isAllowlisted(_ group: FilePath) -> Bool {
        Self.allowlist.contains { group.starts(with: $0) }
    }

    /// Whether a group must not be found frozen.
    func isProtected(_ group: FilePath) -> Bool {
        self.descends(into: group) || Self.isAllowlisted(group)
    }
}
