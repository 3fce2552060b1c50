import EnvdAPI
import LinuxSystem

extension GitFailure {
    /// What git says in English, in lower case, and what it means. The first that fits counts.
    private static let phrases: [(kind: Kind, any: [String])] = [
        (
            .diskFull,
            [
                "no space left on device", "disk quota exceeded", "out of diskspace",
                // Without a reason; there is hardly another one.
                "failed to write new configuration file",
            ]
        ),
        (.lockHeld, [".lock': file exists", "config: file exists", "another git process seems"]),
        (.unsafeRepository, ["detected dubious ownership", "unsafe repository ("]),
        (
            .authenticationFailed,
            [
                "authentication failed", "terminal prompts disabled", "could not read username",
                "could not read password", "invalid username or password", "invalid credentials",
                "error: 401", "permission denied (publickey", "host key verification failed",
            ]
        ),
        (.transportNotAllowed, ["' not allowed"]),
        (
            .notFound,
            [
                "access denied or repository not exported", "does not appear to be a git repository",
                "invalid gitfile format",
            ]
        ),
        (
            .unreachable,
            [
                "could not resolve host", "failed to connect to", "connection refused", "timed out",
                "unable to connect to", "network is unreachable", "unable to look up",
                "could not connect to server", "connection reset by peer", "empty reply from server",
                "early eof", "no route to host", "remote end hung up unexpectedly",
            ]
        ),
        (.permissionDenied, ["error: 403", "access denied", "not authorized", "permission to "]),
        (
            .noUpstream,
            [
                "has no upstream branch", "no upstream configured", "no tracking information",
                "specify which branch you want to merge with", "no configured push destination",
                "not currently on a branch", "set the remote as upstream", "set the upstream branch",
            ]
        ),
        (
            .nonFastForward,
            [
                "(non-fast-forward)", "(fetch first)", "(stale info)", "not possible to fast-forward",
                "reconcile divergent branches", "diverging branches can't be fast-forwarded",
            ]
        ),
        (
            .rejected,
            [
                "hook declined", "[remote rejected]", "protected branch", "aborted by hook",
                "not committing merge",
            ]
        ),
        (
            .localChanges,
            [
                "would be overwritten by", "commit your changes or stash them", "unstaged changes",
                "uncommitted changes", "not uptodate. cannot merge", "your local changes",
            ]
        ),
        (
            .conflict,
            [
                "conflict (", "automatic merge failed", "unmerged files", "unmerged paths", "needs merge",
                "could not apply", "merge_head exists", "is unmerged", "resolve your current index first",
                "unmerged entries", "in the middle of a merge",
            ]
        ),
        (
            .nothingToCommit,
            ["nothing to commit", "no changes added to commit", "nothing added to commit"]
        ),
        (
            .identityUnknown,
            [
                "tell me who you are", "unable to auto-detect email", "empty ident name",
                "no email was given", "no name was given", "consists only of disallowed characters",
            ]
        ),
        (.notMerged, ["is not fully merged"]),
        (.alreadyExists, ["already exists", "' exists; cannot create"]),
        (
            .notARepository,
            [
                "not a git repository", "must be run in a work tree", "only be used inside a git repository",
                "usage: git diff --no-index",
            ]
        ),
        (
            .notFound,
            [
                "not found", "couldn't find remote ref", "no such remote", "did not match",
                "unknown revision",
                "bad revision", "needed a single revision", "invalid reference", "not a valid object name",
                "not a commit", "does not exist", "does not match any", "could not parse object",
                "not a tree", "not our ref", "no such ref", "unable to resolve", "not a valid ref",
                "is not a valid reference", "no stash entries", "' only has ", "ambiguous argument",
                "no such file",
                "not something we can merge", "not have any commits yet", "could not resolve ",
                "failed to resolve",
                "could not resolve head", "bad object", "no merge to abort", "no such section",
                "not have the initial commit yet",
            ]
        ),
        (.permissionDenied, ["permission denied", "read-only file system", "operation not permitted"]),
        (
            .invalidArgument,
            [
                "not a valid branch name", "invalid refspec", "unknown option", "usage: ", "invalid key",
                "key does not contain", "is not a valid", "not a valid tag name", "no valid remote name",
                "cannot delete branch", "invalid filter-spec", "invalid branch name", "is outside repository",
                "cannot do a", "not a valid object", "paths with commit", "empty commit message",
                "invalid initial branch name", "file name too long", "already checked out at",
                "already used by worktree", "cannot force update the branch", "paths are ignored by",
                "refusing to merge unrelated histories",
            ]
        ),
        // By a hook here, if there is no other reason.
        (.rejected, ["failed to push some refs"]),
    ]

