import EnvdTestSupport
import LinuxSystem
import NIOCore
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct SweepTests {
    /// A machine with systemd, commands, a container, and what must run.
    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in [
            "user", "ptys", "socats", "init.scope", "customer", "user.slice/session",
            "system.slice/envd.service/inner", "system.slice/customer.service/below",
            "system.slice/systemd-journald.service/child", "system.slice/rpcbind.service",
            "system.slice/rpcbind.socket", "system.slice/rpc-statd.service",
        ] {
            try tree.add(group)
        }
        return tree
    }

    @Test func `a hierarchy freeze stops all but the daemon and what the machine needs`() async throws {
        let machine = try Self.machine()
        let outcome = try await TestFreezer(machine.tree).freeze(.hierarchy)
        #expect(
            try machine.frozen == [
                "customer", "ptys", "system.slice/customer.service", "system.slice/envd.service/inner",
                "user",
                "user.slice",
            ])
        #expect(outcome?.mode == .hierarchy)
        #expect(outcome?.requested == 6)
        #expect(outcome?.failed == 0)
        // init.scope, socats, and four units.
        #expect(outcome?.allowlisted == 6)
        // Seven groups below the root, six below system.slice, one below the daemon.
        #expect(outcome?.visited == 14)
    }

    @Test func `a legacy freeze stops commands only`() async throws {
        let machine = try Self.machine()
        let outcome = try await TestFreezer(machine.tree).freeze(.legacy)
        #expect(try machine.frozen == ["ptys", "user"])
        #expect(outcome?.requested == 2)
        #expect(outcome?.visited == 0)
    }

    @Test func `a daemon in the root still looks into system slice`() async throws {
        let machine = try Self.machine()
        _ = try await TestFreezer(machine.tree, own: "").freeze(.hierarchy)
        let frozen = try machine.frozen
        #expect(frozen.contains("system.slice/envd.service"))
        #expect(!frozen.contains("system.slice"))
        #expect(!frozen.contains("system.slice/systemd-journald.service"))
    }

    @Test func `a daemon that does not know where it is freezes commands only, and says so`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree, own: nil)
        let outcome = try await freezer.freeze(.hierarchy)
        #expect(outcome?.mode == .legacy)
        #expect(try machine.frozen == ["ptys", "user"])
        #expect(try await freezer.warnings.next().contains("own cgroup is not known"))
        #expect(try await freezer.audit() == nil)
    }

    @Test func `no more groups are looked at than asked for, and commands are frozen all the same`()
        async throws
    {
        let machine = try Self.machine()
        for number in 0..<20 { try machine.add("a\(number)") }
        let outcome = try await TestFreezer(machine.tree).freeze(.hierarchy, limit: 5)
        #expect(outcome?.isTruncated == true)
        #expect(outcome?.visited == 5)
        #expect(outcome?.requested == 7)
        let frozen = try machine.frozen
        #expect(frozen.contains("user"))
        #expect(frozen.contains("ptys"))
    }

    @Test func `no group is written to twice`() async throws {
        let tree = try PlainTree()
        try tree.add("user")
        try tree.add("ptys")
        let outcome = try await TestFreezer(tree.tree, own: "").freeze(.hierarchy)
        #expect(outcome?.requested == 2)
        #expect(outcome?.visited == 2)
    }

    @Test(
        arguments: [
            (nil, 512), (0, 512), (-1, 512), (4096, 4096), (8192, 8192), (8193, 8192), (163_840, 8192),
            (.max, 8192), (.min, 512),
        ] as [(Int64?, Int)])
    func `the number of groups has a bound`(_ requested: Int64?, _ bound: Int) {
        #expect(FreezeLimits.bound(requested) == bound)
    }

    @Test func `the way from the root to a group`() {
        #expect(FreezerScope.chain(to: "") == [""])
        #expect(FreezerScope.chain(to: "a") == ["", "a"])
        #expect(FreezerScope.chain(to: "a/b/c") == ["", "a", "a/b", "a/b/c"])
    }

    @Test func `a group that cannot be written to is counted, and stops nothing`() async throws {
        let machine = try Self.machine()
        try machine.spoil("cgroup.freeze", of: "customer")
        let freezer = TestFreezer(try machine.tree)
        let outcome = try await freezer.freeze(.hierarchy)
        #expect(outcome?.failed == 1)
        #expect(outcome?.requested == 5)
        #expect(try await freezer.warnings.next().contains("customer"))
    }

    @Test func `a group that ends during the sweep is no reason to stop`() async throws {
        let tree = try PlainTree()
        try tree.add("user")
        let outcome = try await TestFreezer(tree.tree, own: "").freeze(.hierarchy)
        // There is no group of terminals.
        #expect(outcome?.requested == 1)
        #expect(outcome?.failed == 1)
    }

    @Test func `without cgroups a freeze claims nothing`() async throws {
        let freezer = TestFreezer(nil)
        let outcome = try #require(try await freezer.freeze(.hierarchy, wait: .milliseconds(100)))
        #expect(outcome.mode == .legacy)
        #expect(outcome.requested == 2)
        #expect(outcome.unobservable == 2)
        #expect(outcome.frozen == 0)
        #expect(outcome.notFrozen == 0)
        #expect(try await freezer.thaw() == [])
        #expect(try await !freezer.isWatched)
    }

    @Test(arguments: ["/./", "//", "/user/..", "/"])
    func `the root may be spelled in any way`(_ suffix: String) async throws {
        let machine = try Self.machine()
        let outcome = try await TestFreezer(CgroupTree(at: machine.path + suffix)).freeze(.hierarchy)
        #expect(outcome?.requested == 6)
    }
}
