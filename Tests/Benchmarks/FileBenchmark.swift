import CBaseline
import Glibc

/// Files up and down, beside C programs that do no more than that.
enum FileBenchmark {
    private static let bytes = 1 << 30
    private static let textBytes = 24 << 20
    private static let smallBytes = 1 << 10
    /// Small requests in each turn.
    private static let count = 200
    private static let entries = 10_000
    private static let manyEntries = 1_000_000
    /// What the reference reaches with text that it compresses, in MB/s.
    private static let referenceText = 202.0

    static func run(_ options: Options, _ report: inout Report) throws {
        let directory = try Directory()
        let daemon = try Server.daemon(options.daemon)
        let client = try Client(port: daemon.port)
        try Self.uploads(options, &report, directory, client)
        try Self.downloads(options, &report, directory, client)
        try Self.text(options, &report, directory, client)
        try Self.small(options, &report, directory, client, "")
        try Self.smallOnOneProcessor(options, &report, directory)
        report.add("resident after files", "MiB", try daemon.residentMiB())
        try Self.listings(options, &report)
    }

    private static func listings(_ options: Options, _ report: inout Report) throws {
        let daemon = try Server.daemon(options.daemon)
        let client = try Client(port: daemon.port)
        let directory = try Directory()
        func list() throws {
            try client.send(Request.listing(of: directory.root))
            try client.receive(upTo: Request.streamEnd)
        }
        for number in 0..<Self.entries { try directory.create("f\(number)") }
        let samples = try Samples.alternating(rounds: options.rounds, [{ try Samples.microseconds(list) }])
        report.add("listing of 10,000 entries", "ms", samples[0].median / 1000, .atMost(60))
        for number in Self.entries..<Self.manyEntries { try directory.create("f\(number)") }
        try list()
        report.add("resident with 1,000,000 entries", "MiB", try daemon.mostResidentMiB(), .atMost(61))
    }

    private static func uploads(
        _ options: Options, _ report: inout Report, _ directory: Directory, _ client: Client
    ) throws {
        let baseline = try BaselineServer.upload(to: directory.path("baseline"))
        let baselineClient = try Client(port: baseline.port)
        let piece = [UInt8](repeating: 0x5A, count: 1 << 20)
        let samples = try Samples.alternating(
            rounds: options.rounds, warmUp: false,
            [
                {
                    try Samples.microseconds {
                        try client.send(Request.upload(to: directory.path("upload"), bytes: Self.bytes))
                        try client.send(piece, times: Self.bytes / piece.count)
                        try client.receive(until: "\"type\":\"file\"}]")
                    }
                },
                {
                    try Samples.microseconds {
                        try baselineClient.send(withUnsafeBytes(of: UInt64(Self.bytes)) { Array($0) })
                        try baselineClient.send(piece, times: Self.bytes / piece.count)
                        try baselineClient.receive(count: 1)
                    }
                },
            ]
        ).map { Double(Self.bytes) / $0.median }
        guard client.contains("200 OK"), try directory.size("upload") == Self.bytes else {
            throw Failure("an upload failed")
        }
        report.add("upload of 1 GiB", "MB/s", samples[0], baseline: samples[1], .atLeast(0.7))
        directory.remove("baseline")
    }

    private static func downloads(
        _ options: Options, _ report: inout Report, _ directory: Directory, _ client: Client
    ) throws {
        let baseline = try BaselineServer.file(directory.path("upload"))
        let baselineClient = try Client(port: baseline.port)
        let samples = try Samples.alternating(
            rounds: options.rounds * 2,
            [
                {
                    try Samples.microseconds {
                        try client.send(Request.download(directory.path("upload")))
                        try client.receive(until: Request.headEnd)
                        let head = try client.length(of: Request.headEnd)
                        try client.receive(count: head + Self.bytes)
                    }
                },
                {
                    try Samples.microseconds {
                        try baselineClient.send([0])
                        try baselineClient.receive(count: Self.bytes)
                    }
                },
            ]
        ).map { Double(Self.bytes) / $0.median }
        report.add("download of 1 GiB", "MB/s", samples[0], baseline: samples[1], .atLeast(0.85))
        directory.remove("upload")
    }

