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
        var own = clinux_identity()
        let groups: [UInt32]
        do {
            try Errno.check(clinux_identity_current(&own))
            groups = try Self.groups()
            try Self.take(credentials, powers, own, groups)
        } catch {
            throw failure(error)
        }
        defer { Self.restore(own, groups) }
        return try body()
    }

    private static func take(
        _ credentials: Credentials, _ powers: Powers, _ own: clinux_identity, _ groups: [UInt32]
    ) throws(Errno) {
        let error =
            switch powers {
            case .user:
                clinux_identity_take_powers(
                    credentials.uid, credentials.gid, credentials.groups, credentials.groups.count)
            case .own:
                withUnsafePointer(to: own) {
                    clinux_identity_take_ownership(credentials.uid, credentials.gid, $0)
                }
            }
        guard error != 0 else { return }
        Self.restore(own, groups)
        throw Errno(rawValue: error)
    }

    private static func restore(_ own: clinux_identity, _ groups: [UInt32]) {
        let error = withUnsafePointer(to: own) {
            clinux_identity_restore($0, groups, groups.count)
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
