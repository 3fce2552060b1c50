import EnvdTestSupport
internal import Glibc
import LinuxSystem
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct SettlingTests {
    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in ["user", "ptys"] { try tree.add(group) }
        return tree
    }

    @Test func `groups that settle are counted, and the wait ends`() async throws {
        let machine = try Self.machine()
        for group in ["user", "ptys"] { try machine.set(group, frozen: true) }
        let outcome = try await TestFreezer(machine.tree).freeze(.legacy, wait: .hours(1))
        #expect(outcome?.frozen == 2)
        #expect(outcome?.notFrozen == 0)
    }

    @Test func `groups that do not settle are counted, and the wait has an end`() async throws {
        let machine = try Self.machine()
        try machine.set("user", frozen: true)
        let outcome = try #require(
            try await TestFreezer(machine.tree).freeze(.legacy, wait: .milliseconds(30)))
        #expect(outcome.frozen == 1)
        #expect(outcome.notFrozen == 1)
        #expect(outcome.failed == 0)
        #expect(outcome.waitMilliseconds >= 30)
    }

    @Test func `a state that cannot be read is a failure, and is not waited for`() async throws {
        let machine = try Self.machine()
        try machine.set("user", frozen: true)
        try machine.spoil("cgroup.events", of: "ptys")
        let outcome = try await TestFreezer(machine.tree).freeze(.legacy, wait: .hours(1))
        #expect(outcome?.frozen == 1)
        #expect(outcome?.failed == 1)
        #expect(outcome?.notFrozen == 0)
    }

    @Test func `without a wait nothing is said of how it went`() async throws {
        let outcome = try await TestFreezer(Self.machine().tree).freeze(.legacy)
        #expect(outcome?.frozen == 0)
        #expect(outcome?.notFrozen == 0)
        #expect(outcome?.waitMilliseconds == 0)
    }

    @Test func `a wait that nobody wants any more makes room, and the freeze stays watched`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        let subject = freezer.freezer
        let task = TestFreezer.eventLoop.start { await subject.freeze(.legacy, wait: .minutes(10)) }
        // Behind the first: cancelled before its turn.
        let second = TestFreezer.eventLoop.start { await subject.freeze(.legacy, wait: .minutes(10)) }
        // The lock is taken when the first has written.
        try await machine.settled(on: ["ptys", "user"])
        second.cancel()
        #expect(try await second.value == nil)
        task.cancel()
        #expect(try await task.value?.wasCancelled == true)
        #expect(try await freezer.isWatched)
        #expect(try await freezer.thaw() == [])
    }

    @Test func `a thaw ends the wait of the freeze before it, whatever becomes of its task`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        let subject = freezer.freezer
        let freeze = TestFreezer.eventLoop.start { await subject.freeze(.legacy, wait: .minutes(10)) }
        try await machine.settled(on: ["ptys", "user"])
        let thaw = TestFreezer.eventLoop.start { await subject.thaw() }
        thaw.cancel()
        let outcome = try #require(try await freeze.value)
        #expect(outcome.notFrozen == 2 && !outcome.wasCancelled)
        #expect(try await thaw.value == [])
        #expect(try machine.frozen == [])
    }

    @Test func `a freeze that a thaw is already behind does not wait`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        let subject = freezer.freezer
        let first = TestFreezer.eventLoop.start { await subject.freeze(.legacy, wait: .minutes(10)) }
        let second = TestFreezer.eventLoop.start { await subject.freeze(.legacy, wait: .minutes(10)) }
        try await machine.settled(on: ["ptys", "user"])
        #expect(try await freezer.thaw() == [])
        #expect(try await first.value?.notFrozen == 2)
        #expect(try await second.value?.notFrozen == 2)
        #expect(try machine.frozen == [])
    }

    @Test(.enabled("needs root") { geteuid() == 0 }, arguments: [true, false])
    func `the loop goes before others while it freezes and thaws, and not for longer`(_ isLong: Bool)
        async throws
    {
        let machine = try Self.machine()
        // The other freezers of the tests share a thread, and each puts back what it found.
        let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
        let freezer = TestFreezer(
            try machine.tree, on: eventLoop, urgentTime: isLong ? .hours(1) : .milliseconds(1))
        func policy() async throws -> Int32 { try await freezer.run { _ in sched_getscheduler(0) } }
        let before = try await policy()
        _ = try await freezer.freeze(.legacy)
        if isLong { #expect(try await policy() & 0xF == SCHED_RR) }
        try await freezer.thaw()
        if isLong {
            #expect(try await policy() & 0xF == SCHED_RR)
        } else {
            while try await policy() != before { await Task.yield() }
        }
    }

    @Test(arguments: [
        ("frozen 1\n", true), ("frozen 0\n", false), ("populated 1\nfrozen 1\n", true),
        ("frozen 1\npopulated 0\n", true), ("populated 1\n", false), ("", false), ("frozen 1", true),
        ("  frozen\t 1  \n", true), ("frozenly 1\n", false), ("unfrozen 1\n", false),
    ])
    func `the kernel's word on a group`(_ events: String, _ isFrozen: Bool) throws {
        let machine = try Self.machine()
        try machine.write(events, to: "user/cgroup.events")
        #expect(try machine.tree.isFrozen("user") == isFrozen)
        #expect(throws: Errno.noSuchFileOrDirectory) { try machine.tree.isFrozen("absent") }
    }
}
