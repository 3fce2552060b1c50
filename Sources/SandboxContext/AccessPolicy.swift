import LinuxSystem
import Synchronization

/// Who may call, as it was said at start and then by `/init`.
package final class AccessPolicy: Sendable {
    package enum Rule: Sendable {
        /// There is no token: only this machine may call.
        case local
        /// There is no token, because the host of the sandbox wants none: everybody may call.
        case open
        /// Who has the token may call.
        case token(AccessToken)
    }

    private let current = Mutex(Rule.local)
    private let opensWithoutToken: Bool

    /// A policy with a token, or for this machine alone.
    ///
    /// - Parameter opensWithoutToken: whether ``set(_:)`` without a token lets everybody in: where the network is
    ///   the host's, so that who calls `/init` is the host.
    package init(token: AccessToken? = nil, opensWithoutToken: Bool = false) {
        self.opensWithoutToken = opensWithoutToken
        if let token { self.set(token) }
    }

    package var rule: Rule { self.current.withLock { $0 } }

    /// The token, if there is one.
    package var token: AccessToken? {
        guard case .token(let token) = self.rule else { return nil }
        return token
    }

    /// Replaces the token, or does without one. The replaced one is wiped as soon as no request uses it.
    package func set(_ token: AccessToken?) {
        // A process that cannot hide its memory still has the token in pages that are not dumped.
        if token != nil { try? hideMemory() }
        let rule = token.map(Rule.token) ?? (self.opensWithoutToken ? .open : .local)
        self.current.withLock { $0 = rule }
    }
}
