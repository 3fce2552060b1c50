internal import Glibc

/// Time that all processors together have spent since boot, in ticks.
struct ProcessorTime: Equatable {
    var total: UInt64
    /// Of it, not idle and not waiting for a device.
    var busy: UInt64
    /// Processors that are on.
    var count: Int

    /// Reads what `/proc/stat` says; nil if it is something else.
    ///
    /// Layout: a line `cpu` with user, nice, system, idle, iowait, irq, softirq, steal, guest and guest nice, the last
    /// two contained in the first two, and a line `cpuN` for each processor.
    ///
    /// - SeeAlso: proc_stat(5).
    init?(_ text: String) {
        var count = 0
        var times: [UInt64]?
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard line.starts(with: "cpu".utf8) else { break }
            let words = line.split(separator: UInt8(ascii: " "))
            if words.first?.count == 3 {
                times = words.dropFirst().prefix(8).compactMap { UInt64(Substring($0)) }
            } else {
                count += 1
            }
        }
        guard let times, times.count >= 5 else { return nil }
        self.total = times.reduce(0, &+)
        self.busy = self.total &- times[3] &- times[4]
        self.count = count
    }

    /// Ticks as microseconds.
    static func microseconds(_ ticks: UInt64) -> UInt64 {
        ticks &* (1_000_000 / UInt64(max(1, sysconf(CInt(_SC_CLK_TCK)))))
    }

    /// Per cent of the time since `past` that was busy, 0 to 100, with two digits behind the point.
    func percentage(since past: ProcessorTime) -> Float {
        guard self.busy > past.busy else { return 0 }
        guard self.total > past.total else { return 100 }
        let share = Double(self.busy - past.busy) / Double(self.total - past.total) * 100
        return Float((min(100, max(0, share)) * 100).rounded(.toNearestOrAwayFromZero) / 100)
    }
}
