import Connect
import EnvdAPI
import LinuxSystem
import SwiftProtobuf
import Testing

@testable import GitService

@Suite struct FailureTests {
    private func failure(
        _ error: String, output: String = "", exit: ChildExit = .exited(128), secret: CredentialSecret? = nil
    ) throws -> GitFailure {
        var command = GitCommand(arguments: ["push", "--x"], directory: "/")
        if let secret { command.credentials = try GitCredentials(secret, program: "/bin/true") }
        let output = GitOutput(
            standardOutput: Array(output.utf8), standardError: Array(error.utf8), exit: exit)
        return GitFailure(command, output, limits: GitLimits())
    }

    @Test(arguments: [
        ("fatal: Authentication failed for 'http://h/x/'", GitFailure.Kind.authenticationFailed),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", .authenticationFailed),
        (
            "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            .authenticationFailed
        ),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", .permissionDenied),
        ("error: open(\"x\"): Permission denied", .permissionDenied),
        ("fatal: The current branch x has no upstream branch.", .noUpstream),
        ("There is no tracking information for the current branch.", .noUpstream),
        ("fatal: no upstream configured for branch 'x'", .noUpstream),
        ("fatal: not a git repository (or any of the parent directories): .git", .notARepository),
        ("fatal: repository 'http://h/x/' not found", .notFound),
        ("fatal: '/x' does not appear to be a git repository", .notFound),
        ("error: pathspec 'x' did not match any file(s) known to git", .notFound),
        ("fatal: a branch named 'x' already exists", .alreadyExists),
        ("fatal: Unable to create '/r/.git/index.lock': File exists.", .lockHeld),
        ("error: could not lock config file .git/config: File exists", .lockHeld),
        ("error: could not lock config file /etc/gitconfig: Permission denied", .permissionDenied),
        (" ! [rejected] main -> main (fetch first)", .nonFastForward),
        ("fatal: Need to specify how to reconcile divergent branches.", .nonFastForward),
        ("fatal: write error: No space left on device", .diskFull),
        ("fatal: detected dubious ownership in repository at '/r'", .unsafeRepository),
        (
            "error: Your local changes to the following files would be overwritten by merge:\n\ta",
            .localChanges
        ),
        ("fatal: transport 'ext' not allowed", .transportNotAllowed),
        ("fatal: unable to access 'http://h/': Could not resolve host: h", .unreachable),
        ("fatal: the remote end hung up unexpectedly", .unreachable),
        ("*** Please tell me who you are.", .identityUnknown),
        ("fatal: name consists only of disallowed characters: <>", .identityUnknown),
        ("fatal: Cannot do a soft reset in the middle of a merge.", .conflict),
        ("error: failed to push some refs to 'x'", .rejected),
        ("fatal: invalid initial branch name: 'a b'", .invalidArgument),
        ("error: The branch 'x' is not fully merged.", .notMerged),
        (" ! [remote rejected] a -> a (pre-receive hook declined)", .rejected),
        ("fatal: ref updates aborted by hook", .rejected),
        ("fatal: sha1 file '/r/.git/index.lock' write error. Out of diskspace", .diskFull),
        ("error: failed to write new configuration file /r/.git/config.lock", .diskFull),
        ("fatal: --local can only be used inside a git repository", .notARepository),
        ("error: unknown option `ours'\nusage: git diff --no-index [<options>]", .notARepository),
        ("Aborting commit due to empty commit message.", .invalidArgument),
        ("fatal: '-x' is not a valid branch name", .invalidArgument),
        ("You do not have the initial commit yet", .notFound),
        ("fatal: 'x' is already checked out at '/w'", .invalidArgument),
        ("fatal: 'x' is already used by worktree at '/w'", .invalidArgument),
        ("fatal: cannot force update the branch 'x' checked out at '/w'", .invalidArgument),
        ("fatal: cannot lock ref 'a/b': 'a' exists; cannot create 'a/b'", .alreadyExists),
        ("The following paths are ignored by one of your .gitignore files:\na.o", .invalidArgument),
        ("fatal: refusing to merge unrelated histories", .invalidArgument),
        ("something new", .unspecified), ("", .unspecified),
    ])
    func `what git says has a kind`(_ error: String, _ kind: GitFailure.Kind) throws {
        #expect(try self.failure(error).kind == kind)
    }

    @Test func `reasons of merges and commits are on standard output`() throws {
        let conflict = try self.failure(
            "", output: "CONFLICT (content): Merge conflict in a\nAutomatic merge failed", exit: .exited(1))
        #expect(
            conflict.kind == .conflict
                && conflict.message == "git push: CONFLICT (content): Merge conflict in a")
        #expect(try self.failure("", output: "nothing to commit", exit: .exited(1)).kind == .nothingToCommit)
        // What a command shows is no reason of its own.
        #expect(try self.failure("fatal: x", output: "permission denied").kind == .unspecified)
    }

    @Test func `what others say is no reason`() throws {
        #expect(
            try self.failure("npx: command not found\nerror: failed to push some refs to 'x'").kind
                == .rejected)
        #expect(try self.failure("fatal: 'timed out' is not a valid branch name").kind == .invalidArgument)
        #expect(try self.failure("remote: access denied\nfatal: x").kind == .unspecified)
        let hook = GitOutput(
            standardOutput: [], standardError: Array("npx: command not found".utf8), exit: .exited(1))
        let commit = GitCommand(arguments: ["commit"], directory: "/")
        #expect(GitFailure(commit, hook, limits: GitLimits()).kind == .rejected)
    }

    @Test func `a lock has its path`() throws {
        let index = try self.failure(
            "fatal: Unable to create '/r x/.git/index.lock': File exists.\n\nAnother git")
        #expect(index.lockPath == "/r x/.git/index.lock")
        let config = try self.failure("error: could not lock config file .git/config: File exists")
        #expect(config.lockPath == ".git/config.lock")
    }

    @Test func `an error has a code, one line, and a detail`() throws {
        let secret = CredentialSecret(origin: "http://h", username: "u", password: "hunter2")
        let failure = try self.failure(
            "hint: x\nfatal: Authentication failed for 'http://u:hunter2@h/'\n", secret: secret)
        let error = failure.connectError
        #expect(error.code == .unauthenticated)
        #expect(error.message == "git push: fatal: Authentication failed for 'http://***@h/'")
        let detail = try #require(error.details.first)
        #expect(detail.type == "envd.v1.GitError")
        let message = try Envd_V1_GitError(serializedBytes: detail.value)
        #expect(message.kind == .authenticationFailed && message.exitCode == 128 && !message.hint.isEmpty)
        #expect(!message.stderr.contains("hunter2"))
    }

    @Test func `a signal and an exit status without a word are told`() throws {
        let killed = try self.failure("", exit: .signaled(9, coreDumped: false))
        #expect(killed.message == "git push: ended by signal 9" && killed.exitCode == -1)
        #expect(try self.failure("", exit: .exited(3)).message == "git push: exit status 3")
    }

    @Test func `of a long error the end is told`() throws {
        let long = String(repeating: "remote: line\n", count: 5_000) + "fatal: at last"
        let failure = try self.failure(long)
        #expect(failure.standardError.count <= GitLimits().toldErrorCharacters)
        #expect(
            failure.standardError.hasSuffix("fatal: at last") && failure.message == "git push: fatal: at last"
        )
    }

    @Test func `every kind has a code`() {
        for kind in GitFailure.Kind.allCases {
            #expect(GitFailure(kind, "m").connectError.details.count == 1)
        }
        #expect(GitFailure(.unspecified, "m").connectError.code == .unknown)
    }
}
