import Glibc

/// Measured values of one thing.
struct Samples {
    private var values: [Double] = []

    mutating func append(_ value: Double) {
        self.values.append(value)
    }

    /// 0 if there are no values.
    var median: Double {
        let sorted = self.values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The least value, 0 if there are none: what an unquiet machine disturbed least.
    var least: Double { self.values.min() ?? 0 }

    /// Takes `count` values of each of `measurements` in turn, `rounds` times.
    ///
    /// In turn, because a machine is not equally fast at all times. What comes first in each turn is not
    /// counted: it finds the caches full of another measurement's data.
    static func alternating(
        rounds: Int, count: Int = 1, warmUp: Bool = true, _ measurements: [() throws -> Double]
    ) throws -> [Samples] {
        var all = Array(repeating: Samples(), count: measurements.count)
        for _ in 0..<rounds {
            for (index, measure) in measurements.enumerated() {
                if warmUp { _ = try measure() }
                for _ in 0..<count { all[index].append(try measure()) }
            }
        }
        return all
    }

    /// The microseconds that `body` takes.
    static func microseconds(_ body: () throws -> Void) rethrows -> Double {
        let start = Self.now()
        try body()
        return Self.now() - start
    }

    /// Microseconds of the monotonic clock.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}
