import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

@testable import SandboxControl

@Suite struct LogExporterTests {
    private static func metadata(_ address: String) -> MachineMetadata {
        var metadata = MachineMetadata()
        metadata.instanceID = "i"
        metadata.templateID = "e"
        metadata.logAddress = address
        return metadata
    }

    /// A host that answers every line with `status` and hands it to `received`.
    private func withHost(
        _ status: HTTPResponseStatus, received: Mailbox<String>,
        _ body: @escaping @Sendable (_ address: String) async throws -> Void
    ) async throws {
        try await withServer(
            makeHandler: { eventLoop in
                HTTPTaskHandler(on: eventLoop) { exchange in
                    guard let line = try? await exchange.collectBody(upTo: 1 << 20) else { return }
                    let type = exchange.request.headers.first(name: "content-type") ?? ""
                    received.post(
                        "\(exchange.request.method.rawValue) \(exchange.request.uri) \(type) \(String(buffer: line))"
                    )
                    exchange.respond(status)
                }
            },
            { server in
                let host = try #require(server.address.ipAddress)
                let port = try #require(server.address.port)
                try await body("http://\(host):\(port)/logs?a=b")
            })
    }

    @Test func `lines wait until it is known where to, and are sent in order`() async throws {
        let received = Mailbox<String>()
        try await self.withHost(.noContent, received: received) { address in
            let eventLoop = ClientLoop.any
            let exporter = LogExporter(on: eventLoop) { Issue.record("\($0)") }
            exporter.append(#"{"message":"one","level":"info"}"#)
            exporter.append(#"{"message":"two","envID":"wrong"}"#)
            try await eventLoop.run { exporter.send(to: Self.metadata(address)) }
            exporter.append(#"{"message":"three"}"#)
            let start = "POST /logs?a=b application/json "
            for line in [
                #"{"envID":"e","instanceID":"i","level":"info","message":"one"}"#,
                #"{"envID":"e","instanceID":"i","message":"two"}"#,
                #"{"envID":"e","instanceID":"i","message":"three"}"#,
            ] {
                #expect(try await received.next() == start + line)
            }
        }
    }

    @Test func `a host that refuses a line gets the next one all the same, and is complained about once`()
        async throws
    {
        let received = Mailbox<String>()
        let complaints = EventLog()
        try await self.withHost(.internalServerError, received: received) { address in
            let eventLoop = ClientLoop.any
            let exporter = LogExporter(on: eventLoop) { complaints.add($0) }
            try await eventLoop.run { exporter.send(to: Self.metadata(address)) }
            for number in 0..<3 { exporter.append("{\"n\":\(number)}") }
            for number in 0..<3 { #expect(try await received.next().hasSuffix(",\"n\":\(number)}")) }
            try await until { !complaints.all.isEmpty }
            #expect(complaints.all == ["sending a log line was answered with status 500"])
        }
    }

    @Test func `a line that is too long is not sent, and neither are lines beyond the limit`() async throws {
        let received = Mailbox<String>()
        let complaints = EventLog()
        try await self.withHost(.ok, received: received) { address in
            let eventLoop = ClientLoop.any
            let exporter = LogExporter(on: eventLoop) { complaints.add($0) }
            exporter.append("{\"a\":\"" + String(repeating: "x", count: LogExporter.lineLimit) + "\"}")
            let filler = String(repeating: "x", count: 100_000)
            let count = LogExporter.queueLimit / 100_000 + 3
            for number in 0..<count { exporter.append("{\"n\":\(number),\"x\":\"\(filler)\"}") }
            try await eventLoop.run { exporter.send(to: Self.metadata(address)) }
            // The oldest have made room.
            let first = try await received.next()
            let kept = try #require((0..<count).first { first.contains("\"n\":\($0),") })
            #expect((1...5).contains(kept))
            #expect(complaints.all == ["a log line of 196616 bytes is too long to be sent"])
        }
    }

    @Test(arguments: [
        "https://a", "", "a", "http://", "http://a:0", "http://a:b", "http://u@a", "http://a b",
    ])
    func `lines cannot be sent to something else than an HTTP URL`(_ url: String) {
        #expect(HTTPAddress(url) == nil)
    }

    @Test(arguments: [
        ("http://a", "a", 80, "/", "a"), ("HTTP://a:81", "a", 81, "/", "a:81"),
        ("http://a/b?c#d", "a", 80, "/b?c", "a"), ("http://a?c", "a", 80, "/?c", "a"),
        ("http://[::1]:8080/x", "::1", 8080, "/x", "[::1]:8080"), ("http://[::1]", "::1", 80, "/", "[::1]"),
    ])
    func `a URL has a host, a port and a target`(
        _ url: String, _ host: String, _ port: Int, _ target: String, _ authority: String
    ) throws {
        let address = try #require(HTTPAddress(url))
        #expect(address == HTTPAddress(host: host, port: port, target: target))
        #expect(address.authority == authority)
    }
}
