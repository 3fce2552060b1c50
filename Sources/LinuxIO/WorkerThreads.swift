internal import Glibc
import LinuxSystem
import NIOCore
import Synchronization

/// Threads that wait for jobs.
///
/// A thread is started when there is a job and none is free. Of those that are free, the one that was busy last gets
/// the next job: what it needs is still in the processor's caches, and with one job at a time there is one thread. Those
/// that only many jobs at once have needed end soon after.
///
/// Jobs that do not return do not stop the others for long: while no waiting job gets its turn, more threads are started.
final class WorkerThreads: Sendable {
    typealias Job = @Sendable () -> Void

    private struct State {
        /// Jobs for which no thread was free.
        var jobs = CircularBuffer<Job>()
        var free: [Worker] = []
        var count = 0
        var isEnded = false
        /// How many jobs have had to wait and got their turn.
        var turns = 0
        /// A thread looks whether waiting jobs get their turn.
        var isWatched = false
    }

    private enum Step {
        case refuse
        case wait
        case waitWatched
        case hand(Worker)
        case start
    }

    /// Threads that stay.
    private static let kept = 4
    /// Milliseconds for which one more than these waits for a job.
    private static let patience: UInt32 = 1000

    /// Milliseconds for which no waiting job gets its turn before there are more threads.
    private static let stuckTime: UInt32 = 250
    /// Threads that are started then.
    private static let reliefs = 16

    private let limit: Int
    private let ceiling: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: Threads at most.
    ///   - ceiling: The same while jobs do not return.
    init(limit: Int, ceiling: Int) {
        self.limit = limit
        self.ceiling = ceiling
    }

    /// Has a thread run `job`, in its turn.
    ///
    /// - Returns: false if the threads have ended, or there can be none: the job is not run then.
    func submit(_ job: @escaping Job) -> Bool {
        let step = self.state.withLock { state -> Step in
            if state.isEnded { return .refuse }
            if let worker = state.free.popLast() { return .hand(worker) }
            if state.count < self.limit {
                state.count += 1
                return .start
            }
            state.jobs.append(job)
            guard self.limit < self.ceiling, !state.isWatched else { return .wait }
            state.isWatched = true
            return .waitWatched
        }
        switch step {
        case .refuse: return false
        case .wait: return true
        case .waitWatched:
            if !Self.startThread({ self.watch() }) { self.state.withLock { $0.isWatched = false } }
            return true
        case .hand(let worker):
            worker.hand(job)
            return true
        case .start:
            let worker = Worker()
            worker.hand(job)
            if Self.startThread({ self.work(worker) }) { return true }
            return self.state.withLock { state in
                state.count -= 1
                guard state.count > 0 else { return false }
                state.jobs.append(job)
                return true
            }
        }
    }

    /// Ends the threads after the jobs that they have.
    func end() {
        let free = self.state.withLock { state in
            state.isEnded = true
            defer { state.free = [] }
            return state.free
        }
        for worker in free { worker.hand(nil) }
    }

    /// Starts threads for jobs that wait, as long as there are some and no thread takes one.
    private func watch() {
        blockSignals()
        let bell = ThreadBell()
        var turns = self.state.withLock { $0.turns }
        while true {
            _ = bell.wait(milliseconds: Self.stuckTime)
            let jobs: [Job]? = self.state.withLock { state in
                guard !state.isEnded, !state.jobs.isEmpty else {
                    state.isWatched = false
                    return nil
                }
                defer { turns = state.turns }
                guard state.turns == turns else { return [] }
                let count = min(state.jobs.count, Self.reliefs, self.ceiling - state.count)
                state.count += max(count, 0)
                return (0..<max(count, 0)).compactMap { _ in state.jobs.popFirst() }
            }
            guard let jobs else { return }
            for job in jobs { self.relieve(job) }
        }
    }

    /// Runs a job on a thread of its own, that has been counted.
    private func relieve(_ job: @escaping Job) {
        let worker = Worker()
        worker.hand(job)
        guard !Self.startThread({ self.work(worker) }) else { return }
        self.state.withLock { state in
            state.count -= 1
            state.jobs.prepend(job)
        }
    }

    private func work(_ worker: Worker) {
        // SIGCHLD would go to the thread that started the child, which would only pass it on.
        blockSignals()
        while let job = self.wait(worker) {
            job()
            while let job = self.nextJob(for: worker) { job() }
        }
    }

    /// The job that a free worker is handed; nil if it is to end.
    private func wait(_ worker: Worker) -> Job? {
        while self.state.withLock({ $0.count > Self.kept }) {
            if let handed = worker.wait(milliseconds: Self.patience) { return handed.job }
            let isRetired = self.state.withLock { state in
                guard state.count > Self.kept, let index = state.free.firstIndex(where: { $0 === worker })
                else {
                    return false
                }
                state.free.remove(at: index)
                state.count -= 1
                return true
            }
            if isRetired { return nil }
        }
        return worker.wait()
    }

    /// A job that waits. If there is none the worker is free.
    private func nextJob(for worker: Worker) -> Job? {
        self.state.withLock { state in
            if let job = state.jobs.popFirst() {
                state.turns += 1
                return job
            }
            if state.isEnded { worker.hand(nil) } else { state.free.append(worker) }
            return nil
        }
    }

    /// - Returns: false if the system allows no more threads.
    private static func startThread(_ body: @escaping Job) -> Bool {
        let context = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let error = pthread_create(
            &thread, nil,
            { context in
                let body = context.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue() }
                nameThread("envd-pool")
                body?.run()
                return nil
            }, context.toOpaque())
        guard error == 0 else {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private final class Body: Sendable {
        let run: Job

        init(_ run: @escaping Job) {
            self.run = run
        }
    }

    /// One thread, as those see it that have a job for it.
    private final class Worker: Sendable {
        private let bell = ThreadBell()
        private let job = Mutex<Job?>(nil)

        /// Gives it a job, when it has none; nil ends it.
        func hand(_ job: Job?) {
            self.job.withLock { $0 = job }
            self.bell.ring()
        }

        /// Waits for the next job.
        func wait() -> Job? {
            self.bell.wait()
            return self.job.withLock { $0.take() }
        }

        /// Waits for a while; nil if there was nothing.
        func wait(milliseconds: UInt32) -> (job: Job?, Void)? {
            guard self.bell.wait(milliseconds: milliseconds) else { return nil }
            return (self.job.withLock { $0.take() }, ())
        }
    }
}
