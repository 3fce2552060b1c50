import LinuxSystem
import Synchronization
import SystemPackage

/// A spawn under way, as the event loop sees it.
protocol SpawnUnderWay: AnyObject, Sendable {
    /// The child's process ID, once there is a child.
    var processID: Int32? { get }
    /// Takes the outcome, if there is one: the child runs its program, has ended, or could not be started.
    func settle(childHasEnded: Bool) -> SpawnProgress
}

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
final class PendingSpawn<Preparation: Sendable>: SpawnUnderWay {
    typealias Outcome = Result<(child: Handoff<SpawnedProcess>, preparation: Preparation), SpawnFailure>

    private struct State: Sendable {
        var prepared: (attempt: SpawnAttempt, preparation: Preparation)?
        var failure: SpawnFailure?
        /// The thread is done.
        var isOver = false
        /// The event loop has looked, and wants to be told.
        var isAwaited = false
        var isSettled = false
    }

    private let state = Mutex(State())
    private let discard: @Sendable (Preparation) -> Void
    private let done: @Sendable (Outcome) -> Void

    /// - Parameters:
    ///   - discard: undoes what was prepared for a child that could not be started.
    ///   - done: called once on the event loop.
    init(discard: @escaping @Sendable (Preparation) -> Void, done: @escaping @Sendable (Outcome) -> Void) {
        self.discard = discard
        self.done = done
    }

    /// Starts the child, on a thread that may block.
    ///
    /// - Returns: whether the event loop has to be told.
    func run(_ prepare: () throws(SpawnFailure) -> (SpawnRequest, Preparation)) -> Bool {
        do throws(SpawnFailure) {
            let (request, preparation) = try prepare()
            let attempt: SpawnAttempt
            do throws(SpawnFailure) {
                attempt = try SpawnAttempt(request)
            } catch {
                self.discard(preparation)
                throw error
            }
            self.state.withLock { $0.prepared = (attempt, preparation) }
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

    var processID: Int32? { self.state.withLock { $0.prepared?.attempt.processID } }

    func settle(childHasEnded: Bool) -> SpawnProgress {
        let outcome: Outcome? = self.state.withLock { state in
            guard !state.isSettled else { return nil }
            guard state.isOver || childHasEnded else {
                state.isAwaited = true
                return nil
            }
            state.isSettled = true
            guard let (attempt, preparation) = state.prepared else {
                return .failure(state.failure ?? SpawnFailure(stage: .clone, errno: .noChildProcess))
            }
            do throws(SpawnFailure) {
                return .success((Handoff(try attempt.outcome()), preparation))
            } catch {
                self.discard(preparation)
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
