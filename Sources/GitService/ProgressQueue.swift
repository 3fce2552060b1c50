import Synchronization

/// Progress that waits for a client: of each phase only the newest, since the older says nothing more.
final class ProgressQueue: Sendable {
    /// Says that there is something to take; ends after ``finish()``.
    let wakes: AsyncStream<Void>
    private let limit: Int
    private let waker: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[GitProgress]>([])

    /// - Parameter limit: phases that wait; what is beyond is dropped.
    init(limit: Int) {
        self.limit = limit
        (self.wakes, self.waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ progress: GitProgress) {
        self.waiting.withLock { waiting in
            if let last = waiting.indices.last, waiting[last].phase == progress.phase,
                waiting[last].isRemote == progress.isRemote
            {
                waiting[last] = progress
            } else if waiting.count < self.limit {
                waiting.append(progress)
            }
        }
        self.waker.yield()
    }

    /// What waits, in order.
    func take() -> [GitProgress] {
        self.waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    func finish() {
        self.waker.finish()
    }
}
