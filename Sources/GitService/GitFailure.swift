import Connect
import EnvdAPI
import SwiftProtobuf

/// Why a call fails, in the words of `envd.v1.GitError`.
struct GitFailure: Error, Sendable {
    typealias Kind = Envd_V1_GitError.Kind

    var kind: Kind
    /// One line for the client.
    var message: String
    var standardError = ""
    /// nil if git did not run.
    var exitCode: Int32?
    var lockPath = ""
    var conflicts: [[UInt8]] = []

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What would help, if there is something.
    private var hint: String {
        switch self.kind {
        case .unsafeRepository:
            "The repository belongs to another user than the one who runs git, who could be tricked by its hooks and "
                + "settings. Make the call as its owner, give the directory to the user, or trust it with "
                + "SetConfig: key \"safe.directory\", the directory as value, scope \"global\"."
        case .lockHeld:
            "Another git is at work, or one was killed: if none runs, remove the lock."
        case .identityUnknown: "ConfigureUser, or give author_name and author_email."
        case .noUpstream: "Name remote and branch, or push the branch with set_upstream."
        case .nonFastForward:
            "Both sides have commits that the other has not: pull with strategy \"merge\" or \"rebase\", or push with force_with_lease."
        case .gitMissing: "Install git 2.28 or newer in the sandbox."
        case .gitTooOld: "git 2.28 or newer is needed."
        case .authenticationFailed: "Give username and password; many servers take a token as the password."
        case .transportNotAllowed: "Name the transport in policy.transports, if you trust the URL."
        case .conflict: "Resolve the conflicts in the files, add them and commit, or abort the merge."
        default: ""
        }
    }

    private var code: ConnectError.Code {
        switch self.kind {
        case .authenticationFailed: .unauthenticated
        case .permissionDenied, .unsafeRepository, .transportNotAllowed: .permissionDenied
        case .notFound: .notFound
        case .alreadyExists: .alreadyExists
        case .conflict: .aborted
        case .lockHeld, .unreachable: .unavailable
        case .noUpstream, .notARepository, .nonFastForward, .gitMissing, .gitTooOld, .localChanges,
            .nothingToCommit, .identityUnknown, .notMerged, .rejected:
            .failedPrecondition
        case .diskFull, .limit: .resourceExhausted
        case .invalidArgument: .invalidArgument
        case .unspecified, .UNRECOGNIZED: .unknown
        }
    }

    /// The error as the client gets it.
    var connectError: ConnectError {
        let detail = Envd_V1_GitError.with {
            $0.kind = self.kind
            $0.stderr = self.standardError
            if let exitCode { $0.exitCode = exitCode }
            $0.lockPath = self.lockPath
            $0.conflicts = self.conflicts.map { Envd_V1_GitPath($0) }
            $0.hint = self.hint
        }
        // A message without required fields can always be encoded.
        let details = (try? ErrorDetail(detail)).map { [$0] } ?? []
        return ConnectError(self.code, self.message, details: details)
    }
}
