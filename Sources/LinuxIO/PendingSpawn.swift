import LinuxSystem
import NIOCore
import Synchronization
import SystemPackage

/// How far a spawn has come.
enum SpawnProgress {
    /// The thread that starts the child will tell when it is done.
    case underWay
    case started
    case failed
}

/// A child that a thread of the pool starts; the event loop takes the outcome as soon as it knows that there is one.
///
/// The thread does not wake the loop for a child that runs: the loop learns that from the child's end, or looks. So
/// a short command costs the loop no turn besides those for its request and its end.
final class PendingSpawn: Sendable {
    typealias Outcome = Result<StartedChild, SpawnFailure>
    /// Makes the child's cgroup; nil if it is to have none.
    typealias CgroupMaker = @Sendable () throws(SpawnFailure) -> Cgroup?

    private struct State: Sendable {
        var prepared: (attempt: SpawnAttempt, cgroup: Cgroup?)?
        var startTime = NIODeadline.now()
        var failure: SpawnFailure?
        /// The thread is done.
        var isOver = false
        /// The event loop has looked, and wants to be told.
        var isAwaited = false
        var isSettled = false
    }

    private let state = Mutex(State())
    private let done: @Sendable (Outcome) -> Void

    /// - Parameter done: called once on the event loop.
    init(done: @escaping @Sendable (Outcome) -> Void) {
        self.done = done
    }

    /// Starts the child, on a thread that may block.
    ///
    /// - Returns: whether the event loop has to be told.
    func run(_ request: SpawnRequest, _ makeCgroup: CgroupMaker?) -> Bool {
        do throws(SpawnFailure) {
            let cgroup = try makeCgroup?()
            let attempt: SpawnAttempt
            do throws(SpawnFailure) {
                var request = request
                if let cgroup { request.cgroup = cgroup.rawDescriptor }
                attempt = try SpawnAttempt(request)
            } catch {
                Self.discard(cgroup)
                throw error
            }
            self.state.withLock { state in
                state.startTime = .now()
                state.prepared = (attempt, cgroup)
            }
            attempt.run()
            return self.state.withLock { state in
                state.isOver = true
                return !state.isSettled && (state.isAwaited || attempt.hasFailed)
            }
        } catch {
            self.state.withLock { state in
                state.failure = error
                state.isOver = true
            }
            return true
        }
    }

    /// Removes the cgroup of a child that could not be started.
    private static func discard(_ cgroup: Cgroup?) {
        cgroup?.close()
        try? cgroup?.remove()
    }

    /// The child's process ID, once there is a child.
    var processID: Int32? { self.state.withLock { $0.prepared?.attempt.processID } }

    /// Whether there may be a child whose process ID is not known yet.
    var mayHaveUnknownChild: Bool {
        self.state.withLock { !$0.isOver && $0.prepared.map { $0.attempt.processID == nil } ?? false }
    }

    /// Whether the child has come as far as its first instruction. Known together with its process ID.
    var childHasBegun: Bool { self.state.withLock { $0.prepared?.attempt.hasBegun ?? false } }

    /// Takes the outcome, if there is one: the child runs its program, has ended, or could not be started.
    func settle(childHasEnded: Bool) -> SpawnProgress {
        let outcome: Outcome? = self.state.withLock { state in
            guard !state.isSettled else { return nil }
            guard state.isOver || childHasEnded else {
                state.isAwaited = true
                return nil
            }
            state.isSettled = true
            guard let (attempt, cgroup) = state.prepared else {
                return .failure(state.failure ?? SpawnFailure(stage: .clone, errno: .noChildProcess))
            }
            do throws(SpawnFailure) {
                let process = try attempt.outcome()
                cgroup?.close()
                return .success(StartedChild(process, in: cgroup, since: state.startTime))
            } catch {
                Self.discard(cgroup)
                return .failure(error)
            }
        }
        guard let outcome else { return .underWay }
        self.done(outcome)
        switch outcome {
        case .success: return .started
        case .failure: return .failed
        }
    }
}
