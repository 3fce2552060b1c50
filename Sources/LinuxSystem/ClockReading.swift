internal import Glibc

/// What three of the kernel's clocks say at one moment, in nanoseconds.
///
/// - SeeAlso: clock_gettime(2).
package struct ClockReading: Sendable, Equatable {
    /// `CLOCK_MONOTONIC`: stands still while the machine is suspended.
    package var monotonic: Int64
    /// `CLOCK_BOOTTIME`: does not.
    package var boot: Int64
    /// `CLOCK_REALTIME`: the time of day, which somebody sets.
    package var wall: Int64

    package init(monotonic: Int64, boot: Int64, wall: Int64) {
        self.monotonic = monotonic
        self.boot = boot
        self.wall = wall
    }

    /// What they say now.
    package static func now() -> ClockReading {
        ClockReading(
            monotonic: Self.read(CLOCK_MONOTONIC), boot: Self.read(CLOCK_BOOTTIME),
            wall: Self.read(CLOCK_REALTIME))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
