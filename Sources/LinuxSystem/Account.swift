import Glibc
package import SystemPackage

/// A user as the system's account database knows it.
///
/// - SeeAlso: passwd(5), nsswitch.conf(5).
package struct Account: Sendable, Hashable {
    package var name: String
    package var uid: UInt32
    /// The primary group.
    package var gid: UInt32
    /// The home directory's path.
    package var home: String
    /// The login shell's path; may be empty.
    package var shell: String
    /// The primary group, then every other group that the user is a member of.
    package var groups: [UInt32]

    package init(name: String, uid: UInt32, gid: UInt32, home: String, shell: String, groups: [UInt32]) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell
        self.groups = groups
    }

    /// What a process of this user runs with.
    package var credentials: Credentials {
        Credentials(uid: self.uid, gid: self.gid, groups: self.groups)
    }

    /// The account called `name`, nil if there is none. May block: the database may be on the network.
    ///
    /// - Throws: What the database failed with.
    /// - SeeAlso: getpwnam_r(3).
    package static func named(_ name: String) throws(Errno) -> Account? {
        // C would look up what comes before the NUL.
        guard !name.utf8.contains(0) else { return nil }
        return try Self.find { getpwnam_r(name, $0, $1, $2, $3) }
    }

    /// The account with user ID `uid`, nil if there is none. May block: the database may be on the network.
    ///
    /// - Throws: What the database failed with.
    /// - SeeAlso: getpwuid_r(3).
    package static func withUserID(_ uid: UInt32) throws(Errno) -> Account? {
        try Self.find { getpwuid_r(uid, $0, $1, $2, $3) }
    }

    private static func find(_ lookUp: NameServiceLookup<passwd>) throws(Errno) -> Account? {
        try lookUpName(passwd(), lookUp) { entry in
            let name = String(cString: entry.pw_name)
            return Account(
                name: name,
                uid: entry.pw_uid,
                gid: entry.pw_gid,
                home: String(cString: entry.pw_dir),
                shell: String(cString: entry.pw_shell),
                groups: groupIDs(ofUserNamed: name, primary: entry.pw_gid)
            )
        }
    }
}
