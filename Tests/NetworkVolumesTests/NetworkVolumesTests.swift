import EnvdTestSupport
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage
import Testing

@testable import NetworkVolumes

@Suite struct NetworkVolumesTests {
    private static let eventLoop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()

    /// The calls that were made, and what is mounted.
    private final class Machine: Sendable {
        let calls = Mutex<[String]>([])
        let mounted = Mutex<Set<String>>([])
        let failures: [String: Errno]

        init(failures: [String: Errno] = [:]) {
            self.failures = failures
        }

        private func call(_ text: String) -> Errno? {
            self.calls.withLock { $0.append(text) }
            return self.failures[text]
        }

        var table: MountCalls {
            MountCalls(
                exists: { path in self.mounted.withLock { $0.contains(path) } },
                remove: { path, isLazy in
                    let error = self.call("\(isLazy ? "detach" : "umount") \(path)")
                    if error == nil { self.mounted.withLock { _ = $0.remove(path) } }
                    return error
                },
                makeDirectory: { self.call("mkdir \($0)") },
                mount: { target, path, data in
                    let error = self.call("mount \(target) \(path)")
                    if error == nil { self.mounted.withLock { _ = $0.insert(path) } }
                    return error
                })
        }

        func takeCalls() -> [String] {
            self.calls.withLock { calls in
                defer { calls = [] }
                return calls.sorted()
            }
        }
    }

    private static func mount(
        _ volumes: NetworkVolumes, _ list: [(String, String)], lifecycle: String
    ) async throws {
        let list = list.map { NetworkVolumes.Volume(target: $0.0, path: $0.1) }
        try await Self.eventLoop.run { try await volumes.mount(list, lifecycle: lifecycle) }
    }

    @Test func `a volume is mounted once in a life of the sandbox, and anew in the next`() async throws {
        let machine = Machine()
        let volumes = NetworkVolumes(machine.table, on: Self.eventLoop)
        try await Self.mount(volumes, [("10.0.0.1:/a", "/mnt/a")], lifecycle: "")
        #expect(machine.takeCalls() == ["mkdir /mnt/a", "mount 10.0.0.1:/a /mnt/a"])
        try await Self.mount(volumes, [("10.0.0.1:/a", "/mnt/a")], lifecycle: "")
        #expect(machine.takeCalls() == [])
        try await Self.mount(volumes, [("10.0.0.1:/a", "/mnt/a")], lifecycle: "abc")
        #expect(machine.takeCalls() == ["mkdir /mnt/a", "mount 10.0.0.1:/a /mnt/a", "umount /mnt/a"])
        try await Self.mount(volumes, [("10.0.0.1:/a", "/mnt/a")], lifecycle: "abc")
        #expect(machine.takeCalls() == [])
        try await Self.mount(volumes, [("10.0.0.1:/a", "/mnt/a")], lifecycle: "")
        #expect(machine.takeCalls().count == 3)
    }

    @Test func `a stale mount that resists is detached`() async throws {
        let machine = Machine(failures: ["umount /a": .resourceBusy])
        machine.mounted.withLock { _ = $0.insert("/a") }
        try await Self.mount(
            NetworkVolumes(machine.table, on: Self.eventLoop), [("h:/a", "/a")], lifecycle: "")
        #expect(machine.takeCalls() == ["detach /a", "mkdir /a", "mount h:/a /a", "umount /a"])
    }

