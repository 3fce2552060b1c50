internal import CLinuxSystem
import Glibc
package import SystemPackage

/// Reaps one child if it has ended.
///
/// - Returns: nil if it still runs.
/// - Throws: `Errno.noChildProcess` if there is no such child, or it was reaped before.
/// - SeeAlso: wait4(2).
package func reap(processID: Int32) throws(Errno) -> ExitRecord? {
    try wait(for: processID)?.record
}

/// Reaps a child that has ended, any one; nil if there is none.
///
/// A child whose spawn is failing may be among them; who reaps it first makes no difference.
///
/// - SeeAlso: wait4(2).
package func reapAny() -> (processID: Int32, record: ExitRecord)? {
    // The only error is that there are no children.
    try? wait(for: -1)
}

private func wait(for child: Int32) throws(Errno) -> (processID: Int32, record: ExitRecord)? {
    var status: CInt = 0
    var usage = rusage()
    let processID = try retryingInterrupts { wait4(child, &status, WNOHANG, &usage) }
    guard processID > 0 else { return nil }
    let record = ExitRecord(
        exit: ChildExit(waitStatus: status),
        userTime: Int64(usage.ru_utime.tv_sec) * 1_000_000 + Int64(usage.ru_utime.tv_usec),
        systemTime: Int64(usage.ru_stime.tv_sec) * 1_000_000 + Int64(usage.ru_stime.tv_usec),
        peakResidentKiB: Int64(usage.ru_maxrss)
    )
    return (processID, record)
}

/// Signals a child that has not been reaped: until then its ID is nobody else's, also when it has ended. Signal 0
/// only checks.
///
/// - SeeAlso: kill(2).
package func send(signal: Int32, toChild processID: Int32) throws(Errno) {
    guard processID > 1 else { throw .invalidArgument }
    guard kill(processID, signal) == 0 else { throw Errno(rawValue: errno) }
}

/// Makes orphaned descendants children of this process, which has to reap them.
///
/// - SeeAlso: prctl(2), `PR_SET_CHILD_SUBREAPER`.
package func becomeChildSubreaper() throws(Errno) {
    try Errno.check(clinux_become_child_subreaper())
}

/// Signals every process of a process group.
///
/// - Throws: `Errno.noSuchProcess` if the group is empty.
/// - SeeAlso: kill(2).
package func send(signal: Int32, toGroup processGroup: Int32) throws(Errno) {
    guard processGroup > 1 else { throw .invalidArgument }
    guard kill(-processGroup, signal) == 0 else { throw Errno(rawValue: errno) }
}

/// Whether there is a process with this ID.
///
/// - SeeAlso: kill(2).
package func exists(processID: Int32) -> Bool {
    kill(processID, 0) == 0 || errno != ESRCH
}

/// Sends this process `signal` when its parent ends.
///
/// - SeeAlso: prctl(2), `PR_SET_PDEATHSIG`.
package func setParentDeathSignal(_ signal: Int32) throws(Errno) {
    try Errno.check(clinux_set_parent_death_signal(signal))
}

/// Keeps signals away from the calling thread: the kernel gives those of the process to other threads.
///
/// - SeeAlso: pthread_sigmask(3), signal(7).
package func blockSignals() {
    clinux_block_signals()
}

/// Names the calling thread, for those who look at threads; of the name 15 bytes are kept.
///
/// - SeeAlso: prctl(2), `PR_SET_NAME`.
package func nameThread(_ name: String) {
    clinux_name_thread(name)
}
