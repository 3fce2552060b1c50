internal import Glibc
package import HTTPTransport
package import LinuxIO
package import LinuxSystem
package import NIOCore
import NIOHTTP1
import SystemPackage

/// `GET /metrics/prometheus`: what the daemon, the sandbox and the commands in it use, as OpenMetrics text.
package final class PrometheusService: Sendable {
    /// Commands that have figures of their own at most: each of them is a series to whoever collects these.
    static let commandLimit = 100

    private let version: String
    private let clock: WallClock
    private let startTime: Int64
    private let pool: BlockingPool
    private let eventLoop: any EventLoop
    private let commands: @Sendable () -> CommandFigures

    /// - Parameters:
    ///   - version: what the daemon says it is.
    ///   - commands: tells which commands run; called on the event loop.
    package init(
        version: String, clock: WallClock = .system, pool: BlockingPool, on eventLoop: any EventLoop,
        commands: @escaping @Sendable () -> CommandFigures
    ) {
        self.version = version
        self.clock = clock
        self.startTime = clock.read()
        self.pool = pool
        self.eventLoop = eventLoop
        self.commands = commands
    }

    /// Adds `GET /metrics/prometheus`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.GET, "/metrics/prometheus", HTTPTaskHandler(on: self.eventLoop) { await self.answer($0) })
    }

    private func answer(_ exchange: HTTPExchange) async {
        let figures = self.commands()
        let text = await self.pool.run { self.text(figures) }
        let headers = HTTPHeaders([
            ("Content-Type", OpenMetricsText.contentType), ("Cache-Control", "no-store"),
        ])
        exchange.respond(.ok, headers, body: ByteBuffer(string: text))
    }

    private func text(_ figures: CommandFigures) -> String {
        var text = OpenMetricsText()
        self.addDaemon(to: &text)
        self.addSandbox(to: &text)
        Self.add(figures.classes, to: &text)
        Self.add(figures.commands, to: &text)
        return text.text
    }

    private func addDaemon(to text: inout OpenMetricsText) {
        text.family("envd_build", .info, "The daemon.", [([("version", self.version)], "1")])
        text.figure(
            "process_start_time_seconds", .gauge, "When the daemon started, in seconds since 1970.",
            OpenMetricsText.seconds(microseconds: UInt64(max(0, self.startTime / 1000))))
        text.figure(
            "process_open_fds", .gauge, "Descriptors that the daemon has open.",
            "\(ProcessUse.openDescriptors)")
        guard let use = try? ProcessUse(of: getpid()) else { return }
        text.figure(
            "process_cpu_seconds", .counter, "Processor time of the daemon.",
            OpenMetricsText.seconds(microseconds: use.microseconds))
        text.figure(
            "process_resident_memory_bytes", .gauge, "Resident memory of the daemon.", "\(use.memoryBytes)")
    }

    private func addSandbox(to text: inout OpenMetricsText) {
        if let stat = try? KernelText.read("/proc/stat"), let time = ProcessorTime(stat) {
            text.figure("envd_sandbox_cpus", .gauge, "Processors that are on.", "\(time.count)")
            text.family(
                "envd_sandbox_cpu_seconds", .counter, "Time of all processors since boot.",
                [
                    (
                        [("mode", "busy")],
                        OpenMetricsText.seconds(microseconds: ProcessorTime.microseconds(time.busy))
                    ),
                    (
                        [("mode", "idle")],
                        OpenMetricsText.seconds(
                            microseconds: ProcessorTime.microseconds(time.total &- time.busy))
                    ),
                ])
        }
        if let memory = (try? KernelText.read("/proc/meminfo")).flatMap({ MemoryUse($0) }) {
            text.figure("envd_sandbox_memory_bytes", .gauge, "Memory of the sandbox.", "\(memory.total)")
            text.figure(
                "envd_sandbox_memory_used_bytes", .gauge, "Memory that is not available.", "\(memory.used)")
            text.figure(
                "envd_sandbox_memory_cache_bytes", .gauge, "Memory that caches files.", "\(memory.cache)")
        }
        if let disk = try? FilesystemUse(of: "/") {
            text.figure("envd_sandbox_disk_bytes", .gauge, "Size of the root file system.", "\(disk.total)")
            text.figure("envd_sandbox_disk_used_bytes", .gauge, "What is in use of it.", "\(disk.used)")
        }
    }

    private static func add(_ classes: [CommandFigures.Class], to text: inout OpenMetricsText) {
        text.family(
            "envd_commands_running", .gauge, "Commands that run.",
            classes.map { ([("class", $0.name)], "\($0.running)") })
        let used = classes.compactMap { kind in kind.cgroup.map { (kind.name, ProcessUse(of: $0)) } }
        text.family(
            "envd_class_cpu_seconds", .counter, "Processor time of all commands of a class.",
            used.map { ([("class", $0.0)], OpenMetricsText.seconds(microseconds: $0.1.microseconds)) })
        text.family(
            "envd_class_memory_bytes", .gauge, "Memory of all commands of a class.",
            used.map { ([("class", $0.0)], "\($0.1.memoryBytes)") })
    }

    private static func add(_ commands: [CommandFigures.Command], to text: inout OpenMetricsText) {
        let shown = commands.prefix(Self.commandLimit)
        text.figure(
            "envd_commands_omitted", .gauge, "Commands that run and have no figures of their own here.",
            "\(commands.count - shown.count)")
        let used = shown.compactMap { command -> (labels: [(String, String)], use: ProcessUse)? in
            guard
                let use = command.cgroup.map({ ProcessUse(of: $0) })
                    ?? (try? ProcessUse(of: command.processID))
            else { return nil }
            var labels = [("pid", "\(command.processID)"), ("class", command.className)]
            if let tag = command.tag { labels.append(("tag", tag)) }
            return (labels, use)
        }
        text.family(
            "envd_command_cpu_seconds", .counter, "Processor time of a command and what it started.",
            used.map { ($0.labels, OpenMetricsText.seconds(microseconds: $0.use.microseconds)) })
        text.family(
            "envd_command_memory_bytes", .gauge, "Memory of a command and what it started.",
            used.map { ($0.labels, "\($0.use.memoryBytes)") })
    }
}
