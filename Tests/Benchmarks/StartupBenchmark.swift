import Glibc

/// From exec to the first answer, and what the daemon then takes.
enum StartupBenchmark {
    /// Starts in each round.
    private static let count = 4

    static func run(_ options: Options, _ report: inout Report) throws {
        var times = Samples()
        var resident = Samples()
        var threads = Samples()
        for _ in 0..<options.rounds * Self.count {
            let daemon = try Server.daemon(options.daemon)
            let client = try Client(port: daemon.port)
            try RequestBenchmark.request(Request.health, "204", over: client)
            times.append((Samples.now() - daemon.startTime) / 1e3)
            resident.append(try daemon.residentMiB())
            threads.append(try daemon.threads())
        }
        report.add("exec to first /health", "ms", times.median, .atMost(8))
        report.add("exec to first /health, fastest", "ms", times.least)
        report.add("resident", "MiB", resident.median, .atMost(14))
        report.add("threads", "", threads.median)
        var status = stat()
        guard stat(options.daemon, &status) == 0 else { throw Failure(options.daemon, errno: errno) }
        report.add("binary", "MB", Double(status.st_size) / 1e6)
    }
}
