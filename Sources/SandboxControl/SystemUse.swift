package import LinuxSystem
import Synchronization
import SystemPackage

/// What the sandbox uses, since it was asked last. None of the files it reads can keep the reader waiting.
package final class SystemUse: Sendable {
    /// The answer at one time.
    struct Sample: Equatable {
        /// Seconds since 1970.
        var time: Int64
        var processors: Int
        /// Per cent, since the last sample of all.
        var processorUse: Float
        var memory: MemoryUse
        var disk: FilesystemUse
    }

    /// Something that the kernel should say is missing.
    struct Unreadable: Error {}

    private let clock: WallClock
    private let last: Mutex<ProcessorTime?>

    /// Begins to count now.
    package init(clock: WallClock = .system) {
        self.clock = clock
        self.last = Mutex((try? KernelText.read("/proc/stat")).flatMap { ProcessorTime($0) })
    }

    /// Reads everything now.
    func sample() throws -> Sample {
        guard let now = ProcessorTime(try KernelText.read("/proc/stat")),
            let memory = MemoryUse(try KernelText.read("/proc/meminfo"))
        else { throw Unreadable() }
        let disk = try FilesystemUse(of: "/")
        let past = self.last.withLock { last in
            defer { last = now }
            return last
        }
        return Sample(
            time: self.clock.read() / 1_000_000_000, processors: now.count,
            processorUse: past.map { now.percentage(since: $0) } ?? 0, memory: memory, disk: disk)
    }
}
