internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// Who the calling thread acts as. Other threads of the process stay who they are.
package enum ThreadIdentity {
    /// How much the thread may do.
    package enum Powers: Sendable {
        /// What the user may, in all that the kernel checks.
        case user
        /// All that it could do before. What it makes belongs to the user from its first moment.
        case own
    }

    /// Runs `body` with the identity of `credentials`, and then takes the thread's own back.
    ///
    /// Takes a few microseconds.
    ///
    /// - Throws: What `body` throws; what `failure` makes of `Errno.notPermitted` if the daemon may not do this.
    /// - SeeAlso: credentials(7).
    package static func acting<Success, Failure: Error>(
        as credentials: Credentials, powers: Powers, failure: (Errno) -> Failure,
        _ body: () throws(Failure) -> Success
    ) throws(Failure) -> Success {
        // Asking takes more calls than the rest: it is done once, and where one acts inside another.
        let before = clinux_identity_is_changed() ? Self.current() : Self.own
        let own: Own
        do {
            own = try before.get()
            try Self.take(credentials, powers, own)
        } catch {
            throw failure(error)
        }
        defer { Self.restore(own) }
        return try body()
    }

    /// Who a thread is before it acts as somebody.
    private struct Own: Sendable {
        var identity: clinux_identity
        var groups: [UInt32]
        /// Whether it is the process's: that of all threads that act as nobody.
        var isProcess: Bool
    }

    private static let own = Self.current()

    private static func current() -> Result<Own, Errno> {
        Result { () throws(Errno) in
            var identity = clinux_identity()
            let isProcess = !clinux_identity_is_changed()
            try Errno.check(clinux_identity_current(&identity))
            return Own(identity: identity, groups: try Self.groups(), isProcess: isProcess)
        }
    }

    private static func take(
        _ credentials: Credentials, _ powers: Powers, _ own: Own
    ) throws(Errno) {
        let error =
            switch powers {
            case .user:
                clinux_identity_take_powers(
                    credentials.uid, credentials.gid, credentials.groups, credentials.groups.count)
            case .own:
                withUnsafePointer(to: own.identity) {
                    clinux_identity_take_ownership(credentials.uid, credentials.gid, $0)
                }
            }
        guard error != 0 else { return }
        Self.restore(own)
        throw Errno(rawValue: error)
    }

    private static func restore(_ own: Own) {
        let error = withUnsafePointer(to: own.identity) {
            clinux_identity_restore($0, own.groups, own.groups.count, own.isProcess)
        }
        // The thread would do other people's work as this user.
        guard error == 0 else { fatalError("a thread cannot become itself again: errno \(error)") }
    }

    private static func groups() throws(Errno) -> [UInt32] {
        while true {
            let capacity = clinux_identity_groups(nil, 0)
            guard capacity >= 0 else { throw Errno(rawValue: -capacity) }
            guard capacity > 0 else { return [] }
            var result: CInt = 0
            let groups = [UInt32](unsafeUninitializedCapacity: Int(capacity)) { buffer, count in
                result = clinux_identity_groups(buffer.baseAddress, Int(capacity))
                count = Int(max(result, 0))
            }
            if result >= 0 { return groups }
            guard result == -EINVAL else { throw Errno(rawValue: -result) }
        }
    }
}
