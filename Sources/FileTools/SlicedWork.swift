import LinuxIO
import Synchronization

/// Work that goes on in short visits to threads that may block, so that it does not keep one from others.
final class SlicedWork<State: Sendable>: Sendable {
    private let state: Mutex<State>
    private let pool: BlockingPool

    init(_ state: State, on pool: BlockingPool) {
        self.state = Mutex(state)
        self.pool = pool
    }

    /// Makes one visit. One after the other: who waits for the work waits for each visit.
    ///
    /// - Throws: `CancellationError` if nobody wants the work any more, and what `body` throws.
    func visit<Result: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (inout State) throws(Failure) -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        return try await self.pool.run { () throws(Failure) in
            let result = self.state.withLock { state in
                Swift.Result { () throws(Failure) in try body(&state) }
            }
            return try result.get()
        }
    }
}
