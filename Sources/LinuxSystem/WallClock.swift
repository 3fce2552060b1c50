internal import CLinuxSystem
import Glibc
package import SystemPackage

/// The time of day: read, and set in one step.
///
/// - SeeAlso: clock_gettime(2), `CLOCK_REALTIME`.
package struct WallClock: Sendable {
    /// Nanoseconds since 1970.
    package var read: @Sendable () -> Int64
    /// Sets it to nanoseconds since 1970; returns why it cannot be set, else nil.
    package var step: @Sendable (Int64) -> Errno?

    package init(
        read: @escaping @Sendable () -> Int64, step: @escaping @Sendable (Int64) -> Errno?
    ) {
        self.read = read
        self.step = step
    }

    private static let second: Int64 = 1_000_000_000

    /// The machine's own. Setting it takes `CAP_SYS_TIME`.
    package static let system = WallClock(
        read: {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            return Int64(now.tv_sec) * Self.second + Int64(now.tv_nsec)
        },
        step: { time in
            let seconds = time >= 0 ? time / Self.second : (time + 1) / Self.second - 1
            var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(time - seconds * Self.second))
            return clock_settime(CLOCK_REALTIME, &time) == 0 ? nil : Errno.current
        })
}
