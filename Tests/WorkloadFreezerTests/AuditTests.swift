import EnvdTestSupport
import LinuxSystem
import NIOConcurrencyHelpers
import NIOCore
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct AuditTests {
    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in [
            "user", "ptys", "customer", "system.slice/envd.service", "system.slice/rpc-statd.service/child",
        ] {
            try tree.add(group)
        }
        return tree
    }

    private static func settle(_ tree: PlainTree, _ groups: [String]) throws {
        for group in groups { try tree.set(group, freeze: true, frozen: true) }
    }

    @Test func `all is as it should be`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        try Self.settle(machine, ["user", "ptys", "customer"])
        let audit = try await freezer.audit()
        #expect(
            audit?.json == #"{"visited":8,"frozen":3,"escaped":0,"violations":0,"truncated":false}"#)
    }

    @Test func `what must run and does not is a violation, what runs and must not is an escape`() async throws
    {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        try Self.settle(
            machine,
            ["user", "ptys", "system.slice/rpc-statd.service", "system.slice/rpc-statd.service/child"])
        try machine.add("late")
        let audit = try #require(try await freezer.audit())
        #expect(audit.frozen == 2)
        #expect(audit.escaped == 2)
        #expect(audit.violations == 2)
        let warnings = freezer.warnings.pending
        #expect(warnings.contains { $0.contains("\"customer\", \"late\"") })
        #expect(warnings.contains { $0.contains("rpc-statd") })
    }

    @Test func `a freeze that nothing obeyed is told as escapes`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        for group in ["user", "ptys", "customer"] { try machine.spoil("cgroup.freeze", of: group) }
        _ = try await freezer.freeze(.hierarchy)
        #expect(try await freezer.audit()?.escaped == 3)
    }

    @Test func `there is nothing to audit after a thaw, a legacy freeze, or none`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        #expect(try await freezer.audit() == nil)
        _ = try await freezer.freeze(.legacy)
        #expect(try await freezer.audit() == nil)
        _ = try await freezer.freeze(.hierarchy)
        #expect(try await freezer.audit() != nil)
        try machine.spoil("cgroup.freeze", of: "customer")
        #expect(try await !freezer.thaw().isEmpty)
        #expect(try await freezer.audit() == nil)
    }

    @Test func `an audit that a thaw overtakes is dropped`() async throws {
        let machine = try Self.machine()
        // The freezer's thread waits where it asks for the daemon's group, unless the gate is open.
        let gate = ConditionLock(value: true)
        let asked = Mailbox<Void>()
        let freezer = TestFreezer(try machine.tree) {
            asked.post()
            gate.lock(whenValue: true)
            gate.unlock()
        }
        let subject = freezer.freezer
        _ = try await freezer.freeze(.hierarchy)
        try await asked.next()
        gate.set(false)
        let audit = TestFreezer.eventLoop.start { await subject.audit() }
        try await asked.next()
        // It has begun; the thaw begins before its end.
        let thaw = TestFreezer.eventLoop.start { await subject.thaw() }
        try await TestFreezer.eventLoop.submit {}.get()
        gate.set(true)
        #expect(try await audit.value == nil)
        #expect(try await thaw.value == [])
    }

    @Test func `what cannot be read counts nowhere, and hides nothing below it`() async throws {
        let machine = try Self.machine()
        try machine.add("customer/child")
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        try Self.settle(machine, ["user", "ptys", "customer/child"])
        try machine.spoil("cgroup.events", of: "customer")
        let audit = try await freezer.audit()
        #expect(audit?.frozen == 3)
        #expect(audit?.escaped == 0)
    }

    @Test func `an audit has a bound, and a log line has one`() throws {
        let machine = try Self.machine()
        for number in 0..<20 { try machine.add("n\(number)") }
        let scope = FreezerScope(own: "system.slice/envd.service")
        let cut = FreezeAudit(try machine.tree, scope, limit: 10)
        #expect(cut.isTruncated)
        #expect(cut.visited == 10)
        let whole = FreezeAudit(try machine.tree, scope, limit: 100)
        #expect(whole.escaped == 23)
        #expect(whole.escapedGroups.count == 8)
    }
}

extension ConditionLock {
    fileprivate func set(_ value: T) {
        self.lock()
        self.unlock(withValue: value)
    }
}
