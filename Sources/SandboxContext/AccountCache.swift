internal import Glibc
package import LinuxIO
package import LinuxSystem
import Synchronization
package import SystemPackage

/// Accounts by name, each looked up once until the account files change.
package final class AccountCache: Sendable {
    /// Identifies one version of a file.
    private struct FileVersion: Equatable {
        var node: UInt64 = 0
        var size: Int = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0

        init(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            self.node = UInt64(status.st_ino)
            self.size = Int(status.st_size)
            self.seconds = status.st_mtim.tv_sec
            self.nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Identifies one version of the account files.
    private struct Version: Equatable {
        var accounts: FileVersion
        var groups: FileVersion

        static var current: Version {
            Version(accounts: FileVersion("/etc/passwd"), groups: FileVersion("/etc/group"))
        }
    }

    private struct State {
        var version: Version?
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
        let version = Version.current
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
