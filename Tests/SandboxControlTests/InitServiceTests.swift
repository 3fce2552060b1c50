import EnvdTestSupport
import Glibc
import HTTPTransport
import NIOCore
import NIOHTTP1
import SandboxContext
import SandboxControl
import SystemPackage
import Testing

@Suite struct InitServiceTests {
    @Test func `it sets everything at once, answers 204 and says its version`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            let reply = try await sandbox.initialize(
                """
                {"accessToken":"tok","envVars":{"A":"1","B":"2","E2B_SANDBOX":"x"},"defaultUser":"root",
                 "defaultWorkdir":"/srv"}
                """)
            #expect(reply.status == 204 && reply.text == "")
            #expect(reply["cache-control"] == "no-store")
            #expect(reply["x-envd-version"] == "1.2.3")
            #expect(reply["content-type"] == nil && reply["content-length"] == nil)
            #expect(reply["x-envd-freeze-audit"] == nil && reply["x-envd-handover"] == nil)
            #expect(sandbox.access.token?.matches("tok") == true)
            let defaults = sandbox.defaults.current
            #expect(defaults.user == "root" && defaults.workingDirectory == "/srv")
            #expect(defaults.variables == ["A": "1", "B": "2", "E2B_SANDBOX": "false"])
            #expect(sandbox.events.all == ["audit", "thaw"])
        }
    }

    @Test func `variables are replaced as a whole, and left alone if none are given`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            #expect(try await sandbox.initialize(#"{"envVars":{"A":"1","B":"2"}}"#).status == 204)
            #expect(try await sandbox.initialize("{}").status == 204)
            #expect(sandbox.defaults.current.userVariables == ["A": "1", "B": "2"])
            #expect(try await sandbox.initialize(#"{"envVars":{"B":"3"}}"#).status == 204)
            #expect(sandbox.defaults.current.userVariables == ["B": "3"])
            #expect(try await sandbox.initialize(#"{"envVars":{}}"#).status == 204)
            #expect(sandbox.defaults.current.userVariables == [:])
        }
    }

    @Test func `an empty user and an empty directory change nothing`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            _ = try await sandbox.initialize(#"{"defaultUser":"ann","defaultWorkdir":"/srv"}"#)
            _ = try await sandbox.initialize(#"{"defaultUser":"","defaultWorkdir":""}"#)
            #expect(sandbox.defaults.current.user == "ann")
            #expect(sandbox.defaults.current.workingDirectory == "/srv")
        }
    }

    @Test(arguments: [
        "{", "[]", #"{"accessToken":""}"#, #"{"accessToken":"a\u0062"}"#, #"{"timestamp":"x"}"#,
    ])
    func `a body that is malformed is answered with 400, without a body, and does nothing`(
        _ body: String
    ) async throws {
        try await InitFixture.run { (sandbox) async throws in
            let reply = try await sandbox.initialize(body)
            #expect(reply.status == 400 && reply.text == "")
            #expect(reply["content-type"] == nil && reply["x-envd-version"] == "1.2.3")
            #expect(sandbox.events.all.isEmpty)
        }
    }

    @Test func `a body that is too long is answered with 413`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            let client = try await sandbox.server.client()
            let length = InitService.bodyLimit + 1
            try await client.send("POST /init HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
            client.send(ByteBuffer(repeating: 0x20, count: length)) { _ in }
            let head = try await client.head()
            #expect(head.status == 413)
            #expect(head["x-envd-version"] == "1.2.3")
        }
    }

    @Test func `large bodies that do not come to an end make room for others`() async throws {
        try await InitFixture.run(largeBodyTime: .milliseconds(100)) { (sandbox) async throws in
            var trickling: [SocketClient] = []
            for _ in 0..<InitService.largeBodyLimit {
                let client = try await sandbox.server.client()
                try await client.send(
                    "POST /init HTTP/1.1\r\nHost: a\r\nContent-Length: \(InitService.bodyLimit)\r\n\r\n")
                client.send(ByteBuffer(repeating: 0x20, count: InitService.smallBody + 1)) { _ in }
                trickling.append(client)
            }
            for client in trickling { _ = try await client.rest() }
            let body = "{}" + String(repeating: " ", count: InitService.smallBody)
            #expect(try await sandbox.initialize(body).status == 204)
        }
    }

    // MARK: Tokens

    @Test func `a wrong token is refused, and nothing is done or thawed`() async throws {
        try await InitFixture.run(token: "tok") { (sandbox) async throws in
            let wrong = try await sandbox.initialize(#"{"accessToken":"other","defaultUser":"root"}"#)
            #expect(wrong.status == 401 && wrong.text == "access token validation failed")
            #expect(wrong["content-type"] == "text/plain; charset=utf-8")
            #expect(wrong["x-envd-version"] == "1.2.3")
            let none = try await sandbox.initialize(#"{"defaultUser":"root"}"#)
            #expect(none.status == 401 && none.text == "access token reset not authorized")
            #expect(sandbox.defaults.current.user == "user")
            #expect(sandbox.access.token?.matches("tok") == true)
            #expect(sandbox.events.all.isEmpty)
        }
    }

    @Test func `who shows a wrong token does not hold up who shows the right one`() async throws {
        let arrivals = Mailbox<HTTPExchange>()
        try await withServer(answering: { arrivals.post($0) }) { service in
            try await InitFixture.run(token: "tok", metadata: service.address) { (sandbox) async throws in
                let stranger = try await sandbox.server.client()
                try await stranger.sendRequest("POST", "/init", body: Array(#"{"accessToken":"x"}"#.utf8))
                let question = try await arrivals.next()
                #expect(try await sandbox.initialize(#"{"accessToken":"tok"}"#).status == 204)
                try await service.eventLoop.run { question.respond(.ok, text: "secret") }
                // After an initialisation it is asked, too.
                let answering = ClientLoop.any.start {
                    while true {
                        let question = try await arrivals.next()
                        try await service.eventLoop.run { question.respond(.ok, text: "{}") }
                    }
                }
                #expect(try await stranger.reply().status == 401)
                answering.cancel()
            }
        }
    }

    @Test func `what was authorised before the token changed is authorised again`() async throws {
        let gate = Gate()
        try await InitFixture.run(gate: gate) { (sandbox) async throws in
            let first = try await sandbox.server.client()
            try await first.sendRequest("POST", "/init", body: Array(#"{"accessToken":"first"}"#.utf8))
            let held = try await gate.next()
            let second = try await sandbox.server.client()
            try await second.sendRequest("POST", "/init", body: Array(#"{"accessToken":"second"}"#.utf8))
            // An answer to this one says that the server has seen the second.
            #expect(try await sandbox.server.client().request("GET", "/envs").status == 200)
            held.resume()
            #expect(try await first.reply().status == 204)
            #expect(try await second.reply().status == 401)
            #expect(sandbox.access.token?.matches("first") == true)
        }
    }

    @Test func `the header with the token makes no difference`() async throws {
        try await InitFixture.run(token: "tok") { (sandbox) async throws in
            let client = try await sandbox.server.client()
            let reply = try await client.request(
                "POST", "/init", ["X-Access-Token: tok"], body: Array("{}".utf8))
            #expect(reply.status == 401)
        }
    }

    // MARK: Order

    @Test func `an older request changes nothing, but is authorised and thaws`() async throws {
        try await InitFixture.run(token: "tok") { (sandbox) async throws in
            func initialize(_ second: Int, _ user: String, token: String = "tok") async throws -> HTTPReply {
                let time = "2023-11-14T22:13:0\(second).000000001Z"
                return try await sandbox.initialize(
                    #"{"accessToken":"\#(token)","timestamp":"\#(time)","defaultUser":"\#(user)"}"#)
            }
            #expect(try await initialize(5, "five").status == 204)
            #expect(try await initialize(4, "four").status == 204)
            #expect(sandbox.defaults.current.user == "five")
            #expect(try await initialize(5, "again").status == 204)
            #expect(sandbox.defaults.current.user == "again")
            #expect(try await initialize(4, "four", token: "wrong").status == 401)
            #expect(sandbox.events.all == ["audit", "thaw", "audit", "thaw", "audit", "thaw"])
            #expect(
                try await sandbox.initialize(#"{"accessToken":"tok","defaultUser":"timeless"}"#).status == 204
            )
            #expect(sandbox.defaults.current.user == "timeless")
            #expect(try await initialize(4, "four").status == 204)
            #expect(sandbox.defaults.current.user == "timeless")
        }
    }

    @Test func `a nanosecond makes a request older`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            for (fraction, user) in [("000000002", "two"), ("000000001", "one")] {
                let body = #"{"timestamp":"2023-11-14T22:13:20.\#(fraction)Z","defaultUser":"\#(user)"}"#
                #expect(try await sandbox.initialize(body).status == 204)
            }
            #expect(sandbox.defaults.current.user == "two")
        }
    }

    @Test func `a request whose client leaves while it waits does nothing`() async throws {
        let gate = Gate()
        try await InitFixture.run(gate: gate) { (sandbox) async throws in
            let first = try await sandbox.server.client()
            try await first.sendRequest("POST", "/init", body: Array(#"{"defaultUser":"first"}"#.utf8))
            let held = try await gate.next()
            let second = try await sandbox.server.client()
            try await second.sendRequest("POST", "/init", body: Array(#"{"defaultUser":"second"}"#.utf8))
            // An answer to this one says that the server has seen the second.
            #expect(try await sandbox.server.client().request("GET", "/envs").status == 200)
            try await second.reset()
            let third = try await sandbox.server.client()
            try await third.sendRequest("POST", "/init", body: Array(#"{"envVars":{"THIRD":"1"}}"#.utf8))
            #expect(try await sandbox.server.client().request("GET", "/envs").status == 200)
            held.resume()
            try await gate.next().resume()
            #expect(try await third.reply().status == 204)
            #expect(try await first.reply().status == 204)
            #expect(sandbox.defaults.current.user == "first")
            #expect(sandbox.events.all == ["audit", "thaw", "audit", "thaw"])
        }
    }

    @Test func `a request that has begun goes on without its client`() async throws {
        let gate = Gate()
        try await InitFixture.run(gate: gate) { (sandbox) async throws in
            let first = try await sandbox.server.client()
            try await first.sendRequest("POST", "/init", body: Array(#"{"defaultUser":"first"}"#.utf8))
            let held = try await gate.next()
            try await first.reset()
            held.resume()
            let second = try await sandbox.server.client()
            try await second.sendRequest("POST", "/init", body: [])
            try await gate.next().resume()
            #expect(try await second.reply().status == 204)
            #expect(sandbox.defaults.current.user == "first")
        }
    }

    @Test func `what the audit says is told`() async throws {
        try await InitFixture.run(audit: #"{"visited":1}"#) { (sandbox) async throws in
            #expect(try await sandbox.initialize("")["x-envd-freeze-audit"] == #"{"visited":1}"#)
        }
    }

    // MARK: Clock

    @Test(arguments: [
        (-10_000_000_000, true), (-50_000_001, true), (-50_000_000, false), (-40_000_000, false), (0, false),
        (1_000_000_000, false), (5_000_000_000, false), (5_000_000_001, true), (60_000_000_000, true),
    ])
    func `the clock is set if it is off by too much`(_ ahead: Int64, _ isSet: Bool) async throws {
        let time: Int64 = 1_700_000_000_000_000_000
        try await InitFixture.run(clock: FakeClock(now: time + ahead)) { (sandbox) async throws in
            #expect(try await sandbox.initialize(#"{"timestamp":"2023-11-14T22:13:20Z"}"#).status == 204)
            #expect(sandbox.clock.steps == (isSet ? [time] : []))
        }
    }

    @Test func `a clock that cannot be set is only logged, and an older request does not set it`()
        async throws
    {
        let clock = FakeClock(now: 0, error: .notPermitted)
        try await InitFixture.run(clock: clock) { (sandbox) async throws in
            let body = #"{"timestamp":"2023-11-14T22:13:20Z","defaultUser":"ann"}"#
            #expect(try await sandbox.initialize(body).status == 204)
            #expect(sandbox.defaults.current.user == "ann")
            #expect(
                sandbox.events.all == ["audit", "cannot set the clock: operation not permitted", "thaw"])
            #expect(try await sandbox.initialize(#"{"timestamp":"2023-11-14T22:13:19Z"}"#).status == 204)
            #expect(clock.steps.count == 1)
        }
    }

    // MARK: Certificates and volumes

    @Test func `certificates that cannot be installed are an error, after everything before`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            let bundle = sandbox.directory.path("bundle.crt")
            try #require(unlink(bundle) == 0)
            let reply = try await sandbox.initialize(#"{"caBundle":"PEM","defaultUser":"ann"}"#)
            #expect(reply.status == 400)
            #expect(
                reply.text == "failed to install CA bundle: open CA bundle: open \(bundle): "
                    + "no such file or directory")
            #expect(reply["content-type"] == "text/plain; charset=utf-8")
            #expect(sandbox.defaults.current.user == "ann")
            #expect(sandbox.events.all.last == "thaw")
        }
    }

    private struct Mounts: VolumeMounting {
        let failure: String?
        let events: EventLog

        func mount(_ volumes: [VolumeMount], lifecycle: String) async throws(VolumeMountFailure) {
            for volume in volumes { self.events.add("\(volume.target) on \(volume.path) in \(lifecycle)") }
            if let failure { throw VolumeMountFailure(message: failure) }
        }
    }

    @Test func `volumes are mounted before the thaw, and a failure is an error`() async throws {
        let body = #"{"volumeMounts":[{"nfs_target":"a:/b","path":"/c"}],"lifecycleID":"life"}"#
        for failure in [nil, "failed to mount NFS at \"/c\": no"] {
            let mounted = EventLog()
            try await InitFixture.run(volumes: Mounts(failure: failure, events: mounted)) {
                (sandbox) async throws in
                let reply = try await sandbox.initialize(body)
                #expect(reply.status == (failure == nil ? 204 : 400))
                #expect(reply.text == (failure.map { "failed to setup NFS volumes: \($0)" } ?? ""))
                #expect(mounted.all == ["a:/b on /c in life"])
                #expect(sandbox.events.all == ["audit", "thaw"])
                #expect(try await sandbox.initialize("").status == 204)
                #expect(mounted.all.count == 1)
            }
        }
    }

    // MARK: Events

    @Test func `the events' address goes into the hosts file and the environment`() async throws {
        try await InitFixture.run { (sandbox) async throws in
            _ = try await sandbox.initialize(
                #"{"hyperloopIP":"192.0.2.1","envVars":{"E2B_EVENTS_ADDRESS":"mine"}}"#)
            try await until { sandbox.defaults.current.variables["E2B_EVENTS_ADDRESS"] == "http://192.0.2.1" }
            #expect(
                try sandbox.directory.read("hosts")
                    == "127.0.0.1 localhost\n192.0.2.1        events.e2b.local\n")
            _ = try await sandbox.initialize(#"{"hyperloopIP":"nonsense"}"#)
            try await until {
                sandbox.events.all.contains("cannot map events.e2b.local to 'nonsense': invalid argument")
            }
            #expect(sandbox.defaults.current.variables["E2B_EVENTS_ADDRESS"] == "http://192.0.2.1")
        }
    }
}
