package import NIOCore
import Synchronization

/// Values from anywhere, taken one at a time in the order in which they came.
package final class Mailbox<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiters: [(id: Int, continuation: CheckedContinuation<Value, any Error>)] = []
        var nextID = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func post(_ value: Value) {
        let waiter = self.state.withLock { state in
            guard !state.waiters.isEmpty else {
                state.values.append(value)
                return CheckedContinuation<Value, any Error>?.none
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: value)
    }

    /// Takes the next value.
    ///
    /// - Throws: ``Overdue`` if none comes.
    package func next(within limit: TimeAmount = patience) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let (id, value) = self.state.withLock { state in
                state.nextID += 1
                guard state.values.isEmpty else {
                    return (state.nextID, state.values.removeFirst() as Value?)
                }
                state.waiters.append((state.nextID, continuation))
                return (state.nextID, nil)
            }
            if let value {
                continuation.resume(returning: value)
            } else {
                ClientLoop.any.scheduleTask(in: limit) { self.giveUp(id, limit) }
            }
        }
    }

    /// What came and was not taken.
    package var pending: [Value] { self.state.withLock { $0.values } }

    private func giveUp(_ id: Int, _ limit: TimeAmount) {
        let waiter = self.state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
        }
        waiter?.resume(
            throwing: Overdue(description: "no \(Value.self) within \(limit.nanoseconds / 1_000_000) ms"))
    }
}

extension Mailbox<Void> {
    package func post() {
        self.post(())
    }
}
