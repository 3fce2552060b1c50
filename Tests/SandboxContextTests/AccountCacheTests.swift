import EnvdTestSupport
import LinuxIO
import LinuxSystem
import SandboxContext
import Testing

@Suite struct AccountCacheTests {
    @Test(arguments: ["root", "daemon", "nobody"])
    func `an account is what the database says, the first time and later`(_ name: String) async throws {
        let cache = AccountCache(pool: Children.pool)
        let account = try #require(try Account.named(name))
        for _ in 0..<3 { #expect(try await cache.account(named: name) == account) }
    }

    @Test(arguments: ["", "no-such-user", "0", "root\u{0}", "root:x", "../root"])
    func `a name that nobody has is nobody's`(_ name: String) async throws {
        let cache = AccountCache(pool: Children.pool)
        for _ in 0..<2 { #expect(try await cache.account(named: name) == nil) }
    }

    @Test func `the daemon's own account is found though no database has it`() async throws {
        let own = Account(
            name: "12345", uid: 12345, gid: 12345, home: "/", shell: "/bin/sh", groups: [12345])
        let cache = AccountCache(pool: Children.pool, own: own)
        #expect(try await cache.account(named: "12345") == own)
        #expect(try await cache.account(named: "root")?.uid == 0)
    }

    @Test func `many callers at once get the same account`() async throws {
        let cache = AccountCache(pool: Children.pool)
        let root = try #require(try Account.named("root"))
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 { group.addTask { try await cache.account(named: "root") } }
            for try await account in group { #expect(account == root) }
        }
    }
}
