import GitService

/// The program's other role: it answers git's questions for credentials.
package enum CredentialRole {
    /// Answers if the program was started for this.
    ///
    /// - Parameter arguments: those after the program's name.
    /// - Returns: the exit status, or nil if the program was started as the daemon.
    package static func run(arguments: [String]) -> Int32? {
        CredentialPrompt.run(arguments: arguments)
    }
}
