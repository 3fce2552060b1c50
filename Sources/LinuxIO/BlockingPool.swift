package import NIOCore

/// A few threads for calls that block: spawning, files, accounts.
///
/// The threads start when they are needed, so that a daemon that nobody uses has none of them.
package final class BlockingPool: Sendable {
    private let threads: WorkerThreads

    /// A pool of `threads` threads at most.
    ///
    /// - Parameter ceiling: Threads at most while calls wait because those under way do not return, on a file system that
    ///   does not answer for instance.
    package init(threads: Int, growingTo ceiling: Int? = nil) {
        self.threads = WorkerThreads(limit: threads, ceiling: ceiling ?? threads)
    }

    deinit { self.threads.end() }

    /// Runs `body` on one of the threads.
    package func run<Success: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        let result: Result<Success, Failure>? = await withCheckedContinuation { continuation in
            let isTaken = self.threads.submit {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: nil) }
        }
        // After shutdown nobody but the caller is left to do the work.
        guard let result else { return try body() }
        return try result.get()
    }

    /// Runs `body` on one of the threads, and then `done` on the event loop, from where it is called; no task is
    /// made for it. After shutdown nothing happens.
    package func run<Success: Sendable>(
        _ body: @escaping @Sendable () -> Success, on eventLoop: any EventLoop,
        _ done: @escaping (Success) -> Void
    ) {
        let done = NIOLoopBound(done, eventLoop: eventLoop)
        _ = self.threads.submit {
            let result = body()
            eventLoop.execute { done.value(result) }
        }
    }

    /// Has one of the threads run `body`, in its turn. After shutdown the caller does.
    package func submit(_ body: @escaping @Sendable () -> Void) {
        if !self.threads.submit(body) { body() }
    }

    /// Ends the threads after the calls under way.
    package func shutDown() {
        self.threads.end()
    }
}
