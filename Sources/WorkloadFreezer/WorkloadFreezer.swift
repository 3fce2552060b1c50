import HTTPTransport
import LinuxIO
package import LinuxSystem
package import NIOCore
package import SystemPackage

/// Stops everything that runs in the sandbox, so that the machine under it can be saved, and lets it go on.
///
/// One freeze or thaw at a time. The walks over the groups are made on a thread of their own, which starts with
/// the first of them: threads for other work may stand still with the workload. Bound to an event loop.
package final class WorkloadFreezer: Sendable {
    private struct State {
        /// The mode of the freeze that is in place.
        var lastSweep: FreezeMode?
        /// Counts freezes and thaws.
        var generation: UInt64 = 0
        var guest = GuestFreezes()
        /// A freeze of ours has not been undone completely.
        var isActive = false
        var watchdog: Scheduled<Void>?
        /// When the freeze that is in place began.
        var frozenSince: NIODeadline?
        /// Counts how often the watchdog was set or called off.
        var watchdogGeneration: UInt64 = 0
        /// Ends the wait of the freeze that is under way.
        var settling: CancellationFlag?
        /// Thaws that wait for their turn.
        var waitingThaws = 0
        /// What the loop's thread goes back to, and when.
        var urgency: (before: ThreadUrgency, end: Scheduled<Void>)?
    }

    private let tree: CgroupTree?
    private let ownGroup: @Sendable () -> FilePath?
    private let limits: FreezeLimits
    let eventLoop: any EventLoop
    private let executor: EventLoopTaskExecutor
    let observer: FreezeObserver
    private let warn: @Sendable (String) -> Void
    private let lock = FairLock()
    private let thread = BlockingPool(threads: 1)
    private let state: NIOLoopBoundBox<State>

    /// A freezer for the groups of `tree`; nil where there are no cgroups, and freezing stops nothing.
    ///
    /// - Parameters:
    ///   - ownGroup: tells which group of `tree` the daemon is in; nil asks the kernel.
    ///   - observer: told of freezes and thaws.
    ///   - warn: takes lines for the log.
    package init(
        _ tree: CgroupTree?, limits: FreezeLimits = FreezeLimits(),
        ownGroup: (@Sendable () -> FilePath?)? = nil, observer: FreezeObserver = FreezeObserver(),
        on eventLoop: any EventLoop,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.tree = tree
        self.ownGroup = ownGroup ?? { tree?.ownGroup() }
        self.limits = limits
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.observer = observer
        self.warn = warn
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// The groups that were frozen in the sandbox itself when ours began.
    package var guestFrozen: Set<FilePath> { self.state.value.guest.groups }

    /// Whether a timer runs that would undo a freeze.
    package var isWatched: Bool { self.state.value.watchdog != nil }

    /// Runs `body` on the freezer's thread, before all that is to be stopped.
    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await self.thread.run {
            ThreadUrgency.raise()
            return body()
        }
    }

    /// Puts the loop before all that is busy, for a while: what the host asks meanwhile, and the answer, do not wait
    /// behind hundreds of processes that begin to stop or to run.
    private func hurry() {
        let before = self.state.value.urgency?.before ?? ThreadUrgency.current
        self.state.value.urgency?.end.cancel()
        ThreadUrgency.raise()
        let end = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.urgentTime) {
            self.state.value.urgency = nil
            before.apply()
        }
        self.state.value.urgency = (before, end)
    }

    // MARK: Freezing

    /// Freezes, and waits for the groups to settle.
    ///
    /// What goes wrong with single groups is counted and logged. A thaw that comes meanwhile ends the wait.
    ///
    /// - Parameters:
    ///   - limit: groups that are looked at, besides those of commands.
    ///   - wait: time for groups to settle; nil does not wait.
    /// - Returns: nil if the task was cancelled before it was its turn. If it is cancelled while groups settle, the
    ///   freeze stays.
    package func freeze(
        _ mode: FreezeMode, limit: Int = FreezeLimits.bound(nil), wait: TimeAmount? = nil
    ) async -> FreezeOutcome? {
        await self.lock.runUnlessCancelled {
            // In turn, too: a thaw that is asked for meanwhile must not come before the freeze.
            await self.observer.willFreeze()
            return await self.freezeInTurn(mode, limit, wait)
        }
    }

    private func freezeInTurn(_ mode: FreezeMode, _ limit: Int, _ wait: TimeAmount?) async -> FreezeOutcome {
        self.hurry()
        if self.state.value.frozenSince == nil { self.state.value.frozenSince = .now() }
        guard let tree else {
            var outcome = FreezeOutcome(mode: .legacy)
            outcome.requested = FreezerScope.commandGroups.count
            if wait != nil { outcome.unobservable = outcome.requested }
            return outcome
        }
        let freeze = Freeze(
            mode: mode, limit: limit, scanLimit: self.limits.walkedGroups, wait: wait, tree: tree,
            ownGroup: self.ownGroup,
            isActive: self.state.value.isActive, guest: self.state.value.guest)
        let isUnwanted = CancellationFlag()
        if self.state.value.waitingThaws > 0 { isUnwanted.set() }
        self.state.value.settling = isUnwanted
        defer { self.state.value.settling = nil }
        // One visit to the thread: with many busy processes around, each way there takes its time.
        var result = await withTaskCancellationHandler {
            await self.onThread { freeze.run(isUnwanted) }
        } onCancel: {
            isUnwanted.set()
        }
        result.outcome.wasCancelled = wait != nil && Task.isCancelled
        self.state.value.guest = result.guest
        self.state.value.lastSweep = result.outcome.mode
        self.state.value.generation += 1
        if result.outcome.requested > 0 {
            self.state.value.isActive = true
            self.armWatchdog()
            self.observer.froze()
        }
        for problem in result.problems { self.warn(problem) }
        return result.outcome
    }

    // MARK: Thawing

    /// Thaws what was frozen, whatever becomes of the task.
    ///
    /// What the sandbox itself had frozen stays frozen. Without a freeze of ours only the groups of commands are
    /// touched.
    ///
    /// - Parameter isInitialized: because the host says that the sandbox begins anew, and not because a freeze was in
    ///   vain.
    /// - Returns: what went wrong, a line each; empty if nothing of ours is frozen any more.
    @discardableResult
    package func thaw(isInitialized: Bool = false) async -> [String] {
        self.state.value.waitingThaws += 1
        self.state.value.settling?.set()
        return await self.lock.run {
            self.state.value.waitingThaws -= 1
            return await self.thawInTurn(isInitialized: isInitialized).problems
        }
    }

    private func thawInTurn(isInitialized: Bool) async -> ThawWalk {
        self.hurry()
        self.observer.willThaw(self.state.value.frozenSince, isInitialized)
        self.state.value.frozenSince = nil
        defer { self.observer.thawed() }
        self.state.value.lastSweep = nil
        self.state.value.generation += 1
        guard let tree else { return ThawWalk() }
        let ownGroup = self.ownGroup
        let isActive = self.state.value.isActive
        let guest = self.state.value.guest.groups
        let limit = self.limits.walkedGroups
        let walk = await self.onThread {
            ThawWalk(
                tree, ownGroup().map(FreezerScope.init), guest: guest, isFreezeActive: isActive, limit: limit)
        }
        if walk.problems.isEmpty {
            self.state.value.isActive = false
            self.disarmWatchdog()
        }
        return walk
    }

    /// Lets go on what a daemon before this one froze and, having ended, cannot thaw. Called once, at the start: what is
    /// started in a frozen group never runs.
    ///
    /// What the sandbox itself had frozen then is not known any more, and goes on as well.
    package func thawLeftovers() {
        guard let tree,
            FreezerScope.commandGroups.contains(where: { (try? tree.isFreezeRequested($0)) == true })
        else { return }
        self.warn("the workload is frozen since before the daemon started: it is thawed")
        let ownGroup = self.ownGroup
        let limit = self.limits.walkedGroups
        _ = self.executor.startTask {
            await self.lock.run {
                let walk = await self.onThread {
                    ThawWalk(
                        tree, ownGroup().map(FreezerScope.init), guest: [], isFreezeActive: true, limit: limit
                    )
                }
                for problem in walk.problems { self.warn(problem) }
                // Whoever thaws next, or the watchdog, tries again.
                self.state.value.isActive = !walk.problems.isEmpty
                if !walk.problems.isEmpty { self.armWatchdog() }
            }
        }
    }

    // MARK: Watchdog

    /// Undoes the freeze after a while, unless there is another freeze or a whole thaw before.
    private func armWatchdog() {
        self.disarmWatchdog()
        let generation = self.state.value.watchdogGeneration
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.watchdog) {
            self.state.value.watchdog = nil
            _ = self.executor.startTask { await self.rescue(generation) }
        }
        self.state.value.watchdog = timer
    }

    private func disarmWatchdog() {
        self.state.value.watchdogGeneration += 1
        self.state.value.watchdog?.cancel()
        self.state.value.watchdog = nil
    }

    private func rescue(_ generation: UInt64) async {
        await self.lock.run {
            guard self.state.value.watchdogGeneration == generation else { return }
            let walk = await self.thawInTurn(isInitialized: false)
            if !walk.problems.isEmpty { self.armWatchdog() }
            let counts =
                "\(walk.thawed) thawed, \(walk.preserved) left frozen, \(walk.problems.count) problems"
            self.warn("thaw watchdog fired: a freeze was never followed by a thaw (\(counts))")
            for problem in walk.problems { self.warn(problem) }
        }
    }

    // MARK: Audit

    /// Looks at whether a freeze of the whole hierarchy still holds.
    ///
    /// - Returns: nil if there is none in place, or if it was replaced or undone meanwhile.
    package func audit() async -> FreezeAudit? {
        guard let tree, self.state.value.lastSweep == .hierarchy else { return nil }
        let ownGroup = self.ownGroup
        let generation = self.state.value.generation
        let limit = self.limits.walkedGroups
        let audit = await self.onThread { () -> FreezeAudit? in
            ownGroup().map { FreezeAudit(tree, FreezerScope(own: $0), limit: limit) }
        }
        guard let audit, self.state.value.generation == generation else { return nil }
        if audit.escaped > 0 {
            self.warn("freeze audit: running cgroups: \(Self.names(audit.escapedGroups))")
        }
        if audit.violations > 0 {
            self.warn("freeze audit: frozen cgroups that must run: \(Self.names(audit.violatingGroups))")
        }
        return audit
    }

    private static func names(_ groups: [FilePath]) -> String {
        groups.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}