    @Test func `a stale mount that stays is an error`() async throws {
        let machine = Machine(failures: ["umount /a": .resourceBusy, "detach /a": .notPermitted])
        machine.mounted.withLock { _ = $0.insert("/a") }
        let failure = await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(
                NetworkVolumes(machine.table, on: Self.eventLoop), [("h:/a", "/a")], lifecycle: "")
        }
        #expect(
            failure?.message
                == "failed to unmount stale NFS mount at \"/a\": `umount --lazy /a` failed: operation not permitted\n"
        )
    }

    @Test func `a mount that fails says what was tried, and the others are mounted`() async throws {
        let machine = Machine(failures: ["mount h:/a /a": .connectionRefused])
        let volumes = NetworkVolumes(machine.table, on: Self.eventLoop)
        let failure = await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(volumes, [("h:/a", "/a"), ("h:/b", "/b")], lifecycle: "1")
        }
        #expect(
            failure?.message == """
                failed to mount NFS at "/a": `mount -v -t nfs -o fg,hard,sync,rsize=1048576,wsize=1048576,\
                mountproto=tcp,mountport=2049,proto=tcp,port=2049,nfsvers=3,noacl,noac,lookupcache=none h:/a /a` \
                failed: connection refused

                """)
        _ = machine.takeCalls()
        // Only what is missing is tried again.
        await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(volumes, [("h:/a", "/a"), ("h:/b", "/b")], lifecycle: "1")
        }
        #expect(machine.takeCalls() == ["mkdir /a", "mount h:/a /a"])
    }

    @Test(arguments: [
        ("nothing", "/a"), (":/x", "/a"), ("h:x", "/a"), ("h:/x", "a"), ("h:/x", ""), ("h:/\0", "/a"),
    ])
    func `what is no volume is refused, and nothing is called`(_ target: String, _ path: String) async throws
    {
        let machine = Machine()
        await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(
                NetworkVolumes(machine.table, on: Self.eventLoop), [(target, path)], lifecycle: "")
        }
        #expect(machine.takeCalls() == [])
    }

    @Test(arguments: [
        ("10.0.0.1:/v", "10.0.0.1"), ("[fd00::1]:/v", "fd00::1"), ("host.name:/a:/b", "host.name"),
        ("/v", nil),
    ])
    func `the server of a target`(_ target: String, _ server: String?) {
        #expect(VolumeMountCommand(target: target, path: "/").server == server)
    }

    @Test func `a server that is silent costs no more than the budget`() async throws {
        let gate = Mailbox<Void>()
        let table = MountCalls(
            exists: { _ in false }, remove: { _, _ in nil }, makeDirectory: { _ in nil },
            mount: { _, _, _ in
                // As long as the test wants: longer than the budget.
                while gate.pending.isEmpty { sched_yield() }
                return .timedOut
            })
        let volumes = NetworkVolumes(table, budget: .milliseconds(20), on: Self.eventLoop)
        let failure = await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(volumes, [("h:/a", "/a")], lifecycle: "")
        }
        gate.post()
        #expect(failure?.message == "failed to mount NFS at \"/a\": context deadline exceeded")
    }

    @Test func `a mount that outlasts the budget is not made a second time on top of it`() async throws {
        let gate = Mailbox<Void>()
        let calls = Mutex(0)
        let table = MountCalls(
            exists: { _ in false }, remove: { _, _ in nil }, makeDirectory: { _ in nil },
            mount: { _, _, _ in
                calls.withLock { $0 += 1 }
                while gate.pending.isEmpty { sched_yield() }
                return nil
            })
        let volumes = NetworkVolumes(table, budget: .milliseconds(20), on: Self.eventLoop)
        for _ in 0..<3 {
            await #expect(throws: NetworkVolumes.Failure.self) {
                try await Self.mount(volumes, [("h:/a", "/a"), ("h:/a", "/a")], lifecycle: "1")
            }
        }
        #expect(calls.withLock { $0 } == 1)
        gate.post()
        // It has come to its end, or is joined.
        try await Self.mount(volumes, [("h:/a", "/a")], lifecycle: "1")
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `a place whose mount failed is mounted again for the life that had it before`() async throws {
        let machine = Machine(failures: ["mount h:/b /a": .connectionRefused])
        let volumes = NetworkVolumes(machine.table, on: Self.eventLoop)
        try await Self.mount(volumes, [("h:/a", "/a")], lifecycle: "1")
        await #expect(throws: NetworkVolumes.Failure.self) {
            try await Self.mount(volumes, [("h:/b", "/a")], lifecycle: "2")
        }
        _ = machine.takeCalls()
        try await Self.mount(volumes, [("h:/a", "/a")], lifecycle: "1")
        #expect(machine.takeCalls() == ["mkdir /a", "mount h:/a /a"])
    }
}
