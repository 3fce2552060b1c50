internal import Glibc
import LinuxSystem

/// Who acts when a request names nobody.
enum DefaultUser {
    /// The account that sandbox images have for their user.
    private static let conventional = "user"

    /// For a daemon that is root: the conventional account where it exists, else root.
    static func ofRoot() -> String {
        let account = try? Account.named(Self.conventional)
        return account == nil ? "root" : Self.conventional
    }

    /// For a daemon that is not: its own account, which need not be in the account database.
    static func own() -> Account {
        let uid = geteuid()
        if let account = try? Account.withUserID(uid) { return account }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/"
        return Account(
            name: String(uid), uid: uid, gid: getegid(), home: home, shell: "/bin/sh", groups: [getegid()])
    }
}
