/// How much a freeze stops.
package enum FreezeMode: String, Sendable {
    /// The groups of commands and of terminals.
    case legacy
    /// Every group but the daemon's own and those that the machine needs to be resumed.
    case hierarchy
}
