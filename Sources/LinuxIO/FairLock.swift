import Synchronization

/// Lets one task at a time, or a few, into a section that suspends, in the order in which they asked.
package final class FairLock: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        /// How many more may enter.
        var room: Int
        var waiters: [Waiter] = []
        var nextID = 0
        /// Those that were cancelled before they waited.
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    /// - Parameter limit: tasks that are in the section at once, at most.
    package init(limit: Int = 1) {
        self.state = Mutex(State(room: limit))
    }

    /// Runs `body` when there is room behind all who asked before, whatever becomes of the task meanwhile.
    package func run<Result>(_ body: () async -> Result) async -> Result {
        _ = await self.wait(as: self.newID())
        defer { self.release() }
        return await body()
    }

    /// Runs `body` when there is room behind all who asked before; nil if the task is cancelled before its turn.
    package func runUnlessCancelled<Result>(_ body: () async -> Result) async -> Result? {
        let id = self.newID()
        let isHeld = await withTaskCancellationHandler {
            await self.wait(as: id)
        } onCancel: {
            self.cancel(id)
        }
        self.state.withLock { _ = $0.cancelled.remove(id) }
        guard isHeld else { return nil }
        defer { self.release() }
        return await body()
    }

    private func newID() -> Int {
        self.state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Waits for the lock; false if `id` was cancelled.
    private func wait(as id: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            let isHeld: Bool? = self.state.withLock { state in
                if state.cancelled.remove(id) != nil { return false }
                guard state.room == 0 else {
                    state.room -= 1
                    return true
                }
                state.waiters.append(Waiter(id: id, continuation: continuation))
                return nil
            }
            if let isHeld { continuation.resume(returning: isHeld) }
        }
    }

    private func cancel(_ id: Int) {
        let waiter = self.state.withLock { state -> Waiter? in
            if let index = state.waiters.firstIndex(where: { $0.id == id }) {
                return state.waiters.remove(at: index)
            }
            state.cancelled.insert(id)
            return nil
        }
        waiter?.continuation.resume(returning: false)
    }

    private func release() {
        let next = self.state.withLock { state -> Waiter? in
            guard !state.waiters.isEmpty else {
                state.room += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}
