import NIOHTTP1
import SandboxContext

/// Decides whether a request may initialise the sandbox: it shows the token that is set, or one that the machine's
/// metadata announces.
struct InitAuthority: Sendable {
    let access: AccessPolicy
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
        let announced = await self.announcedHash()
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
