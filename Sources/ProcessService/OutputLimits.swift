package import NIOCore

/// How much output is held for readers, and for how long.
package struct OutputLimits: Sendable {
    /// Bytes by which the slowest reader may be behind before the process has to wait.
    package var windowBytes = 4 << 20
    /// Time after which a reader that takes nothing no longer holds up the others.
    package var stallTime = TimeAmount.seconds(10)
    /// Bytes that are kept for readers that hold nobody up any more.
    package var keptBytes = 1 << 20
    /// Bytes of one event at most.
    package var eventBytes = 256 << 10
    /// Time for which the end of a process can still be asked for.
    package var exitRetention = TimeAmount.seconds(30)

    package init() {}
}
