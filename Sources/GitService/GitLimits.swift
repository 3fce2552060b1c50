package import NIOCore

/// What bounds the work that clients can make the service do.
package struct GitLimits: Sendable {
    /// Commands of git that run at once.
    package var commands = 32
    /// Bytes of one command's standard output.
    package var outputBytes = 32 << 20
    /// Bytes of one command's standard error that are kept, the newest.
    package var errorBytes = 64 << 10
    /// Characters of standard error that an error tells a client, the newest.
    package var toldErrorCharacters = 8 << 10
    /// Lines of one diff: each takes some hundred bytes while it is encoded.
    package var diffLines = 1_000_000
    /// Commits of one log.
    package var commits = 10_000
    /// Phases of progress of which the newest update waits for a client.
    package var queuedProgress = 64
    /// Time between SIGTERM, after which git removes its locks and what it has begun, and SIGKILL.
    package var grace = TimeAmount.seconds(5)

    package init() {}
}
