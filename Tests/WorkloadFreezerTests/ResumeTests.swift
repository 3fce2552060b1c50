import EnvdTestSupport
import Glibc
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import Synchronization
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct ResumeTests {
    /// A machine whose clocks are the test's.
    private final class Machine: Sendable {
        let directory: PlainTree
        let clocks = Mutex(ClockReading(monotonic: 1, boot: 1, wall: 1_700_000_000_000_000_000))
        let stirred = Mailbox<[UInt8]>()
        let closed = Mailbox<Resume.Silence>()
        let warnings = Mailbox<String>()

        init() throws {
            self.directory = try PlainTree()
        }

        func advance(run: Int64 = 1, suspended: Int64 = 0, step: Int64 = 0) {
            self.clocks.withLock {
                $0.monotonic += run * 1_000_000_000
                $0.boot += (run + suspended) * 1_000_000_000
                $0.wall += (run + suspended + step) * 1_000_000_000
            }
        }

        func resume(limits: ResumeLimits = ResumeLimits()) async throws -> Resume {
            let reaper = try await Children.reaper()
            let hooks = PauseHooks(
                in: self.directory.path, searchPath: "/usr/bin:/bin", reaper: reaper, pool: Children.pool,
                on: Children.eventLoop)
            var parts = Resume.Parts(hooks: hooks) { self.closed.post($0) }
            parts.clocks = { self.clocks.withLock { $0 } }
            parts.stir = {
                self.stirred.post($0)
                return nil
            }
            parts.directory = self.directory.path
            let ready = parts
            return try await Children.eventLoop.run {
                Resume(ready, limits: limits, on: Children.eventLoop) { self.warnings.post($0) }
            }
        }

        /// What the file says.
        var generation: String { get throws { try KernelText.read(self.directory.path + "/generation") } }

        func hook(_ moment: String, _ name: String, _ script: String, mode: mode_t = 0o755) throws {
            mkdir("\(self.directory.path)/\(moment)", 0o755)
            try self.directory.write("#!/bin/sh\n" + script, to: "\(moment)/\(name)")
            chmod("\(self.directory.path)/\(moment)/\(name)", mode)
        }
    }

    private static func wake(_ resume: Resume, frozen: NIODeadline? = nil, isInitialized: Bool = true)
        async throws -> UInt64
    {
        try await Children.eventLoop.run {
            resume.wake(frozen: frozen, isInitialized: isInitialized)
            return resume.generation
        }
    }

    @Test func `a machine that only ran is as it was`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        #expect(try machine.generation == "0\n")
        machine.advance(run: 100_000)
        #expect(try await Self.wake(resume) == 0)
        #expect(machine.stirred.pending.isEmpty)
        #expect(machine.closed.pending.isEmpty)
    }

    @Test(arguments: [(604_800, 0), (0, 604_800)])
    func `a machine that slept for a week has a new generation, new random numbers and no old clients`(
        _ suspended: Int64, _ step: Int64
    ) async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        machine.advance(suspended: suspended, step: step)
        let frozen = NIODeadline.now()
        #expect(try await Self.wake(resume, frozen: frozen) == 1)
        #expect(try machine.generation == "1\n")
        #expect(try await machine.stirred.next().count == 24)
        let silence = Resume.Silence(start: frozen, isBrokenByAcknowledgment: false)
        #expect(try await machine.closed.next() == silence)
        // The host asks again.
        machine.advance()
        #expect(try await Self.wake(resume) == 1)
        #expect(machine.stirred.pending.isEmpty)
    }

    @Test(arguments: [(604_800, 0, false), (0, 604_800, true), (5, 604_800, true)])
    func `without a stop, clients that are there show that it was the clock that was wrong`(
        _ suspended: Int64, _ step: Int64, _ isDoubtful: Bool
    ) async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        machine.advance(suspended: suspended, step: step)
        #expect(try await Self.wake(resume) == 1)
        #expect(try await machine.closed.next().isBrokenByAcknowledgment == isDoubtful)
    }

    @Test func `clients of a short pause may still be there`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        machine.advance(suspended: 3)
        #expect(try await Self.wake(resume) == 1)
        #expect(machine.closed.pending.isEmpty)
    }

    @Test func `a machine that was saved in no time is another one all the same`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        #expect(try await Self.wake(resume, frozen: .now(), isInitialized: true) == 1)
        // A freeze that was in vain.
        #expect(try await Self.wake(resume, frozen: .now(), isInitialized: false) == 1)
        #expect(machine.closed.pending.isEmpty)
    }

    @Test func `a daemon that starts again goes on counting`() async throws {
        let machine = try Machine()
        try machine.directory.write("41\n", to: "generation")
        let resume = try await machine.resume()
        machine.advance(suspended: 60)
        #expect(try await Self.wake(resume) == 42)
        #expect(try machine.generation == "42\n")
    }

    @Test func `a second copy of a machine gets other bytes`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        machine.advance(step: 60)
        _ = try await Self.wake(resume)
        machine.advance(step: 60)
        _ = try await Self.wake(resume)
        #expect(try await machine.stirred.next() != machine.stirred.next())
    }

    @Test func `the kernel takes what is mixed in`() {
        guard geteuid() == 0 else { return }
        #expect(throws: Never.self) { try RandomPool.stir([1, 2, 3]) }
    }

    // MARK: Hooks

    @Test func `hooks run in their order, and those that are not safe do not`() async throws {
        let machine = try Machine()
        let log = machine.directory.path + "/log"
        try machine.hook("pre-pause", "20-second", "echo second $ENVD_GENERATION >>\(log)")
        try machine.hook("pre-pause", "10-first", "echo first >>\(log); exit 3")
        try machine.hook("pre-pause", "30-open", "echo open >>\(log)", mode: 0o777)
        try machine.hook("pre-pause", "40-plain", "echo plain >>\(log)", mode: 0o644)
        let resume = try await machine.resume()
        try await Children.eventLoop.run { await resume.announce() }
        #expect(try KernelText.read(log) == "first\nsecond 0\n")
        #expect(
            machine.warnings.pending == [
                "hook \(machine.directory.path)/pre-pause/10-first ended with code 3"
            ])
    }

    @Test func `a hook that takes too long is ended with all it started, and the pause goes on`() async throws
    {
        let machine = try Machine()
        try machine.hook("pre-pause", "1", "sleep 1000 & wait")
        try machine.hook("pre-pause", "2", "exit 0")
        var limits = ResumeLimits()
        limits.prePauseTime = .milliseconds(50)
        let resume = try await machine.resume(limits: limits)
        try await Children.eventLoop.run { await resume.announce() }
        let warnings = machine.warnings.pending
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasSuffix("was ended by signal 9") == true)
        #expect(warnings.last?.hasSuffix("was not run: no time was left") == true)
    }

    @Test func `hooks after a pause run when there was one, and once`() async throws {
        let machine = try Machine()
        let path = machine.directory.path + "/fifo"
        #expect(mkfifo(path, 0o600) == 0)
        try machine.hook("post-resume", "1", "echo \"up $ENVD_GENERATION\" >\(path)")
        let resume = try await machine.resume()
        machine.advance(suspended: 60)
        try await Children.eventLoop.run {
            resume.wake(frozen: nil, isInitialized: true)
            resume.announceEnd()
            resume.announceEnd()
        }
        let text = try await Children.pool.run { () throws(Errno) in try KernelText.read(path) }
        #expect(text == "up 1\n")
    }

    @Test func `without hooks nothing happens`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        try await Children.eventLoop.run {
            await resume.announce()
            resume.announceEnd()
        }
        #expect(machine.warnings.pending.isEmpty)
    }

    // MARK: Routes

    @Test func `the generation is told`() async throws {
        let machine = try Machine()
        let resume = try await machine.resume()
        machine.advance(suspended: 60)
        _ = try await Self.wake(resume)
        let routes = try await Children.eventLoop.run {
            var routes = HTTPRouter()
            resume.register(in: &routes)
            return routes
        }
        try await withServer(on: Children.eventLoop, handler: routes) { server in
            let reply = try await server.client().request("GET", "/generation")
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json")
            #expect(reply["cache-control"] == "no-store")
            #expect(reply.text == "{\"generation\":1}\n")
        }
    }
}
