import LinuxSystem
import NIOCore

/// Finds out from the clocks whether, and for how long, the machine stood still.
///
/// A machine that was suspended has a boot clock that is ahead of the monotonic one. One that was saved and loaded again
/// has neither; only the time of day jumps, when somebody sets it.
struct PauseDetector: Sendable {
    /// How long the machine stood still.
    struct Pause: Equatable {
        /// As its own clocks say.
        var suspended = TimeAmount.zero
        /// As the time of day says: it may also have been wrong before.
        var jumped = TimeAmount.zero

        var total: TimeAmount {
            let (sum, overflow) = self.suspended.nanoseconds.addingReportingOverflow(self.jumped.nanoseconds)
            return .nanoseconds(overflow ? .max : sum)
        }
    }

    private var last: ClockReading

    init(_ now: ClockReading) {
        self.last = now
    }

    /// The time that the machine stood still since the last call.
    mutating func pause(until now: ClockReading) -> Pause {
        let suspended = (now.boot &- now.monotonic) &- (self.last.boot &- self.last.monotonic)
        let jumped = (now.wall &- now.boot) &- (self.last.wall &- self.last.boot)
        self.last = now
        return Pause(
            suspended: .nanoseconds(max(0, suspended)), jumped: .nanoseconds(max(0, jumped)))
    }
}
