internal import Glibc

/// A time on the clock that files are stamped with.
package struct FileTime: Sendable, Hashable, Comparable {
    /// Since 1970-01-01 00:00:00 UTC.
    package var seconds: Int64
    package var nanoseconds: Int64

    package init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The stamp that a file would get now. It may lag behind the clock by a tick, ``tick``.
    ///
    /// - SeeAlso: clock_gettime(2), `CLOCK_REALTIME_COARSE`.
    package static var now: FileTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return FileTime(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }

    /// Nanoseconds by which stamps lag behind at most: a tick of the slowest kernels, doubled.
    package static let tick: Int64 = 20_000_000

    /// This long before.
    package func earlier(nanoseconds: Int64) -> FileTime {
        var time = self
        time.seconds -= nanoseconds / 1_000_000_000
        time.nanoseconds -= nanoseconds % 1_000_000_000
        if time.nanoseconds < 0 {
            time.nanoseconds += 1_000_000_000
            time.seconds -= 1
        }
        return time
    }

    package static func < (one: FileTime, other: FileTime) -> Bool {
        (one.seconds, one.nanoseconds) < (other.seconds, other.nanoseconds)
    }
}
