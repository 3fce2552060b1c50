internal import Glibc
package import LinuxSystem

/// The environment of a command.
package enum CommandEnvironment {
    /// Variables in the form `NAME=value`, each name once.
    ///
    /// Later ones win: the daemon's `PATH`, the account's, for a terminal the kind that most are compatible with,
    /// the sandbox's (its own over its clients'), the request's.
    package static func compose(
        searchPath: String, account: Account, hasTerminal: Bool, defaults: SandboxDefaults.State,
        request: [String: String]
    ) -> [String] {
        var variables = [
            "PATH": searchPath, "HOME": account.home, "USER": account.name, "LOGNAME": account.name,
        ]
        if hasTerminal { variables["TERM"] = "xterm-256color" }
        variables.merge(defaults.variables) { $1 }
        variables.merge(request) { $1 }
        return variables.map { "\($0)=\($1)" }.sorted()
    }
}

extension Account {
    /// Credentials for a child that acts as this account; nil where the daemon cannot change its own.
    package var spawnCredentials: Credentials? { geteuid() == 0 ? self.credentials : nil }
}
