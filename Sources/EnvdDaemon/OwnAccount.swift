internal import Glibc
import LinuxSystem

/// The account that the daemon itself runs as.
enum OwnAccount {
    /// Of a daemon that is not root: it need not be in the account database.
    static func current() -> Account {
        let uid = geteuid()
        if let account = try? Account.withUserID(uid) { return account }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/"
        return Account(
            name: String(uid), uid: uid, gid: getegid(), home: home, shell: "/bin/sh", groups: [getegid()])
    }
}
