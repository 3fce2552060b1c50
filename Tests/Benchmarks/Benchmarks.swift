import Glibc

/// Measures the daemon beside what the kernel alone needs for the same, and Connect beside NIO alone.
@main
enum Benchmarks {
    struct Part: Sendable {
        let name: String
        let run: @Sendable (Options, inout Report) throws -> Void
    }

    static let parts = [
        Part(name: "start", run: StartBenchmark.run),
        Part(name: "output", run: OutputBenchmark.run),
        Part(name: "requests", run: RequestBenchmark.run),
        Part(name: "echo", run: EchoBenchmark.run),
        Part(name: "files", run: FileBenchmark.run),
        Part(name: "watch", run: WatchBenchmark.run),
        Part(name: "startup", run: StartupBenchmark.run),
        Part(name: "idle", run: IdleBenchmark.run),
        Part(name: "streams", run: StreamBenchmark.run),
    ]

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            var report = Report()
            Report.printHeader()
            for part in Self.parts where options.parts.isEmpty || options.parts.contains(part.name) {
                try part.run(options, &report)
            }
            if !report.unmet.isEmpty { print("Not met: \(report.unmet.joined(separator: ", "))") }
            exit(options.checks && !report.unmet.isEmpty ? 1 : 0)
        } catch {
            print(error)
            exit(2)
        }
    }
}
