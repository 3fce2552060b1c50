import CBaseline
import Glibc

/// From the first byte of a `Start` of `/bin/true` to the last byte of its response, over a warm connection.
///
/// The baseline is one start and wait of the same program, plus one round trip over the loopback interface.
enum StartBenchmark {
    private static let command = ["/bin/true"]
    /// Starts in each turn.
    private static let count = 40
    /// Connections at once.
    private static let connections = 16
    /// Starts over all of them in each turn.
    private static let concurrentCount = 320

    static func run(_ options: Options, _ report: inout Report) throws {
        let echo = try BaselineServer.echo()
        let daemon = try Server.daemon(options.daemon)
        let client = try Client(port: daemon.port)
        let echoClient = try Client(port: echo.port)
        let requests: [(name: String, bytes: [UInt8], bound: Report.Bound?)] = [
            ("start, binary", Request.start(Self.command, .proto), .atMost(1.5)),
            ("start, JSON", Request.start(Self.command, .json), nil),
            ("start, binary, as root", Request.start(Self.command, .proto, user: "root"), nil),
        ]
        let arguments = Arguments(Self.command)
        let message = [UInt8](repeating: 0, count: requests[0].bytes.count)
        let baselines: [() throws -> Double] = [
            { try Samples.microseconds { try Self.start(arguments) } },
            { try Samples.microseconds { try RequestBenchmark.exchange(message, over: echoClient) } },
        ]
        let samples = try Samples.alternating(
            rounds: options.rounds * 2, count: Self.count,
            requests.map { request in { try Self.exchange(request.bytes, over: client) } } + baselines)
        let baseline = samples[requests.count].median + samples[requests.count + 1].median
        for (request, samples) in zip(requests, samples) {
            report.add(request.name, "us", samples.median, baseline: baseline, request.bound)
        }
        try Self.runConcurrently(options, daemon, arguments, &report)
    }

    private static func runConcurrently(
        _ options: Options, _ daemon: Server, _ arguments: Arguments, _ report: inout Report
    ) throws {
        let clients = try (0..<Self.connections).map { _ in try Client(port: daemon.port) }
        let request = Request.start(Self.command, .proto)
        let samples = try Samples.alternating(
            rounds: options.rounds,
            [
                {
                    try Samples.microseconds {
                        try Client.exchange(
                            request, upTo: Request.streamEnd, count: Self.concurrentCount, over: clients,
                            check: Self.check)
                    }
                },
                {
                    try Samples.microseconds {
                        let error = cbaseline_start_many(
                            arguments.pointer, CInt(Self.connections), CInt(Self.concurrentCount))
                        guard error == 0 else { throw Failure("start", errno: error) }
                    }
                },
            ])
        let perSecond = samples.map { Double(Self.concurrentCount) / $0.median * 1e6 }
        report.add(
            "start, \(Self.connections) connections", "/s", perSecond[0], baseline: perSecond[1],
            .atLeast(0.7))
    }

    private static func start(_ arguments: Arguments) throws {
        let processID = cbaseline_start(arguments.pointer, -1, -1)
        guard processID > 0 else { throw Failure("clone", errno: -processID) }
        guard cbaseline_wait(processID) == 0 else { throw Failure("\(Self.command) failed") }
    }

    /// The microseconds of one exchange.
    private static func exchange(_ request: [UInt8], over client: Client) throws -> Double {
        let time = try Samples.microseconds {
            try client.send(request)
            try client.receive(upTo: Request.streamEnd)
        }
        try Self.check(client)
        return time
    }

    private static func check(_ client: Client) throws {
        guard client.contains("exit status 0") else { throw Failure("\(Self.command) failed") }
    }
}