    /// Why `command` failed.
    init(_ command: GitCommand, _ output: GitOutput, limits: GitLimits) {
        let secret = command.credentials?.secret
        let said = Redaction.redact(output.errorText, secret)
        let shown = Redaction.redact(String(decoding: output.standardOutput, as: UTF8.self), secret)
        // Of merges and commits, some of the reasons are on standard output.
        let text = said + "\n" + (said.isEmpty || output.exitCode == 1 ? shown : "")
        let kind = Self.kind(of: Self.withoutNames(of: command, text.lowercased()), command, output)
        let headline = Self.headline(said) ?? Self.headline(shown) ?? ""
        self.init(kind ?? .unspecified, "git \(command.name): \(headline)")
        if kind == nil, command.name == "commit", output.exitCode == 1 {
            // All other reasons are told. What a hook says can be anything.
            self.kind = .rejected
        }
        if kind == nil, case .signaled(let signal, _) = output.exit {
            self.message = "git \(command.name): ended by signal \(signal)"
        } else if self.message.hasSuffix(": ") {
            self.message += "exit status \(output.exitCode)"
        }
        self.exitCode = output.exitCode
        self.standardError = String(said.suffix(limits.toldErrorCharacters))
        if kind == .lockHeld { self.lockPath = Self.lockPath(in: said) }
    }

    /// How lines begin that git itself has written: others can be a hook's, which says anything.
    private static let beginnings = [
        "fatal: ", "error: ", "conflict (", " ! [", "!\t", "automatic merge failed", "not committing merge",
        "*** please tell me who you are", "usage: ", "there is no tracking information",
    ]

    /// The lines of a commit that does not come about, but for those with another exit status than 1.
    private static let commitLines = [
        "nothing to commit", "no changes added to commit", "nothing added to commit",
        "aborting commit due to empty commit message",
    ]

    /// What `text`, in lower case, means.
    private static func kind(of text: String, _ command: GitCommand, _ output: GitOutput) -> Kind? {
        let lines = text.split(whereSeparator: \.isNewline)
        if command.name == "commit", output.exitCode == 1 {
            if lines.contains(where: { $0.hasPrefix("you asked to amend the most recent commit, but") }) {
                return .nothingToCommit
            }
            return Self.kind(in: lines.filter { line in Self.commitLines.contains { line.hasPrefix($0) } })
        }
        // What the other side's git says of its disk and its locks.
        let remote = Self.kind(
            in: lines.filter { $0.hasPrefix("remote: fatal: ") || $0.hasPrefix("remote: error: ") })
        if remote == .diskFull || remote == .lockHeld { return remote }
        let own = lines.filter { line in Self.beginnings.contains { line.hasPrefix($0) } }
        return Self.kind(in: own.map { Self.withoutQuotes($0) })
            ?? Self.kind(in: lines.filter { !$0.hasPrefix("remote: ") })
    }

    private static func kind(in lines: [Substring]) -> Kind? {
        let text = lines.joined(separator: "\n")
        return Self.phrases.first { phrase in phrase.any.contains { text.contains($0) } }?.kind
    }

    /// `text` without what the request has chosen, where that looks like a reason.
    private static func withoutNames(of command: GitCommand, _ text: String) -> String {
        let chosen =
            command.operands
            + command.arguments.flatMap { $0.parts(between: "=", most: 1).dropFirst() }
            .map { String($0) }
        return chosen.map { $0.lowercased() }.reduce(text) { text, name in
            let isReason = Self.phrases.contains { $0.any.contains { name.contains($0) } }
            return isReason ? text.replacingBytes(of: name, with: "") : text
        }
    }

    /// A line without what is between quotes: names, but for those of locks. An apostrophe in a word is no quote.
    private static func withoutQuotes(_ line: Substring) -> Substring {
        let bytes = Array(line.utf8)
        let quote = UInt8(ascii: "'")
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            kept.append(bytes[index])
            defer { index += 1 }
            let begins =
                index == 0 || bytes[index - 1] == UInt8(ascii: " ") || bytes[index - 1] == UInt8(ascii: "(")
            guard bytes[index] == quote, begins, let end = bytes[(index + 1)...].firstIndex(of: quote) else {
                continue
            }
            if bytes[index..<end].suffix(5).elementsEqual(".lock".utf8) { kept += Array(".lock".utf8) }
            kept.append(quote)
            index = end
        }
        return Substring(String(decoding: kept, as: UTF8.self))
    }

    /// Characters of a message.
    private static let headlineLimit = 512

    /// The first line that says what is wrong, else the first that is not empty.
    private static func headline(_ text: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy { $0 == " " } }
        let marked =
            lines.first { $0.hasPrefix("fatal: ") || $0.hasPrefix("CONFLICT ") }
            ?? lines.first { $0.hasPrefix("error: ") || $0.hasPrefix("ERROR: ") || $0.contains("[rejected]") }
        return (marked ?? lines.first).map { String($0.prefix(Self.headlineLimit)) }
    }

    /// The path between `Unable to create '` and the quote behind it, or of a settings file the one beside it.
    private static func lockPath(in text: String) -> String {
        if let begin = text.firstRange(of: "Unable to create '"),
            let end = text[begin.upperBound...].firstRange(of: ".lock'")
        {
            return String(text[begin.upperBound..<end.lowerBound]) + ".lock"
        }
        if let begin = text.firstRange(of: "could not lock config file "),
            let end = text[begin.upperBound...].firstRange(of: ": ")
        {
            return String(text[begin.upperBound..<end.lowerBound]) + ".lock"
        }
        return ""
    }
}
