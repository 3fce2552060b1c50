internal import Glibc

/// How soon the calling thread runs when it can.
package enum ThreadUrgency {
    /// Makes it run before every thread of ordinary priority, however many of those are busy. Threads that it starts
    /// do not inherit it. Without the privilege it changes nothing.
    ///
    /// For threads that never compute for long.
    ///
    /// - SeeAlso: sched(7), `SCHED_RR`, `SCHED_RESET_ON_FORK`.
    package static func raise() {
        var parameters = sched_param()
        parameters.sched_priority = 1
        let resetOnFork: Int32 = 0x4000_0000
        _ = sched_setscheduler(0, SCHED_RR | resetOnFork, &parameters)
    }
}
