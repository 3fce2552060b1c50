internal import CLinuxSystem

/// What one thread waits for, and another rings. It stays rung until the thread has waited.
///
/// - SeeAlso: futex(2).
package final class ThreadBell: Sendable {
    private nonisolated(unsafe) let word: UnsafeMutablePointer<UInt32>

    package init() {
        self.word = .allocate(capacity: 1)
        self.word.initialize(to: 0)
    }

    deinit { self.word.deallocate() }

    /// Lets the thread that waits go on.
    package func ring() { clinux_bell_ring(self.word) }

    /// Waits, unless it was rung since the last time. Only one thread may.
    package func wait() { clinux_bell_wait(self.word) }

    /// The same, for a while.
    ///
    /// - Returns: whether it was rung.
    package func wait(milliseconds: UInt32) -> Bool { clinux_bell_wait_for(self.word, milliseconds) }
}
