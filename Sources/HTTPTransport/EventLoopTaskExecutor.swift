public import NIOCore

/// Runs tasks on an event loop, so that asynchronous code and channel handlers share one thread.
public final class EventLoopTaskExecutor: TaskExecutor {
    /// The loop that runs the jobs.
    public let eventLoop: any EventLoop
    /// Whether the next job runs when it is handed over, and not in a later turn of the loop.
    private let runsNextJobNow: NIOLoopBoundBox<Bool>

    /// An executor over `eventLoop`.
    public init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.runsNextJobNow = .makeBoxSendingValue(false, eventLoop: eventLoop)
    }

    /// Hands one job to the loop.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = self.asUnownedTaskExecutor()
        if self.eventLoop.inEventLoop, self.runsNextJobNow.value {
            self.runsNextJobNow.value = false
            job.runSynchronously(on: executor)
        } else {
            self.eventLoop.execute { job.runSynchronously(on: executor) }
        }
    }

    /// Starts a task that runs before this returns, up to where it first has to wait. Called on the loop.
    ///
    /// What has all it needs is done without a turn of the loop.
    public func startTask(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        self.runsNextJobNow.value = true
        defer { self.runsNextJobNow.value = false }
        return Task(executorPreference: self, operation: body)
    }
}
