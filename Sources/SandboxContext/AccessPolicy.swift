import LinuxSystem
import Synchronization

/// Who may call, as it was said at start and then by `/init`.
package final class AccessPolicy: Sendable {
    package enum Rule: Sendable {
        /// The host has to say who may call, and until then nobody may.
        case closed
        /// There is no token: only this machine may call.
        case local
        /// There is no token, because the host of the sandbox wants none: everybody may call.
        case open
        /// Who has the token may call.
        case token(AccessToken)
    }

    private let current: Mutex<(rule: Rule, changes: Int)>
    private let opensWithoutToken: Bool

    /// A policy with a token, or for this machine alone.
    ///
    /// - Parameter opensWithoutToken: whether ``set(_:)`` without a token lets everybody in: where the network is
    ///   the host's, so that who calls `/init` is the host.
    /// - Parameter isClosed: whether, without a token, not even this machine may call before ``set(_:)``: what a daemon
    ///   ran before this one goes on, and would find no token.
    package init(token: AccessToken? = nil, opensWithoutToken: Bool = false, isClosed: Bool = false) {
        self.current = Mutex((isClosed ? .closed : .local, 0))
        self.opensWithoutToken = opensWithoutToken
        if let token { self.set(token) }
    }

    package var rule: Rule { self.current.withLock { $0.rule } }

    /// How often ``set(_:)`` was called.
    package var changes: Int { self.current.withLock { $0.changes } }

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
        self.current.withLock { $0 = (rule, $0.changes + 1) }
    }
}
