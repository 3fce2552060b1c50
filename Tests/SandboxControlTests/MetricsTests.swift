import EnvdTestSupport
import Glibc
import LinuxSystem
import Testing

@testable import SandboxControl

@Suite struct MetricsTests {
    // MARK: Processors

    private func time(_ line: String) throws -> ProcessorTime {
        try #require(ProcessorTime("cpu  \(line)\ncpu0 1 2\ncpu1 3 4\nintr 5\ncpu2 6\n"))
    }

    @Test func `busy is everything but idle and waiting, and guests are counted once`() throws {
        let time = try self.time("10 20 30 400 50 6 7 8 9 10")
        #expect(time.total == 531)
        #expect(time.busy == 81)
        #expect(time.count == 2)
    }

    @Test(arguments: ["", "cpu\n", "cpu 1 2 3 4\n", "intr 1\ncpu 1 2 3 4 5\n", "cpu a b c d e\n"])
    func `something else is not understood`(_ text: String) {
        #expect(ProcessorTime(text) == nil)
    }

    @Test(arguments: [
        ("0 0 0 100 0", "50 0 0 150 0", 50), ("0 0 0 100 0", "0 0 0 200 0", 0),
        ("10 0 0 100 0", "5 0 0 300 0", 0), ("0 0 0 100 0", "100 0 0 100 0", 100),
        ("0 0 0 100 0", "1 0 0 99 0", 100), ("0 0 0 0 0", "1 0 0 2 0", 33.33),
        ("0 0 0 0 0", "2 0 0 1 0", 66.67),
        ("0 0 0 0 0", "1 0 0 7 0", 12.5), ("0 0 0 0 0", "1 0 0 799 0", 0.13),
    ])
    func `use is the busy share of the time between two samples`(
        _ first: String, _ second: String, _ percentage: Float
    ) throws {
        #expect(try self.time(second).percentage(since: self.time(first)) == percentage)
    }

    @Test func `as many processors are counted as the kernel lists`() throws {
        let listed = try KernelText.read("/proc/cpuinfo").split(separator: "\n")
            .filter { $0.lowercased().hasPrefix("processor") }
        let time = try #require(ProcessorTime(try KernelText.read("/proc/stat")))
        #expect(time.count == listed.count)
    }

    // MARK: Memory

    @Test func `memory is in bytes, and buffers are no cache`() throws {
        let memory = try #require(
            MemoryUse(
                "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 7 kB\nCached: 30 kB\n"
                    + "SwapCached: 1 kB\nSReclaimable: 4 kB\n"))
        #expect(memory.total == 1000 << 10)
        #expect(memory.used == 400 << 10)
        #expect(memory.cache == 34 << 10)
    }

    @Test func `without an estimate of the kernel free and cached memory is available`() throws {
        let memory = try #require(MemoryUse("MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 30 kB\n"))
        #expect(memory.used == 870 << 10)
        #expect(MemoryUse("MemFree: 1 kB\n") == nil)
        #expect(MemoryUse("") == nil)
    }

    // MARK: Text

    @Test(arguments: [
        (0, "0"), (100, "100"), (12.5, "12.5"), (33.33, "33.33"), (0.01, "0.01"), (99.99, "99.99"), (7, "7"),
        (0.1, "0.1"),
    ])
    func `a number has no more digits than it needs`(_ value: Float, _ text: String) {
        #expect(MetricsService.number(value) == text)
    }

    @Test func `every per cent with two digits is written with two digits at most`() {
        for hundredths in 0...10_000 {
            let whole = hundredths / 100
            let rest = hundredths % 100
            let digits = rest < 10 ? "0\(rest)" : "\(rest)"
            let fraction = rest == 0 ? "" : "." + (digits.hasSuffix("0") ? String(digits.prefix(1)) : digits)
            #expect(MetricsService.number(Float(Double(hundredths) / 100)) == "\(whole)\(fraction)")
        }
    }

    @Test func `the keys have their order`() throws {
        let sample = SystemUse.Sample(
            time: 1_700_000_000, processors: 2, processorUse: 33.33,
            memory: try #require(MemoryUse("MemTotal: 3072 kB\nMemAvailable: 1025 kB\nCached: 1 kB\n")),
            disk: try FilesystemUse(of: "/"))
        let start = """
            {"ts":1700000000,"cpu_count":2,"cpu_used_pct":33.33,"mem_total_mib":3,"mem_used_mib":1,\
            "mem_total":3145728,"mem_used":2096128,"mem_cache":1024,"disk_used":
            """
        let json = MetricsService.json(sample)
        #expect(json.hasPrefix(start))
        #expect(json.hasSuffix(",\"disk_total\":\(sample.disk.total)}"))
    }

    @Test func `a disk has no more in use than it has`() throws {
        let disk = try FilesystemUse(of: "/")
        #expect(disk.total > 0 && disk.used <= disk.total)
    }
}
