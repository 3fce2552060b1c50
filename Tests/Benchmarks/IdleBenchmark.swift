import Glibc

/// What a daemon that nobody uses does.
enum IdleBenchmark {
    private static let seconds: UInt32 = 10
    /// Starts before the second measurement.
    private static let starts = 1000

    static func run(_ options: Options, _ report: inout Report) throws {
        let daemon = try Server.daemon(options.daemon)
        try RequestBenchmark.request(Request.health, "204", over: Client(port: daemon.port))
        report.add("context switches, \(Self.seconds) s idle", "", try Self.switches(of: daemon), .atMost(0))
        let client = try Client(port: daemon.port)
        for _ in 0..<Self.starts {
            try client.send(Request.start(["/bin/true"], .proto))
            try client.receive(upTo: Request.streamEnd)
        }
        report.add("the same after \(Self.starts) starts", "", try Self.switches(of: daemon))
        report.add("resident after \(Self.starts) starts", "MiB", try daemon.residentMiB())
        report.add("threads after \(Self.starts) starts", "", try daemon.threads())
    }

    private static func switches(of daemon: Server) throws -> Double {
        sleep(1)  // For what the last request left to do.
        let before = try daemon.contextSwitches()
        sleep(Self.seconds)
        return try daemon.contextSwitches() - before
    }
}
