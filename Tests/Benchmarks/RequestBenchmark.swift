/// Small requests over one warm connection, beside the same number of bytes to and fro.
enum RequestBenchmark {
    /// Requests in each turn.
    private static let count = 400

    static func run(_ options: Options, _ report: inout Report) throws {
        let echo = try BaselineServer.echo()
        let daemon = try Server.daemon(options.daemon)
        let client = try Client(port: daemon.port)
        let echoClient = try Client(port: echo.port)
        let samples = try Samples.alternating(
            rounds: options.rounds * 2, count: Self.count,
            [
                { try Samples.microseconds { try Self.request(Request.health, "204", over: client) } },
                { try Samples.microseconds { try Self.request(Request.list, "200", over: client) } },
                { try Samples.microseconds { try Self.exchange(Request.health, over: echoClient) } },
                { try Samples.microseconds { try Self.exchange(Request.list, over: echoClient) } },
            ]
        ).map(\.median)
        report.add("GET /health", "us", samples[0], baseline: samples[2])
        report.add("Process/List, binary", "us", samples[1], baseline: samples[3])
    }

    /// Sends a request whose response has no body.
    static func request(_ request: [UInt8], _ status: StaticString, over client: Client) throws {
        try client.send(request)
        try client.receive(upTo: Request.headEnd)
        guard client.contains(status) else { throw Failure("a request has not got \(status)") }
    }

    /// Sends bytes and receives as many.
    static func exchange(_ bytes: [UInt8], over client: Client) throws {
        try client.send(bytes)
        try client.receive(count: bytes.count)
    }
}
