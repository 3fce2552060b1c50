import LinuxSystem
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct GuestFreezeTests {
    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in ["user", "ptys", "docker/one", "docker/two", "customer"] { try tree.add(group) }
        return tree
    }

    @Test(arguments: [FreezeMode.legacy, .hierarchy])
    func `what the sandbox froze itself stays frozen`(_ mode: FreezeMode) async throws {
        let machine = try Self.machine()
        try machine.set("docker/one", freeze: true, frozen: true)
        try machine.set("customer", freeze: true, frozen: true)
        let freezer = TestFreezer(try machine.tree)
        let outcome = try await freezer.freeze(mode)
        #expect(outcome?.preFrozen == 2)
        #expect(try await freezer.guest == ["customer", "docker/one"])
        #expect(try await freezer.thaw() == [])
        #expect(try machine.frozen == ["customer", "docker/one"])
    }

    @Test func `a second freeze does not take the first for the sandbox's own`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        let second = try await freezer.freeze(.hierarchy)
        #expect(second?.preFrozen == 0)
        #expect(try await freezer.guest == [])
        #expect(try await freezer.thaw() == [])
        #expect(try machine.frozen == [])
    }

    @Test func `groups that look frozen already are not taken for the sandbox's own`() async throws {
        let machine = try Self.machine()
        // As a daemon finds it that was started again during a freeze.
        for group in ["user", "ptys", "docker"] { try machine.set(group, freeze: true, frozen: true) }
        let freezer = TestFreezer(try machine.tree)
        let outcome = try await freezer.freeze(.hierarchy)
        #expect(outcome?.preFrozen == 0)
        #expect(try await freezer.thaw() == [])
        #expect(try machine.frozen == [])
    }

    @Test func `what is frozen between the scan and the sweep is adopted`() throws {
        let machine = try Self.machine()
        try machine.set("customer", freeze: true)
        let scope = FreezerScope(own: "")
        func sweep(limit: Int = 512, adoptsLate: Bool) throws -> FreezeSweep {
            let tree = try machine.tree
            var sweep = FreezeSweep(tree)
            sweep.freezeRest(of: tree, scope, limit: limit, guest: [], adoptsLate: adoptsLate)
            return sweep
        }
        #expect(try sweep(adoptsLate: true).adopted == ["customer"])
        let truncated = try sweep(limit: 1, adoptsLate: true)
        #expect(truncated.isTruncated)
        #expect(truncated.adopted == ["customer"])
        let stale = try sweep(adoptsLate: false)
        #expect(stale.adopted == [])
        #expect(stale.requested.contains("customer"))
    }

    @Test func `protected groups are not recorded, and a broken one stops no scan`() throws {
        let machine = try Self.machine()
        try machine.add("system.slice/envd.service", freeze: true)
        try machine.add("init.scope", freeze: true)
        try machine.set("docker/two", freeze: true)
        try machine.spoil("cgroup.freeze", of: "customer")
        let found = GuestFreezes(
            in: try machine.tree, FreezerScope(own: "system.slice/envd.service"), limit: 100)
        #expect(found.groups == ["docker/two"])
        #expect(found.failures.map(\.group) == ["customer"])
    }
}
