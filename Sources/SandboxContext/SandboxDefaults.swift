import Synchronization

/// What holds for commands and files of the sandbox unless a request says otherwise.
package final class SandboxDefaults: Sendable {
    /// All of it at one moment: who acts, where, and with which variables. It lasts as long as the daemon.
    package struct State: Sendable, Equatable {
        /// The account that acts when a request names none; nil for the account `user` where there is one, else
        /// root.
        package var user: String?
        /// What an empty path of a request stands for, as that of a command's directory; nil for the account's
        /// home.
        package var workingDirectory: String?
        /// Set by the daemon itself. The host cannot change them; a request can, for its own command.
        package var internalVariables: [String: String]
        /// Set by the sandbox's host for all commands.
        package var userVariables: [String: String]

        package init(
            user: String?, workingDirectory: String? = nil, internalVariables: [String: String] = [:],
            userVariables: [String: String] = [:]
        ) {
            self.user = user
            self.workingDirectory = workingDirectory
            self.internalVariables = internalVariables
            self.userVariables = userVariables
        }

        /// All variables. What the daemon sets itself comes before what the host sets.
        package var variables: [String: String] {
            self.userVariables.merging(self.internalVariables) { $1 }
        }

        /// Makes `variables` the ones that the host has set; the daemon's own stay.
        package mutating func replaceUserVariables(_ variables: [String: String]) {
            self.userVariables = variables.filter { self.internalVariables[$0.key] == nil }
        }

        /// Sets one of the daemon's own; the host's of that name ends.
        package mutating func setInternalVariable(_ name: String, _ value: String) {
            self.internalVariables[name] = value
            self.userVariables[name] = nil
        }
    }

    private let state: Mutex<State>

    package init(_ state: State) {
        self.state = Mutex(state)
    }

    package var current: State { self.state.withLock { $0 } }

    /// Changes the defaults as one step.
    package func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        self.state.withLock { body(&$0) }
    }
}
