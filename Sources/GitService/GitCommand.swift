/// One command of git, as a value: nothing of it is interpreted by a shell.
struct GitCommand: Sendable {
    /// The transports that are allowed when a request says nothing else.
    static let defaultTransports = ["https", "http", "ssh", "git", "file"]

    /// `name=value` for this command alone, stronger than the user's configuration.
    var settings: [String] = []
    /// The subcommand and its options. What a client chose is here only behind an option's `=`, or checked with
    /// ``ArgumentCheck``.
    var arguments: [String]
    /// What follows `--`, which ends the options.
    var operands: [String] = []
    /// Has `--` even without operands, so that a revision is not taken for a file.
    var endsRevisions = false
    /// Where it runs, absolute.
    var directory: String
    /// More for the environment.
    var environment: [String: String] = [:]
    /// Its standard input; nil is `/dev/null`.
    var input: [UInt8]?
    /// Takes no locks for what it could do by the way, so that it never disturbs another git.
    var isReadOnly = false
    var transports: [String] = Self.defaultTransports
    var runsHooks = true
    /// Paths are what they are, and no patterns. Only for commands that take paths: some use patterns of their own.
    var hasLiteralPaths = false
    /// Who is asked for a user and password; nil is nobody but the user's own helpers.
    var credentials: GitCredentials?

    /// What is behind `git` on the command line.
    var commandLine: [String] {
        var settings = ["color.ui=false"] + self.settings
        if !self.runsHooks { settings.append("core.hooksPath=/dev/null") }
        if self.credentials != nil {
            // The user's helpers would be asked first, and be told to store what was given for this call alone.
            settings += CredentialPrompt.settings + ["credential.useHttpPath=false"]
        }
        let global = ["--no-pager"] + settings.flatMap { ["-c", $0] }
        let operands = self.operands.isEmpty && !self.endsRevisions ? [] : ["--"] + self.operands
        return global + self.arguments + operands
    }

    /// What the command gets besides the environment of every command.
    var variables: [String: String] {
        var variables = [
            "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":",
            "GIT_MERGE_AUTOEDIT": "no", "GIT_PAGER": "cat", "GIT_TRACE_REDACT": "1",
            "GIT_ALLOW_PROTOCOL": self.transports.joined(separator: ":"),
        ]
        variables.merge(self.environment) { $1 }
        if self.isReadOnly { variables["GIT_OPTIONAL_LOCKS"] = "0" }
        if self.hasLiteralPaths { variables["GIT_LITERAL_PATHSPECS"] = "1" }
        if self.credentials != nil { variables.merge(CredentialPrompt.variables) { $1 } }
        return variables
    }

    /// Gives the command paths on its standard input, where any byte but NUL may be in them and there may be any
    /// number.
    ///
    /// - Parameter arePatterns: as git's command line has them.
    /// - SeeAlso: `--pathspec-from-file` of git-add(1).
    mutating func readPaths(_ paths: [[UInt8]], arePatterns: Bool) {
        self.hasLiteralPaths = !arePatterns
        self.arguments += ["--pathspec-from-file=-", "--pathspec-file-nul"]
        self.input = Array(paths.joined(separator: [0])) + [0]
    }

    /// The subcommand, for messages.
    var name: String { self.arguments.first ?? "" }
}
