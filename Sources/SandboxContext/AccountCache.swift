package import LinuxIO
package import LinuxSystem
import Synchronization
package import SystemPackage

/// Accounts by name, each looked up once until the account files change.
package final class AccountCache: Sendable {
    private struct State {
        var version: AccountFiles?
        var accounts: [String: Account] = [:]
    }

    /// Accounts that are kept at most; a client can make us look up any name.
    private static let capacity = 256

    private let pool: BlockingPool
    private let own: Account?
    private let state = Mutex(State())

    /// A cache that looks accounts up on `pool`.
    ///
    /// - Parameter own: an account that is always found, though it may be in no database.
    package init(pool: BlockingPool, own: Account? = nil) {
        self.pool = pool
        self.own = own
    }

    /// The account `name`, or nil if there is none.
    ///
    /// - Throws: `Errno` if the account databases cannot be read.
    package func account(named name: String) async throws(Errno) -> Account? {
        if let own, own.name == name { return own }
        let version = AccountFiles.current
        let cached = self.state.withLock { $0.version == version ? $0.accounts[name] : nil }
        if let cached { return cached }
        let account = try await self.pool.run { () throws(Errno) in try Account.named(name) }
        guard let account else { return nil }
        self.state.withLock { state in
            if state.version != version || state.accounts.count >= Self.capacity {
                state = State(version: version)
            }
            state.accounts[name] = account
        }
        return account
    }
}
