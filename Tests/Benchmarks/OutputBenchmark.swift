/// From the first byte of a `Start` of a program that writes much to the last byte of its response.
///
/// The baseline is a relay from a pipe to a socket. Only the program's bytes count, not what the codec makes of
/// them.
enum OutputBenchmark {
    private static let bytes = 256 << 20
    private static let command = ["/usr/bin/head", "-c", "256M", "/dev/zero"]
    /// Bytes of the larger of the relays' pipes: what the daemon gives to busy processes.
    private static let largePipeBytes: Int32 = 1 << 20

    static func run(_ options: Options, _ report: inout Report) throws {
        let relay = try BaselineServer.relay(Self.command)
        let largeRelay = try BaselineServer.relay(Self.command, pipeBytes: Self.largePipeBytes)
        let daemon = try Server.daemon(options.daemon)
        let client = try Client(port: daemon.port)
        let samples = try Samples.alternating(
            rounds: options.rounds * 2, warmUp: false,
            [
                { try Self.output(Request.start(Self.command, .proto), least: Self.bytes, over: client) },
                { try Self.relayed(by: relay) },
                {
                    try Self.output(
                        Request.start(Self.command, .json), least: Self.bytes / 3 * 4, over: client)
                },
                { try Self.relayed(by: largeRelay) },
            ]
        ).map { Double(Self.bytes) / $0.median }
        report.add("output, binary", "MB/s", samples[0], baseline: samples[1], .atLeast(0.6))
        report.add("output, JSON", "MB/s", samples[2], baseline: samples[1], .atLeast(0.4))
        report.add("output, binary, relay with 1 MiB pipe", "MB/s", samples[0], baseline: samples[3])
        report.add("resident after output", "MiB", try daemon.residentMiB())
    }

    /// The microseconds of one exchange whose response has at least `least` bytes.
    private static func output(_ request: [UInt8], least: Int, over client: Client) throws -> Double {
        let time = try Samples.microseconds {
            try client.send(request)
            try client.receive(upTo: Request.streamEnd)
        }
        guard client.count > least, client.contains("exit status 0") else {
            throw Failure("\(Self.command) failed")
        }
        return time
    }

    private static func relayed(by relay: BaselineServer) throws -> Double {
        let client = try Client(port: relay.port)
        let time = try Samples.microseconds {
            try client.send([0])
            try client.receiveAll()
        }
        guard client.count == Self.bytes else { throw Failure("\(Self.command) failed") }
        return time
    }
}
