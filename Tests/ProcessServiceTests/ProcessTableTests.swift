import EnvdAPI
import EnvdTestSupport
import NIOCore
import SandboxContext
import Testing

@testable import LinuxSystem
@testable import ProcessService

@Suite struct ProcessTableTests {
    private let eventLoop = Children.eventLoop

    /// A process without descriptors, that is never waited for.
    private func process(
        _ processID: Int32, tag: String? = nil, executionID: String? = nil,
        retention: TimeAmount = .minutes(1)
    ) -> ManagedProcess {
        let child = SpawnedProcess(
            processID: processID, standardInput: nil, standardOutput: nil, standardError: nil, terminal: nil)
        return ManagedProcess(
            child, of: .init(),
            origin: .init(
                tag: tag, executionID: executionID, account: "root", hasTerminal: false),
            retention: .init(outputBytes: 0, exit: retention), cgroup: nil, started: .now(),
            limits: OutputLimits(),
            budget: NIOLoopBound(OutputBudget(limit: 1 << 20), eventLoop: self.eventLoop),
            eventLoop: self.eventLoop)
    }

    /// Lets a process end, as far as the table can see.
    private func end(_ process: ManagedProcess) {
        process.leaderExited(
            ExitRecord(exit: .exited(0), userTime: 0, systemTime: 0, peakResidentKiB: 0))
    }

    private func onLoop(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await self.eventLoop.submit(body).get()
    }

    private func table(_ change: (inout OutputLimits) -> Void = { _ in }) -> ProcessTable {
        var limits = OutputLimits()
        change(&limits)
        return ProcessTable(
            limits: limits, budget: OutputBudget(limit: 1 << 20), eventLoop: self.eventLoop)
    }

    @Test func `a running process is found by its pid and its tag`() async throws {
        try await self.onLoop {
            let table = self.table()
            let (one, two, three) = (
                self.process(1), self.process(2, tag: "a"), self.process(3, tag: "b", executionID: "x")
            )
            for process in [one, two, three] { _ = table.add(process) }
            #expect(table.all.map(\.processID) == [1, 2, 3])
            #expect(table.find(.processID(1)) === one)
            #expect(table.find(.tag("a")) === two)
            #expect(table.find(.tag("b")) === three)
            #expect(table.find(.executionID("x")) === three)
            for selection in [ProcessSelection.processID(4), .tag(""), .tag("c"), .executionID("")] {
                #expect(table.find(selection) == nil)
            }
        }
    }

    @Test func `of several with one tag the newest is meant, and when it has ended the next`() async throws {
        try await self.onLoop {
            let table = self.table()
            let (old, new) = (self.process(1, tag: "a"), self.process(2, tag: "a"))
            let oldOrder = table.add(old)
            let newOrder = table.add(new)
            #expect(table.find(.tag("a")) === new)
            self.end(new)
            table.end(newOrder)
            #expect(table.find(.tag("a")) === old)
            self.end(old)
            table.end(oldOrder)
            #expect(table.find(.tag("a")) === old)
            #expect(table.findRunning(.tag("a")) == nil)
        }
    }

    @Test func `one that has ended is found, but not as running`() async throws {
        try await self.onLoop {
            let table = self.table()
            let process = self.process(1, tag: "a")
            let order = table.add(process)
            self.end(process)
            table.end(order)
            table.end(order)
            #expect(table.all.isEmpty)
            #expect(table.find(.processID(1)) === process)
            #expect(table.find(.tag("a")) === process)
            #expect(table.findRunning(.processID(1)) == nil)
        }
    }

    @Test func `the end of a process does not touch its successor with the same pid`() async throws {
        try await self.onLoop {
            let table = self.table()
            let (old, new) = (self.process(1), self.process(1))
            let oldOrder = table.add(old)
            // The leader has been reaped, but its output is still open when its pid is used again.
            _ = table.add(new)
            #expect(table.find(.processID(1)) === new)
            self.end(old)
            table.end(oldOrder)
            #expect(table.find(.processID(1)) === new)
            #expect(table.findRunning(.processID(1)) === new)
            #expect(table.all.count == 1)
        }
    }

    @Test func `a successor with the same pid or tag makes the table forget the ended one`() async throws {
        try await self.onLoop {
            let table = self.table()
            let old = self.process(1, tag: "a")
            let order = table.add(old)
            self.end(old)
            table.end(order)
            let samePid = self.process(1, tag: "b")
            _ = table.add(samePid)
            #expect(table.find(.processID(1)) === samePid)
            #expect(table.find(.tag("a")) == nil)

            let other = self.process(2, tag: "c")
            let otherOrder = table.add(other)
            self.end(other)
            table.end(otherOrder)
            let sameTag = self.process(3, tag: "c")
            _ = table.add(sameTag)
            #expect(table.find(.tag("c")) === sameTag)
            #expect(table.find(.processID(2)) == nil)
        }
    }

    @Test func `an ended process is forgotten after its time`() async throws {
        let forgotten = Mailbox<Bool>()
        try await self.onLoop {
            let table = self.table()
            let brief = self.process(1, tag: "a", executionID: "x", retention: .milliseconds(1))
            let lasting = self.process(2, retention: .minutes(10))
            for process in [lasting, brief] {
                let order = table.add(process)
                self.end(process)
                table.end(order)
            }
            #expect(table.find(.processID(1)) === brief)
            // Timers with the same deadline run in the order in which they were set, and this one is later.
            self.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) {
                forgotten.post(
                    table.find(.processID(1)) == nil && table.find(.tag("a")) == nil
                        && table.find(.executionID("x")) == nil && table.find(.processID(2)) === lasting)
            }
        }
        #expect(try await forgotten.next())
    }

    @Test func `only so many ended processes are remembered`() async throws {
        try await self.onLoop {
            let table = self.table { $0.rememberedProcesses = 3 }
            for number in 1...5 {
                let process = self.process(Int32(number))
                let order = table.add(process)
                self.end(process)
                table.end(order)
            }
            let found = (1...5).map { table.find(.processID(UInt32($0))) != nil }
            #expect(found == [false, false, true, true, true])
        }
    }
}