    private static func text(
        _ options: Options, _ report: inout Report, _ directory: Directory, _ client: Client
    ) throws {
        try directory.write("text.py", Self.sourceText)
        var wireBytes = 0
        let samples = try Samples.alternating(
            rounds: options.rounds * 2,
            [
                {
                    try Samples.microseconds {
                        try client.send(
                            Request.download(directory.path("text.py"), accepting: "gzip, deflate"))
                        try client.receive(upTo: Request.streamEnd)
                        wireBytes = client.count
                    }
                }
            ]
        ).map { Double(Self.textBytes) / $0.median }
        report.add("text, gzip accepted", "MB/s", samples[0], .atLeast(Self.referenceText * 2.5))
        report.add(
            "text, bytes on the wire", "of 1", Double(wireBytes) / Double(Self.textBytes), .atMost(1))
    }

    /// All on one processor: whether threads that wait for each other are put on one or on several makes more difference
    /// than all that they do.
    private static func smallOnOneProcessor(
        _ options: Options, _ report: inout Report, _ directory: Directory
    ) throws {
        guard cbaseline_use_processors(1) == 0 else { throw Failure("sched_setaffinity", errno: errno) }
        defer { _ = cbaseline_use_processors(0) }
        let daemon = try Server.daemon(options.daemon)
        defer { withExtendedLifetime(daemon) {} }
        let client = try Client(port: daemon.port)
        try Self.small(options, &report, directory, client, ", one processor")
    }

    /// Small files, beside one round trip of as many bytes over the loopback interface.
    private static func small(
        _ options: Options, _ report: inout Report, _ directory: Directory, _ client: Client,
        _ place: String
    ) throws {
        let echo = try BaselineServer.echo()
        let echoClient = try Client(port: echo.port)
        let path = directory.path("small")
        let body = [UInt8](repeating: 0x61, count: Self.smallBytes)
        let samples = try Samples.alternating(
            rounds: options.rounds * 2, count: Self.count,
            [
                {
                    try Samples.microseconds {
                        try client.send(Request.upload(to: path, bytes: body.count) + body)
                        try client.receive(until: "\"type\":\"file\"}]")
                    }
                },
                {
                    try Samples.microseconds {
                        try client.send(Request.download(path, accepting: "gzip, deflate"))
                        try client.receive(upTo: "aaaaaaaaaaaaaaaa")
                    }
                },
                { try Samples.microseconds { try RequestBenchmark.exchange(body, over: echoClient) } },
            ]
        ).map(\.median)
        report.add("write of 1 KiB\(place)", "us", samples[0], .atMost(100))
        report.add("read of 1 KiB\(place)", "us", samples[1], .atMost(70))
        report.add("round trip of 1 KiB\(place)", "us", samples[2])
    }

    /// Text that is as repetitive as source code is.
    private static var sourceText: [UInt8] {
        let words = [
            "return", "self", "import", "value", "index", "result", "None", "count", "request", "response",
            "if not", "for item in", "raise ValueError(", "def handle(", "length", "(", ")", ":", " = ",
            "[0]",
        ].map { Array($0.utf8) }
        var text: [UInt8] = []
        text.reserveCapacity(Self.textBytes + 100)
        var state: UInt64 = 1
        while text.count < Self.textBytes {
            text += [UInt8](repeating: 0x20, count: Int(state >> 60) & 12)
            for _ in 0..<(3 + Int(state >> 33) % 8) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += words[Int(state >> 33) % words.count]
                text.append(0x20)
            }
            text.append(0x0A)
        }
        return Array(text[..<Self.textBytes])
    }
}
