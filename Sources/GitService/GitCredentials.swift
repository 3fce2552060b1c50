import Connect
import LinuxSystem
import SystemPackage

/// A user and password for one host, for as long as one command runs.
///
/// They are in a file in memory that only the command and what it starts have: see ``CredentialPrompt``.
final class GitCredentials: Sendable {
    /// Bytes of a user or password.
    private static let fieldLimit = 16 << 10

    /// What must not be told to anybody.
    let secret: CredentialSecret
    let file: MemoryFile
    /// The daemon's own program, which git runs to ask.
    let program: OwnedDescriptor

    /// - Throws: `ConnectError`: `invalidArgument` for what git cannot take.
    init(_ secret: CredentialSecret, program: String) throws(ConnectError) {
        for field in [secret.username, secret.password] {
            guard field.utf8.count <= Self.fieldLimit,
                !field.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 })
            else {
                throw ArgumentCheck.invalid(
                    "username and password may have \(Self.fieldLimit) bytes, and no NUL or end of line")
            }
        }
        self.secret = secret
        do throws(Errno) {
            self.file = try MemoryFile(secret.encoded)
            // Not by its path, which the caller's user may not be able to reach.
            self.program = try OwnedDescriptor.open(program, flags: OwnedDescriptor.pathOnly)
        } catch {
            throw ConnectError(
                .internalError, "cannot hand credentials to git: \(error.lowercasedDescription)", cause: error
            )
        }
    }

    /// What the command inherits, in the order of ``CredentialPrompt``.
    var inherited: [CInt] { [self.file.rawDescriptor, self.program.rawValue] }

    /// Forgets them, also for what the command has left running.
    func clear() {
        self.file.clear()
    }
}
