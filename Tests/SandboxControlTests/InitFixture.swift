import EnvdTestSupport
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import SandboxControl
import Synchronization
import SystemPackage

/// `/init` on a server of its own, with a clock and files that are not the machine's.
struct InitFixture: Sendable {
    let server: TestServer
    let access: AccessPolicy
    let defaults: SandboxDefaults
    let clock: FakeClock
    let directory: TemporaryDirectory
    /// What happened to the workload, in order.
    let events: EventLog

    /// The reply to a request with this body.
    func initialize(_ body: String) async throws -> HTTPReply {
        try await self.server.client().request("POST", "/init", body: Array(body.utf8))
    }

    static func run(
        token: String? = nil, clock: FakeClock = FakeClock(), audit: String? = nil,
        volumes: (any VolumeMounting)? = nil, gate: Gate? = nil, metadata: SocketAddress? = nil,
        largeBodyTime: TimeAmount = .seconds(30),
        _ body: (InitFixture) async throws -> Void
    ) async throws {
        let access = AccessPolicy(token: try token.flatMap { try AccessToken($0) })
        let defaults = SandboxDefaults(.init(user: "user", internalVariables: ["E2B_SANDBOX": "false"]))
        let directory = try TemporaryDirectory()
        try directory.write("127.0.0.1 localhost\n", to: "hosts")
        try directory.write("-- system --\n", to: "bundle.crt")
        let events = EventLog()
        let reaper = try await Children.reaper()
        let pool = BlockingPool(threads: 1)
        defer { pool.shutDown() }
        let workload = Workload(
            audit: {
                events.add("audit")
                await gate?.pass()
                return audit
            },
            thaw: { events.add("thaw") })
        try await withServer(
            makeHandler: { eventLoop in
                let authorities = AuthorityBundle(
                    .init(bundle: directory.path("bundle.crt"), source: directory.path("local/ca/e2b.crt")),
                    pool: pool, on: eventLoop, warn: { events.add($0) })
                let announced = metadata.map { address in
                    SandboxMetadata(
                        MetadataService(
                            host: address.ipAddress ?? "", port: address.port ?? 0, on: eventLoop),
                        route: MetadataRoute(
                            reaper: reaper, searchPath: "", on: eventLoop, warn: { events.add($0) }),
                        defaults: defaults, mark: SandboxMark(directory: directory.path("run")),
                        exporter: nil, pool: pool, on: eventLoop, warn: { events.add($0) })
                }
                let service = InitService(
                    InitService.Parts(
                        access: access, defaults: defaults, clock: clock.wallClock,
                        hosts: HostsFile(path: directory.path("hosts")), authorities: authorities,
                        metadata: announced, workload: workload, volumes: volumes),
                    version: "1.2.3", largeBodyTime: largeBodyTime, pool: pool, on: eventLoop,
                    warn: { events.add($0) })
                var routes = HTTPRouter()
                service.register(in: &routes)
                EnvironmentService(defaults).register(in: &routes)
                return routes
            },
            { server in
                try await body(
                    InitFixture(
                        server: server, access: access, defaults: defaults, clock: clock,
                        directory: directory,
                        events: events))
            })
    }
}

/// What happened, in order.
final class EventLog: Sendable {
    private let events = Mutex<[String]>([])

    func add(_ event: String) { self.events.withLock { $0.append(event) } }

    var all: [String] { self.events.withLock { $0 } }
}

/// A clock that is set without consequences.
final class FakeClock: Sendable {
    private struct State {
        var now: Int64
        var steps: [Int64] = []
        let error: Errno?
    }

    private let state: Mutex<State>

    /// - Parameter error: why it cannot be set.
    init(now: Int64 = 1_700_000_000_000_000_000, error: Errno? = nil) {
        self.state = Mutex(State(now: now, error: error))
    }

    var now: Int64 { self.state.withLock { $0.now } }
    /// What it was set to.
    var steps: [Int64] { self.state.withLock { $0.steps } }

    var wallClock: WallClock {
        WallClock(
            read: { self.now },
            step: { time in
                self.state.withLock { state in
                    state.steps.append(time)
                    if state.error == nil { state.now = time }
                    return state.error
                }
            })
    }
}

/// Holds up whoever passes until it is opened.
final class Gate: Sendable {
    private let arrivals = Mailbox<CheckedContinuation<Void, Never>>()

    func pass() async {
        await withCheckedContinuation { self.arrivals.post($0) }
    }

    /// Waits for somebody to be held up.
    func next() async throws -> CheckedContinuation<Void, Never> {
        try await self.arrivals.next()
    }
}
