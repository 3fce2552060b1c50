internal import Glibc

/// How soon a thread runs when it can: its policy, as it can be put back.
package struct ThreadUrgency: Sendable {
    private let policy: Int32
    private let priority: Int32

    /// That of the calling thread.
    package static var current: ThreadUrgency {
        var parameters = sched_param()
        _ = sched_getparam(0, &parameters)
        return ThreadUrgency(policy: max(0, sched_getscheduler(0)), priority: parameters.sched_priority)
    }

    /// Makes the calling thread run before every thread of ordinary priority, however many of those are busy. Threads
    /// that it starts do not inherit it. Without the privilege it changes nothing.
    ///
    /// For threads that never compute for long.
    ///
    /// - SeeAlso: sched(7), `SCHED_RR`, `SCHED_RESET_ON_FORK`.
    package static func raise() {
        let resetOnFork: Int32 = 0x4000_0000
        ThreadUrgency(policy: SCHED_RR | resetOnFork, priority: 1).apply()
    }

    /// Gives it to the calling thread, if it may have it.
    package func apply() {
        var parameters = sched_param()
        parameters.sched_priority = self.priority
        _ = sched_setscheduler(0, self.policy, &parameters)
    }
}
