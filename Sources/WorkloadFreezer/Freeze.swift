import LinuxSystem
import NIOCore
import SystemPackage

/// One freeze, as it is made on the freezer's thread.
struct Freeze: Sendable {
    /// What came of it.
    struct Result: Sendable {
        var outcome: FreezeOutcome
        /// What somebody in the sandbox froze.
        var guest: GuestFreezes
        /// Lines for the log.
        var problems: [String]
    }

    let mode: FreezeMode
    /// Groups that are looked at, besides those of commands.
    let limit: Int
    /// Groups that the search for what somebody else froze visits.
    let scanLimit: Int
    /// Time for groups to settle; nil does not wait.
    let wait: TimeAmount?
    let tree: CgroupTree
    let ownGroup: @Sendable () -> FilePath?
    /// A freeze of ours is in effect.
    let isActive: Bool
    /// What somebody else froze, as it was found when ours began.
    let guest: GuestFreezes

    /// Freezes, and waits for the groups to settle until `isUnwanted` is set.
    func run(_ isUnwanted: CancellationFlag) -> Result {
        let began = NIODeadline.now()
        let isInEffect = self.isActive || ThawWalk.isAnyFrozen(FreezerScope.commandGroups, self.tree)
        // First of all: what is busy leaves the processors to the rest of this.
        var sweep = FreezeSweep(self.tree)
        let scope = self.ownGroup().map(FreezerScope.init)
        var guest =
            isInEffect
            ? self.guest
            : GuestFreezes(
                in: self.tree, scope ?? FreezerScope(own: FilePath()), limit: self.scanLimit)
        if self.mode == .hierarchy, let scope {
            sweep.freezeRest(
                of: self.tree, scope, limit: self.limit, guest: guest.groups, adoptsLate: !isInEffect)
            guest.groups.formUnion(sweep.adopted)
        }
        let swept = NIODeadline.now()

        var outcome = FreezeOutcome(mode: scope == nil ? .legacy : self.mode)
        outcome.requested = sweep.requested.count
        outcome.failed = sweep.failed
        outcome.preFrozen = guest.groups.count
        outcome.allowlisted = sweep.allowlisted
        outcome.visited = sweep.visited
        outcome.isTruncated = sweep.isTruncated || guest.isTruncated
        outcome.sweepMilliseconds = (swept - began).nanoseconds / 1_000_000

        var problems = (guest.failures + sweep.failures).map {
            "freeze cgroup \"\($0.group)\": \($0.error.lowercasedDescription)"
        }
        guest.failures = []
        if self.mode == .hierarchy, scope == nil {
            problems.append("the daemon's own cgroup is not known: only the cgroups of commands are frozen")
        }
        if let wait {
            let settling = self.settle(sweep.requested, until: swept + wait, isUnwanted)
            outcome.frozen = settling.frozen
            outcome.failed += settling.failures.count
            outcome.notFrozen = settling.pending.count
            outcome.waitMilliseconds = (NIODeadline.now() - swept).nanoseconds / 1_000_000
            problems += settling.failures.map {
                "read state of cgroup \"\($0.group)\": \($0.error.lowercasedDescription)"
            }
        }
        return Result(outcome: outcome, guest: guest, problems: problems)
    }

    /// Watches groups until all have settled, the time is over, or nobody wants to know.
    private func settle(
        _ groups: [FilePath], until deadline: NIODeadline, _ isUnwanted: CancellationFlag
    ) -> SettlingGroups {
        var settling = SettlingGroups(groups)
        while true {
            settling.look(in: self.tree)
            if settling.pending.isEmpty || isUnwanted.isSet || NIODeadline.now() >= deadline {
                return settling
            }
            isUnwanted.wait(milliseconds: FreezeLimits.settlingPeriodMilliseconds)
        }
    }
}
