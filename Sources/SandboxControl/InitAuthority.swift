import LinuxIO
import NIOHTTP1
import SandboxContext

/// Decides whether a request may initialise the sandbox: it shows the token that is set, or one that the machine's
/// metadata announces.
struct InitAuthority: Sendable {
    /// Requests for which the metadata service is asked at once. The next ones wait: each takes two connections, one
    /// after the other.
    private static let lookups = 32

    let access: AccessPolicy
    private let lock = FairLock(limit: Self.lookups)
    /// The hash that the metadata service announces, empty for none.
    let announcedHash: @Sendable () async -> String

    init(access: AccessPolicy, announcedHash: @escaping @Sendable () async -> String) {
        self.access = access
        self.announcedHash = announcedHash
    }

    /// - Parameter metadata: nil outside of Firecracker.
    init(access: AccessPolicy, metadata: SandboxMetadata?) {
        self.init(access: access) { await metadata?.tokenHash() ?? "" }
    }

    /// Checks the token of a request, nil if it shows none.
    ///
    /// - Throws: ``InitAnswer`` with 401.
    func check(_ token: AccessToken?) async throws(InitAnswer) {
        let current = self.access.token
        if let current, let token, current.matches(token) { return }
        // Who leaves meanwhile hears nothing.
        let announced = await self.lock.runUnlessCancelled { await self.announcedHash() } ?? ""
        if announced.isEmpty {
            if current == nil { return }
        } else if AccessToken.fingerprint(of: token) == announced {
            return
        }
        throw InitAnswer(
            status: .unauthorized,
            text: token == nil ? "access token reset not authorized" : "access token validation failed")
    }
}
