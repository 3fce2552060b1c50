import LinuxSystem
package import NIOCore
import NIOPosix
import Synchronization

/// A few threads for calls that block: spawning, files, accounts.
///
/// The threads start with the first call, so that a daemon that nobody uses has none of them.
package final class BlockingPool: Sendable {
    private let pool: NIOThreadPool
    private let isStarted = Mutex(false)

    /// A pool of `threads` threads.
    package init(threads: Int) {
        self.pool = NIOThreadPool(numberOfThreads: threads)
    }

    /// Runs `body` on one of the threads.
    package func run<Success: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        self.start()
        let result: Result<Success, Failure>? = await withCheckedContinuation { continuation in
            self.pool.submit { state in
                guard case .active = state else {
                    continuation.resume(returning: nil)
                    return
                }
                // SIGCHLD would go to the thread that started the child, which would only pass it on.
                blockSignals()
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
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
        self.start()
        let done = NIOLoopBound(done, eventLoop: eventLoop)
        self.pool.submit { state in
            guard case .active = state else { return }
            blockSignals()
            let result = body()
            eventLoop.execute { done.value(result) }
        }
    }

    /// Has one of the threads run `body`, in its turn. After shutdown the caller does.
    package func submit(_ body: @escaping @Sendable () -> Void) {
        self.start()
        self.pool.submit { _ in
            blockSignals()
            body()
        }
    }

    private func start() {
        self.isStarted.withLock { isStarted in
            guard !isStarted else { return }
            isStarted = true
            self.pool.start()
        }
    }

    /// Ends the threads after the calls under way.
    package func shutDown() {
        guard self.isStarted.withLock({ $0 }) else { return }
        self.pool.shutdownGracefully { _ in }
    }
}
