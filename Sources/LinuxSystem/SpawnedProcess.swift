internal import CLinuxSystem
import SystemPackage

/// A child that runs its program, and the parent's ends of what connects them.
///
/// Whoever drops it still has to reap the child. The descriptors are optional for `take()`: another module
/// cannot move a part out of a noncopyable value.
package struct SpawnedProcess: ~Copyable, Sendable {
    package let processID: Int32
    /// Non-blocking, for writing; nil if the child reads `/dev/null` or has a terminal.
    package var standardInput: OwnedDescriptor?
    /// Non-blocking, for reading; nil if the child has a terminal.
    package var standardOutput: OwnedDescriptor?
    /// Non-blocking, for reading; nil if the child has a terminal.
    package var standardError: OwnedDescriptor?
    /// The master of the child's terminal, non-blocking, for reading and writing.
    package var terminal: OwnedDescriptor?

    /// Starts a child, and returns when it runs its program.
    ///
    /// It blocks for about a tenth of a millisecond, however much memory this process uses, and for longer
    /// where the working directory or the program is on a file system that makes the child wait. Any number
    /// of threads may spawn at once; a child never gets a descriptor meant for another.
    ///
    /// With credentials, this process becomes non-dumpable (`PR_SET_DUMPABLE`, prctl(2)), since it shared its
    /// memory with a process of another user.
    package static func spawn(_ request: SpawnRequest) throws(SpawnFailure) -> SpawnedProcess {
        let attempt = try SpawnAttempt(request)
        attempt.run()
        return try attempt.outcome()
    }
}
