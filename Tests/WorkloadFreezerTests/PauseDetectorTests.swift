import LinuxSystem
import NIOCore
import Testing

@testable import WorkloadFreezer

@Suite struct PauseDetectorTests {
    private static let second: Int64 = 1_000_000_000
    private static let start = ClockReading(monotonic: 5, boot: 7, wall: 1_700_000_000_000_000_000)

    /// The reading after seconds of each kind.
    private static func after(run: Int64, suspended: Int64 = 0, step: Int64 = 0) -> ClockReading {
        ClockReading(
            monotonic: Self.start.monotonic + run * Self.second,
            boot: Self.start.boot + (run + suspended) * Self.second,
            wall: Self.start.wall + (run + suspended + step) * Self.second)
    }

    @Test(
        arguments: [
            (Self.after(run: 1000), 0), (Self.after(run: 10, suspended: 600), 600),
            (Self.after(run: 10, step: 604_800), 604_800), (Self.after(run: 10, suspended: 5, step: 7), 12),
            // A clock that was ahead is no pause.
            (Self.after(run: 10, step: -3600), 0), (Self.after(run: 10, suspended: 60, step: -3600), 60),
        ] as [(ClockReading, Int64)])
    func `a pause is what the clocks cannot explain`(_ now: ClockReading, _ seconds: Int64) {
        var detector = PauseDetector(Self.start)
        #expect(detector.pause(until: now).total == .seconds(seconds))
        #expect(detector.pause(until: now) == PauseDetector.Pause())
    }

    @Test func `clocks that make no sense are no reason to fall over`() {
        var detector = PauseDetector(ClockReading(monotonic: .min, boot: .max, wall: .min))
        _ = detector.pause(until: ClockReading(monotonic: .max, boot: .min, wall: .max))
        _ = detector.pause(until: ClockReading(monotonic: .min, boot: .max, wall: .min))
        #expect(detector.pause(until: ClockReading.now()).total >= .zero)
    }
}
