internal import Glibc
package import LinuxSystem
package import NIOCore
package import SystemPackage

/// Starts children and learns how each of them ended.
///
/// SIGCHLD says only that some child ended; which one is asked of the kernel. A child may end before the
/// thread that started it has reported its pid: its record then waits until it is claimed.
package final class ChildReaper: Sendable {
    private struct State {
        var listener: SignalListener?
        var watched: [Int32: (ExitRecord) -> Void] = [:]
        var unclaimed: [Int32: ExitRecord] = [:]
        var spawnsUnderWay = 0
        var orphanObserver: (() -> Void)?
    }

    private let eventLoop: any EventLoop
    private let pool: BlockingPool
    private let reapsAll: Bool
    private let state: NIOLoopBoundBox<State>

    /// A reaper for the children of this process.
    ///
    /// - Parameter reapsAll: also reap children that it did not start: orphans that a subreaper or PID 1
    ///   inherits. Only for a process whose children are all started here.
    /// - Throws: `Errno` if SIGCHLD cannot be handled.
    package init(on eventLoop: any EventLoop, pool: BlockingPool, reapsAll: Bool) throws(Errno) {
        self.eventLoop = eventLoop
        self.pool = pool
        self.reapsAll = reapsAll
        let state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        self.state = state
        state.value.listener = try SignalListener([SIGCHLD], on: eventLoop) { [weak self] _ in
            self?.reap()
        }
    }

    /// Starts a child. Called on the event loop.
    ///
    /// Must be followed by ``watch(_:_:)`` on the event loop, before anything is awaited.
    ///
    /// - Parameter prepare: makes the request on the thread that starts the child, and whatever the caller wants
    ///   to have of it.
    /// - Throws: `SpawnFailure`: where and why it failed.
    package func spawn<Preparation: Sendable>(
        _ prepare: @escaping @Sendable () throws(SpawnFailure) -> (SpawnRequest, Preparation)
    ) async throws(SpawnFailure) -> (child: Handoff<SpawnedProcess>, preparation: Preparation) {
        self.state.value.spawnsUnderWay += 1
        defer {
            // A job of its own, so that the caller has claimed its child before.
            self.eventLoop.execute { self.spawnEnded() }
        }
        return try await self.pool.run { () throws(SpawnFailure) in
            let (request, preparation) = try prepare()
            return (Handoff(try SpawnedProcess.spawn(request)), preparation)
        }
    }

    /// Calls `ended` once when the child `processID` has ended and been reaped.
    package func watch(_ processID: Int32, _ ended: @escaping (ExitRecord) -> Void) {
        if let record = self.state.value.unclaimed.removeValue(forKey: processID) {
            ended(record)
            return
        }
        self.state.value.watched[processID] = ended
        self.reap(processID)
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

    private func spawnEnded() {
        self.state.value.spawnsUnderWay -= 1
        if self.state.value.spawnsUnderWay == 0 { self.state.value.unclaimed.removeAll() }
    }

    private func reap() {
        guard self.reapsAll else {
            for processID in Array(self.state.value.watched.keys) { self.reap(processID) }
            return
        }
        var hasOrphans = false
        while let processID = try? nextExitedChild() {
            hasOrphans = hasOrphans || self.state.value.watched[processID] == nil
            if !self.reap(processID) { break }
        }
        if hasOrphans { self.state.value.orphanObserver?() }
    }

    /// Reaps one child if it has ended; false if it still runs.
    @discardableResult
    private func reap(_ processID: Int32) -> Bool {
        let record: ExitRecord
        do {
            guard let ended = try LinuxSystem.reap(processID: processID) else { return false }
            record = ended
        } catch {
            // The child of a failed spawn, which the thread that tried has reaped meanwhile.
            return true
        }
        if let ended = self.state.value.watched.removeValue(forKey: processID) {
            ended(record)
        } else if self.state.value.spawnsUnderWay > 0 {
            self.state.value.unclaimed[processID] = record
        }
        return true
    }
}
