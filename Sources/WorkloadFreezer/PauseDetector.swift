import LinuxSystem
import NIOCore

/// Finds out from the clocks whether, and for how long, the machine stood still.
///
/// A machine that was suspended has a boot clock that is ahead of the monotonic one. One that was saved and loaded again
/// has neither; only the time of day jumps, when somebody sets it.
struct PauseDetector: Sendable {
    private var last: ClockReading

    init(_ now: ClockReading) {
        self.last = now
    }

    /// The time that the machine stood still since the last call; not negative.
    mutating func pause(until now: ClockReading) -> TimeAmount {
        let suspended = (now.boot &- now.monotonic) &- (self.last.boot &- self.last.monotonic)
        let jumped = (now.wall &- now.boot) &- (self.last.wall &- self.last.boot)
        self.last = now
        let (sum, overflow) = max(0, suspended).addingReportingOverflow(max(0, jumped))
        return .nanoseconds(overflow ? .max : sum)
    }
}
