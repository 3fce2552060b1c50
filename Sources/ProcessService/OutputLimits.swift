package import NIOCore

/// How much output is held for readers, and for how long.
package struct OutputLimits: Sendable {
    /// Bytes by which the slowest reader may be behind before the process has to wait.
    package var windowBytes = 4 << 20
    /// Time after which a reader that takes nothing no longer holds up the others.
    package var stallTime = TimeAmount.seconds(10)
    /// Bytes, the newest, that are kept of a process for readers that come later or are no longer waited for.
    package var keptBytes = 1 << 20
    /// Bytes that a client may ask to be kept of one process.
    package var keptBytesCeiling = 16 << 20
    /// Bytes that are kept of all processes together.
    package var totalKeptBytes = 64 << 20
    /// Bytes of one event at most.
    package var eventBytes = 256 << 10
    /// Time for which the end of a process, and what is kept of its output, can still be asked for.
    package var exitRetention = TimeAmount.seconds(30)
    /// Time for which a client may ask for the same.
    package var exitRetentionCeiling = TimeAmount.hours(24)
    /// Processes that have ended and are remembered, whatever the time.
    package var rememberedProcesses = 10_000
    /// Processes that run at once.
    package var processes = 8192
    /// Readers of one process.
    package var readersPerProcess = 1024
    /// Bytes of input that wait for one process to read them.
    package var queuedInputBytes = 64 << 20

    package init() {}
}
