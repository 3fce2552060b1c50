internal import Glibc
package import LinuxSystem
package import NIOCore
package import SystemPackage

/// Starts children and learns how each of them ended.
///
/// SIGCHLD says only that some child ended; which one is asked of the kernel. A child may end before it is watched:
/// its record then waits until it is claimed.
package final class ChildReaper: Sendable {
    private struct State {
        var listener: SignalListener?
        var watched: [Int32: (ExitRecord) -> Void] = [:]
        /// Children that were started and are not watched yet.
        var started: Set<Int32> = []
        /// How those of them ended that did.
        var unclaimed: [Int32: ExitRecord] = [:]
        /// How children ended that nobody knows, while one is being started whose process ID nobody knows.
        var unknown: [Int32: ExitRecord] = [:]
        /// In the order of their starts.
        var pending: [Pending] = []
        /// For the first of them that is to be looked at; it stays when that one ends before.
        var timer: (task: Scheduled<Void>, time: NIODeadline)?
        var orphanObserver: (() -> Void)?
    }

    private struct Pending {
        let spawn: PendingSpawn
        let since: NIODeadline
        /// The event loop has looked, and will be told.
        var isAwaited = false
    }

    /// Time after which the event loop looks whether a child runs that has not ended.
    ///
    /// Most commands are over before: then their end is the first that the loop hears of them.
    private static let settleDelay = TimeAmount.milliseconds(2)
    /// How many times as long that is at most: where many children are started, they wait for each other.
    private static let longestWait = 10
    private static let processors = System.coreCount
    /// Ends of unknown children that are remembered: orphans, nearly always.
    private static let rememberedUnknown = 1024

    private let eventLoop: any EventLoop
    private let pool: BlockingPool
    private let reapsAll: Bool
    private let state: NIOLoopBoundBox<State>

    /// A reaper for the children of this process.
    ///
    /// - Parameters:
    ///   - reapsAll: also reap children that it did not start: orphans that a subreaper or PID 1 inherits. Only for
    ///     a process whose children are all started here.
    ///   - signals: how SIGCHLD is taken.
    /// - Throws: `Errno` if SIGCHLD cannot be handled.
    package init(
        on eventLoop: any EventLoop, pool: BlockingPool, reapsAll: Bool,
        signals: SignalEvents.Delivery = .handlers
    ) throws(Errno) {
        self.eventLoop = eventLoop
        self.pool = pool
        self.reapsAll = reapsAll
        let state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        self.state = state
        state.value.listener = try SignalListener([SIGCHLD], signals, on: eventLoop) { [weak self] _ in
            self?.reap()
        }
    }

    /// Starts a child. Called on the event loop.
    ///
    /// Must be followed by ``watch(_:_:)`` on the event loop, before anything is awaited. It may take two
    /// milliseconds until a child that runs for longer is reported, and up to twenty where many are started at once.
    ///
    /// - Parameter makeCgroup: makes the child's cgroup, on the thread that starts it; nil if it is to have none. The
    ///   cgroup is removed if the child cannot be started.
    /// - Throws: `SpawnFailure`: where and why it failed.
    package func spawn(
        _ request: SpawnRequest, in makeCgroup: (@Sendable () throws(SpawnFailure) -> Cgroup?)? = nil
    ) async throws(SpawnFailure) -> StartedChild {
        let outcome: PendingSpawn.Outcome = await withUnsafeContinuation { continuation in
            let spawn = PendingSpawn { continuation.resume(returning: $0) }
            self.state.value.pending.append(Pending(spawn: spawn, since: .now()))
            self.pool.submit {
                guard spawn.run(request, makeCgroup) else { return }
                self.eventLoop.execute { self.settle(spawn) }
            }
            self.lookLater()
        }
        let child = try outcome.get()
        // A job of its own, so that the caller has claimed its child before.
        self.eventLoop.execute { self.forget(child.processID) }
        return child
    }

    private func lookLater() {
        guard let next = self.state.value.pending.first(where: { !$0.isAwaited }) else { return }
        let time = next.since + self.settleDelay
        if let timer = self.state.value.timer {
            guard time < timer.time else { return }
            timer.task.cancel()
        }
        let task = self.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.state.value.timer = nil
            self.settleOld()
            self.lookLater()
        }
        self.state.value.timer = (task, time)
    }

    /// The time that the children need which are being started, if each needs as long as one alone may.
    private var settleDelay: TimeAmount {
        let inTurn = self.state.value.pending.count / Self.processors
        return Self.settleDelay * min(max(inTurn, 1), Self.longestWait)
    }

    /// Takes the outcomes that are known of those whose time has come. Threads tell of the others.
    private func settleOld() {
        let young = NIODeadline.now() - self.settleDelay
        self.state.value.pending = self.state.value.pending.compactMap { pending in
            guard !pending.isAwaited, pending.since <= young else { return pending }
            switch pending.spawn.settle(childHasEnded: false) {
            case .underWay:
                var pending = pending
                pending.isAwaited = true
                return pending
            case .started:
                self.started(pending.spawn)
                return nil
            case .failed:
                return nil
            }
        }
    }

    /// Takes the outcome that a thread tells of, unless the child's end has brought it.
    private func settle(_ spawn: PendingSpawn) {
        guard let index = self.state.value.pending.firstIndex(where: { $0.spawn === spawn }) else { return }
        self.state.value.pending.remove(at: index)
        if case .started = spawn.settle(childHasEnded: false) { self.started(spawn) }
    }

    /// Notes a child that is not watched yet.
    private func started(_ spawn: PendingSpawn) {
        guard let processID = spawn.processID else { return }
        self.state.value.started.insert(processID)
        // What ended with this process ID before the child began was another one.
        if let record = self.state.value.unknown.removeValue(forKey: processID), !spawn.childHasBegun {
            self.state.value.unclaimed[processID] = record
        }
    }

    /// Calls `ended` once when the child `processID` has ended and been reaped.
    package func watch(_ processID: Int32, _ ended: @escaping (ExitRecord) -> Void) {
        self.state.value.started.remove(processID)
        if let record = self.state.value.unclaimed.removeValue(forKey: processID) {
            ended(record)
            return
        }
        self.state.value.watched[processID] = ended
        // A reaper of all children has seen or will see the signal; another may have passed over this child.
        if !self.reapsAll { self.reap(processID) }
    }

    /// Calls `observer` when children have been reaped that nobody watches.
    package func whenOrphansEnd(_ observer: @escaping () -> Void) {
        self.state.value.orphanObserver = observer
    }

    /// Stops handling SIGCHLD.
    package func close() {
        self.state.value.listener?.close()
        self.state.value.listener = nil
    }

    /// Forgets a child, if it is still not watched.
    private func forget(_ processID: Int32) {
        self.state.value.started.remove(processID)
        self.state.value.unclaimed[processID] = nil
    }

    private func reap() {
        guard self.reapsAll else {
            let started = self.state.value.pending.compactMap(\.spawn.processID)
            for processID in self.state.value.watched.keys + started { self.reap(processID) }
            return
        }
        var hasOrphans = false
        while let ended = reapAny() {
            if !self.ended(ended.processID, ended.record) { hasOrphans = true }
        }
        if hasOrphans { self.state.value.orphanObserver?() }
    }

    /// Reaps one child if it has ended.
    private func reap(_ processID: Int32) {
        // An error says that it is the child of a failed spawn, and reaped.
        guard let record = try? LinuxSystem.reap(processID: processID) else { return }
        _ = self.ended(processID, record)
    }

    /// Tells whoever started the child; false if nobody did.
    private func ended(_ processID: Int32, _ record: ExitRecord) -> Bool {
        if let ended = self.state.value.watched.removeValue(forKey: processID) {
            ended(record)
            return true
        }
        if self.state.value.started.contains(processID) {
            self.state.value.unclaimed[processID] = record
            return true
        }
        if let index = self.state.value.pending.firstIndex(where: { $0.spawn.processID == processID }) {
            let spawn = self.state.value.pending.remove(at: index).spawn
            if case .started = spawn.settle(childHasEnded: true) {
                self.state.value.unclaimed[processID] = record
            }
            return true
        }
        self.remember(processID, record)
        return false
    }

    /// Remembers the end of an unknown child, if it may be one that was killed before its first instruction.
    private func remember(_ processID: Int32, _ record: ExitRecord) {
        guard self.state.value.pending.contains(where: { $0.spawn.mayHaveUnknownChild }) else {
            self.state.value.unknown = [:]
            return
        }
        if self.state.value.unknown.count >= Self.rememberedUnknown { self.state.value.unknown = [:] }
        self.state.value.unknown[processID] = record
    }
}
