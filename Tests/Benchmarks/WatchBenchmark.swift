import CBaseline
import Glibc

/// Watches: how soon and how fast events come, and what many directories take.
enum WatchBenchmark {
    private static let directories = 10_000
    private static let nameBytes = 5
    /// Files whose events are waited for, in each turn.
    private static let count = 40
    /// Files that are created and removed as fast as possible.
    private static let files = 100_000
    /// What the reference needs from the upload of a file to its event, in microseconds.
    private static let referenceEvent = 193.5

    static func run(_ options: Options, _ report: inout Report) throws {
        try Self.arming(options, &report)
        try Self.latency(options, &report)
        try Self.rate(options, &report)
    }

    private static func watch(_ directory: Directory, isRecursive: Bool, _ daemon: Server) throws -> Client {
        let stream = try Client(port: daemon.port)
        try stream.send(Request.watch(directory.root, isRecursive: isRecursive))
        try stream.receive(until: "\"start\"")
        return stream
    }

    private static func arming(_ options: Options, _ report: inout Report) throws {
        let directory = try Directory()
        for number in 0..<Self.directories { try directory.makeDirectory("d\(1000 + number)") }
        var times = Samples()
        var bytes = Samples()
        for _ in 0..<options.rounds {
            let daemon = try Server.daemon(options.daemon)
            let small = try Directory()
            // What all watches share.
            let first = try Self.watch(small, isRecursive: true, daemon)
            let before = try daemon.residentMiB()
            var stream: Client?
            times.append(
                try Samples.microseconds { stream = try Self.watch(directory, isRecursive: true, daemon) })
            let grown = (try daemon.residentMiB() - before) * 1024 * 1024
            bytes.append(grown / Double(Self.directories) - Double(Self.nameBytes))
            withExtendedLifetime((first, stream)) {}
        }
        report.add("watching 10,000 directories", "ms", times.median / 1000, .atMost(500))
        report.add("resident per directory, but its name", "bytes", bytes.median, .atMost(400))
    }

    private static func latency(_ options: Options, _ report: inout Report) throws {
        let daemon = try Server.daemon(options.daemon)
        let directory = try Directory()
        let stream = try Self.watch(directory, isRecursive: false, daemon)
        let client = try Client(port: daemon.port)
        let path = directory.path("file")
        let samples = try Samples.alternating(
            rounds: options.rounds * 2, count: Self.count,
            [
                {
                    try stream.send([])
                    let time = try Samples.microseconds {
                        try directory.create("file")
                        try stream.receive(until: "\"file\"")
                    }
                    directory.remove("file")
                    try stream.receive(until: "EVENT_TYPE_REMOVE")
                    return time
                },
                {
                    try stream.send([])
                    let time = try Samples.microseconds {
                        try client.send(Request.upload(to: path, bytes: 1) + [0x61])
                        try stream.receive(until: "\"file\"")
                    }
                    try client.receive(until: "\"type\":\"file\"}]")
                    directory.remove("file")
                    try stream.receive(until: "EVENT_TYPE_REMOVE")
                    return time
                },
            ]
        ).map(\.median)
        report.add("creation of a file to its event", "us", samples[0], .atMost(Self.referenceEvent / 2))
        report.add("upload of a file to its event", "us", samples[1])
    }

    private static func rate(_ options: Options, _ report: inout Report) throws {
        let daemon = try Server.daemon(options.daemon)
        let directory = try Directory()
        var rates = Samples()
        var shares = Samples()
        for _ in 0..<options.rounds {
            let stream = try Self.watch(directory, isRecursive: false, daemon)
            let before = try daemon.processorTime()
            let time = try Samples.microseconds {
                let writer = cbaseline_churn(directory.root, CInt(Self.files), "last")
                guard writer > 0 else { throw Failure("fork", errno: -writer) }
                try stream.receive(until: "\"last\"")
                guard cbaseline_wait(writer) == 0 else { throw Failure("files could not be made") }
            }
            directory.remove("last")
            shares.append((try daemon.processorTime() - before) / time)
            rates.append(Double(2 * Self.files) / time * 1e6)
        }
        report.add("events", "/s", rates.median, .atLeast(20_000))
        report.add("processors for them", "", shares.median, .atMost(1))
    }
}
