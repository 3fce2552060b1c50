import CBaseline
import Glibc

/// A small unary call over one warm connection, and over 64 at once.
///
/// The baseline is a server on NIO alone, whose only handler sends back the request's body.
enum EchoBenchmark {
    /// Calls in each turn.
    private static let count = 400
    /// Connections at once.
    private static let connections = 64
    /// Calls over all of them in each turn.
    private static let concurrentCount = 20_000

    static func run(_ options: Options, _ report: inout Report) throws {
        try Self.single(options, &report)
        try Self.concurrent(options, &report)
    }

    private static func servers() throws -> [Server] {
        let program = try Self.program()
        return try ["connect", "bare"].map { try Server([program, $0]) }
    }

    /// All on one processor: whether two processes that wait for each other are put on one or on two makes more
    /// difference than all that they do.
    private static func single(_ options: Options, _ report: inout Report) throws {
        guard cbaseline_use_processors(1) == 0 else { throw Failure("sched_setaffinity", errno: errno) }
        defer { _ = cbaseline_use_processors(0) }
        let servers = try Self.servers()
        defer { withExtendedLifetime(servers) {} }
        let clients = try servers.map { try Client(port: $0.port) }
        let latencies = try Samples.alternating(
            rounds: options.rounds * 4, count: Self.count,
            clients.map { client in
                {
                    try Samples.microseconds {
                        try client.send(Request.echo)
                        try client.receive(upTo: Request.echoEnd)
                    }
                }
            }
        ).map(\.median)
        for client in clients { try Self.check(client) }
        report.add("unary echo, binary", "us", latencies[0], baseline: latencies[1], .atMost(1.25))
    }

    private static func concurrent(_ options: Options, _ report: inout Report) throws {
        let servers = try Self.servers()
        defer { withExtendedLifetime(servers) {} }
        let crowds = try servers.map { server in
            try (0..<Self.connections).map { _ in try Client(port: server.port) }
        }
        let times = try Samples.alternating(
            rounds: options.rounds,
            crowds.map { crowd in
                {
                    try Samples.microseconds {
                        try Client.exchange(
                            Request.echo, upTo: Request.echoEnd, count: Self.concurrentCount, over: crowd,
                            check: Self.check)
                    }
                }
            })
        let perSecond = times.map { Double(Self.concurrentCount) / $0.median * 1e6 }
        report.add(
            "unary echo, \(Self.connections) connections", "/s", perSecond[0], baseline: perSecond[1],
            .atLeast(0.7))
    }

    private static func check(_ client: Client) throws {
        guard client.contains("HTTP/1.1 200 OK") else { throw Failure("an echo failed") }
    }

    /// The servers' binary, which is built beside this one.
    private static func program() throws -> String {
        let directory = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
            .dropLast().joined(separator: "/")
        return "\(directory)/echo-servers"
    }
}
