import EnvdTestSupport
import LinuxSystem
import NIOCore
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct ThawTests {
    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in ["user", "ptys", "customer/deep/deeper", "system.slice/envd.service", "init.scope"] {
            try tree.add(group)
        }
        return tree
    }

    @Test func `a thaw finds what is frozen wherever it is, but for the daemon's own chain`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        for group in ["customer/deep/deeper", "init.scope", "system.slice/envd.service"] {
            try machine.set(group, freeze: true, frozen: true)
        }
        #expect(try await freezer.thaw() == [])
        #expect(try machine.frozen == ["system.slice/envd.service"])
    }

    @Test func `without a freeze of ours only commands are thawed`() async throws {
        let machine = try Self.machine()
        try machine.set("user", freeze: true)
        try machine.set("customer", freeze: true, frozen: true)
        #expect(try await TestFreezer(machine.tree).thaw() == [])
        #expect(try machine.frozen == ["customer"])
    }

    @Test func `commands that stand still are a freeze of ours, whoever remembers it`() async throws {
        let machine = try Self.machine()
        try machine.set("ptys", freeze: true, frozen: true)
        try machine.set("customer/deep", freeze: true, frozen: true)
        #expect(try await TestFreezer(machine.tree).thaw() == [])
        #expect(try machine.frozen == [])
    }

    @Test func `a freeze that wrote nothing is not ours`() async throws {
        let machine = try Self.machine()
        for group in ["user", "ptys", "customer"] { try machine.spoil("cgroup.freeze", of: group) }
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.legacy)
        #expect(try await !freezer.isWatched)
        try machine.set("init.scope", freeze: true, frozen: true)
        #expect(try await freezer.thaw().count == 2)
        #expect(try machine.frozen == ["init.scope"])
    }

    @Test func `groups that are gone are no failures`() async throws {
        let tree = try PlainTree()
        #expect(try await TestFreezer(tree.tree).thaw() == [])
        try tree.add("user")
        try tree.add("gone")
        let freezer = TestFreezer(try tree.tree)
        _ = try await freezer.freeze(.hierarchy)
        try tree.remove("gone")
        #expect(try await freezer.thaw() == [])
        #expect(try await !freezer.isWatched)
    }

    @Test func `a thaw that fails is told, and stays watched`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        _ = try await freezer.freeze(.hierarchy)
        try machine.spoil("cgroup.freeze", of: "customer")
        #expect(try await freezer.thaw() == ["thaw cgroup \"customer\": is a directory"])
        #expect(try await freezer.isWatched)
        #expect(try machine.frozen == [])
        try machine.repair("cgroup.freeze", of: "customer")
        #expect(try await freezer.thaw() == [])
        #expect(try await !freezer.isWatched)
    }

    @Test func `a walk over too many groups is cut, and told`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree, walkedGroups: 10)
        _ = try await freezer.freeze(.legacy)
        for number in 0..<10 { try machine.add("customer/n\(number)") }
        #expect(
            try await freezer.thaw() == ["thaw walk truncated at 10 cgroups: some may still be frozen"])
        #expect(try machine.frozen == [])
        #expect(try await freezer.isWatched)
        #expect(FreezeLimits().walkedGroups == 8192)
    }

    // MARK: Watchdog

    @Test func `a freeze that nobody undoes is undone`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree, watchdog: .milliseconds(20))
        _ = try await freezer.freeze(.hierarchy)
        let warning = try await freezer.warnings.next()
        #expect(warning.hasPrefix("thaw watchdog fired: a freeze was never followed by a thaw (1 thawed"))
        #expect(try machine.frozen == [])
        #expect(try await !freezer.isWatched)
    }

    @Test func `a rescue that fails is tried again`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree, watchdog: .milliseconds(20))
        try machine.spoil("cgroup.freeze", of: "ptys")
        _ = try await freezer.freeze(.hierarchy)
        var warnings: [String] = []
        while warnings.filter({ $0.hasPrefix("thaw watchdog fired") }).count < 2 {
            warnings.append(try await freezer.warnings.next())
        }
        try machine.repair("cgroup.freeze", of: "ptys")
        #expect(try await freezer.thaw() == [])
        #expect(try await !freezer.isWatched)
    }

    @Test func `no timer runs while nothing is frozen`() async throws {
        let machine = try Self.machine()
        let freezer = TestFreezer(try machine.tree)
        #expect(try await !freezer.isWatched)
        _ = try await freezer.freeze(.legacy)
        #expect(try await freezer.isWatched)
        try await freezer.thaw()
        #expect(try await !freezer.isWatched)
    }
}
