internal import Glibc
package import LinuxIO
package import LinuxSystem
import SystemPackage

/// File operations on behalf of an account.
///
/// An operation runs on a thread that may what the account may, so that links which sandboxed code has planted lead
/// it nowhere that code could not go by itself. What is denied is tried again with the daemon's own powers, as the
/// reference always works, but then links are only followed if root made them; see ``FileResolver``. Either way,
/// what is made belongs to the account from its first moment.
package final class FileAccess: Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        /// What the account is denied is tried again with the daemon's powers.
        case compatible
        /// What the account is denied is denied.
        case user
    }

    package let mode: Mode
    /// The threads on which operations run.
    package let pool: BlockingPool
    /// Whether the daemon can act as others.
    private let isRoot: Bool

    /// Operations on the threads of `pool`.
    package init(pool: BlockingPool, mode: Mode = .compatible) {
        self.pool = pool
        self.mode = mode
        self.isRoot = geteuid() == 0
    }

    /// Runs `body` as `account` on a thread of the pool; if it is denied, possibly once more.
    ///
    /// `body` may have done a part of its work when it is denied, and has to cope with that when it is run again.
    ///
    /// - Throws: What `body` throws.
    package func perform<Success: Sendable, Failure: FileFailure>(
        as account: Account, _ body: @escaping @Sendable (FileResolver) throws(Failure) -> Success
    ) async throws(Failure) -> Success {
        try await self.pool.run { () throws(Failure) in try self.performNow(as: account, body) }
    }

    /// ``perform(as:_:)`` on the calling thread, which must be one that may block.
    package func performNow<Success, Failure: FileFailure>(
        as account: Account, _ body: (FileResolver) throws(Failure) -> Success
    ) throws(Failure) -> Success {
        guard self.isRoot, account.uid != 0 else {
            return try body(FileResolver(links: .all, isRetried: false))
        }
        let isRetried = self.mode == .compatible
        let denial: Failure
        do {
            return try ThreadIdentity.acting(
                as: account.credentials, powers: .user, failure: { Failure($0) }
            ) { () throws(Failure) in try body(FileResolver(links: .all, isRetried: isRetried)) }
        } catch {
            guard isRetried, error.errno == .permissionDenied || error.errno == .notPermitted else {
                throw error
            }
            denial = error
        }
        do {
            return try ThreadIdentity.acting(
                as: account.credentials, powers: .own, failure: { Failure($0) }
            ) { () throws(Failure) in try body(FileResolver(links: .ofRoot, isRetried: false)) }
        } catch {
            // It met a link that it does not follow: what the account was told is what remains.
            throw error.errno == .tooManySymbolicLinkLevels ? denial : error
        }
    }
}
