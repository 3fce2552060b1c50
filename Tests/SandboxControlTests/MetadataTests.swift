import EnvdTestSupport
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import Testing

@testable import SandboxControl

@Suite struct MetadataTests {
    /// A metadata service that answers with what `answer` returns; what it was asked goes to `requests`.
    private func withService(
        token: String = "secret", _ answer: @escaping @Sendable (Int) -> String,
        requests: EventLog = EventLog(),
        _ body: @escaping @Sendable (MetadataService, any EventLoop) async throws -> Void
    ) async throws {
        let count = EventLog()
        try await withServer(answering: { exchange in
            let headers = exchange.request.headers
            requests.add("\(exchange.request.method.rawValue) \(exchange.path)")
            if exchange.request.method == .PUT {
                #expect(headers.first(name: "x-metadata-token-ttl-seconds") == "60")
                exchange.respond(.ok, text: token)
            } else {
                #expect(headers.first(name: "x-metadata-token") == "secret")
                #expect(headers.first(name: "accept") == "application/json")
                count.add("")
                let text = answer(count.all.count)
                exchange.respond(text.isEmpty ? .notFound : .ok, text: text)
            }
        }) { server in
            let host = try #require(server.address.ipAddress)
            let port = try #require(server.address.port)
            let eventLoop = ClientLoop.any
            try await eventLoop.run {
                try await body(MetadataService(host: host, port: port, on: eventLoop), eventLoop)
            }
        }
    }

    @Test func `it is asked for a token, and then for everything`() async throws {
        let requests = EventLog()
        let answer = #"{"instanceID":"i","envID":"e","address":"http://a","accessTokenHash":"h","more":1}"#
        try await self.withService({ _ in answer }, requests: requests) { (service, _) async throws in
            let metadata = try await service.fetch()
            #expect(metadata.instanceID == "i" && metadata.templateID == "e")
            #expect(metadata.logAddress == "http://a" && metadata.tokenHash == "h")
        }
        #expect(requests.all == ["PUT /latest/api/token", "GET /"])
    }

    @Test(arguments: ["", "[]", "x", #"{"instanceID":1}"#])
    func `another answer is a failure`(_ answer: String) async throws {
        try await self.withService({ _ in answer }) { (service, _) async throws in
            await #expect(throws: MetadataService.Failure.self) { try await service.fetch() }
        }
    }

    @Test func `an empty token is a failure`() async throws {
        try await self.withService(token: "", { _ in "{}" }) { (service, _) async throws in
            await #expect(throws: MetadataService.Failure.self) { try await service.fetch() }
        }
    }

    @Test func `nobody is there`() async throws {
        let eventLoop = ClientLoop.any
        try await eventLoop.run {
            let service = MetadataService(host: "127.0.0.1", port: 1, on: eventLoop)
            await #expect(throws: (any Error).self) { try await service.fetch() }
        }
    }

    @Test func `a service that never answers is left when the task is cancelled`() async throws {
        let arrived = Mailbox<Void>()
        try await withServer(answering: { _ in arrived.post(()) }) { server in
            let host = try #require(server.address.ipAddress)
            let port = try #require(server.address.port)
            let eventLoop = ClientLoop.any
            let task = eventLoop.start {
                _ = try await MetadataService(host: host, port: port, on: eventLoop).fetch()
            }
            try await arrived.next()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `polling goes on until there is an answer`() async throws {
        let answer: @Sendable (Int) -> String = { $0 < 4 ? "" : #"{"instanceID":"i"}"# }
        try await self.withService(answer) { (service, eventLoop) async throws in
            let found = Mailbox<MachineMetadata>()
            let poll = MetadataPoll(service, on: eventLoop, found: { found.post($0) }, gaveUp: { _ in })
            poll.start(within: nil)
            #expect(try await found.next().instanceID == "i")
        }
    }

    @Test func `polling ends when its time is over`() async throws {
        try await self.withService({ _ in "" }) { (service, eventLoop) async throws in
            let ended = Mailbox<String>()
            let poll = MetadataPoll(service, on: eventLoop, found: { _ in }, gaveUp: { ended.post($0) })
            poll.start(within: .milliseconds(100))
            #expect(try await ended.next() == "gave up polling for mmds opts: answered with status 404")
        }
    }

    @Test func `what is found goes into the environment and files, and empty names change nothing`()
        async throws
    {
        let answers: @Sendable (Int) -> String = { count in
            count == 1 ? #"{"instanceID":"i","envID":"e"}"# : #"{"instanceID":"","envID":"e2"}"#
        }
        let directory = try TemporaryDirectory()
        let pool = BlockingPool(threads: 1)
        defer { pool.shutDown() }
        try await self.withService(answers) { (service, eventLoop) async throws in
            let defaults = SandboxDefaults(.init(user: nil, userVariables: ["E2B_SANDBOX_ID": "mine"]))
            let reaper = try await Children.reaper()
            let metadata = SandboxMetadata(
                service,
                route: MetadataRoute(reaper: reaper, searchPath: "", on: eventLoop, warn: { _ in }),
                defaults: defaults, mark: SandboxMark(directory: directory.path("run")), exporter: nil,
                pool: pool, on: eventLoop, warn: { Issue.record("\($0)") })
            metadata.start()
            try await until { (try? directory.read("run/.E2B_TEMPLATE_ID")) == "e" }
            #expect(try directory.read("run/.E2B_SANDBOX_ID") == "i")
            #expect(defaults.current.variables == ["E2B_SANDBOX_ID": "i", "E2B_TEMPLATE_ID": "e"])
            #expect(defaults.current.userVariables == [:])
            metadata.refresh()
            try await until { (try? directory.read("run/.E2B_TEMPLATE_ID")) == "e2" }
            #expect(try directory.read("run/.E2B_SANDBOX_ID") == "i")
            #expect(defaults.current.variables == ["E2B_SANDBOX_ID": "i", "E2B_TEMPLATE_ID": "e2"])
        }
    }

    @Test func `the way to the service is pinned when it fails, and then it is asked once more`() async throws
    {
        let directory = try TemporaryDirectory()
        let calls = directory.path("calls")
        let program = directory.path("iptables")
        try directory.write("#!/bin/sh\necho \"$@\" >> \(calls)\n", to: "iptables")
        #expect(makeExecutable(program))
        let loop = Children.eventLoop
        let reaper = try await Children.reaper()
        try await self.withService({ $0 == 1 ? "" : #"{"accessTokenHash":"h"}"# }) {
            (service, _) async throws in
            try await loop.run {
                let route = MetadataRoute(
                    to: "192.0.2.9", reaper: reaper, searchPath: "\(directory.path("")):/bin:/usr/bin",
                    on: loop, warn: { Issue.record("\($0)") })
                let metadata = SandboxMetadata(
                    service, route: route, defaults: SandboxDefaults(.init(user: nil)),
                    mark: SandboxMark(directory: directory.path("run")), exporter: nil,
                    pool: Children.pool, on: loop, warn: { _ in })
                #expect(await metadata.tokenHash() == "h")
            }
        }
        let rule = "-d 192.0.2.9 -p tcp --dport 80 -j RETURN"
        #expect(
            try directory.read("calls")
                == """
                -w 5 -t nat -D PREROUTING \(rule)
                -w 5 -t nat -I PREROUTING 1 \(rule)
                -w 5 -t nat -D OUTPUT \(rule)
                -w 5 -t nat -I OUTPUT 1 \(rule)

                """)
    }
}
