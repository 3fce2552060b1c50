import Connect
package import LinuxSystem

/// On whose behalf a call acts.
package struct Caller: Sendable, Equatable {
    package var account: Account

    package init(account: Account) {
        self.account = account
    }
}

/// The caller that the `Authorization` header names.
package enum CallerKey: RPCContextKey {
    package typealias Value = Caller
}
