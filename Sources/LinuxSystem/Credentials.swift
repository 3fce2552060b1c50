/// Who a process is: user, primary group, supplementary groups.
///
/// - SeeAlso: credentials(7).
package struct Credentials: Sendable, Hashable {
    package var uid: UInt32
    package var gid: UInt32
    /// Supplementary groups, exactly these; whether `gid` is among them makes no difference to the kernel.
    package var groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}
