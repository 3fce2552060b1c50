internal import CBuild

/// What the daemon says it is.
package enum Version {
    /// The version of the protocol's reference that this daemon is compatible with: clients decide by it what
    /// they may ask for.
    package static let current = "0.6.13"
    /// The commit that the daemon was built from, seven hexadecimal digits; empty if it was not said.
    package static let commit = String(cString: cbuild_commit())
}
