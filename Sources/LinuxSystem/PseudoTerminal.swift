internal import CLinuxSystem
import Glibc
import SystemPackage

/// A new pseudo-terminal; neither end becomes the opener's controlling terminal.
///
/// - SeeAlso: pty(7), ioctl_tty(2).
struct PseudoTerminal: ~Copyable {
    /// The side of who displays it; non-blocking.
    let master: OwnedDescriptor
    /// The side of the programs in it; blocking.
    let slave: OwnedDescriptor

    /// - Parameter owner: Who gets the slave; nil leaves it as the kernel made it, the opener's.
    init(size: TerminalSize, owner: Credentials?) throws(Errno) {
        let master = try OwnedDescriptor.open("/dev/ptmx", flags: O_RDWR | O_NOCTTY | O_NONBLOCK)
        let rawSlave = clinux_terminal_open_slave(master.rawValue)
        guard rawSlave >= 0 else { throw Errno(rawValue: -rawSlave) }
        let slave = OwnedDescriptor(taking: rawSlave)
        try size.apply(to: slave)
        if let owner {
            try Self.give(slave, to: owner)
        }
        self.master = master
        self.slave = slave
    }

    /// Lets the owner read and write, and the group `tty`, if there is one, write (write(1), wall(1)).
    private static func give(_ slave: borrowing OwnedDescriptor, to owner: Credentials) throws(Errno) {
        let group = try? groupID(named: "tty")
        // In a user namespace the group may not be mapped.
        let isGroupSet = group.map { fchown(slave.rawValue, owner.uid, $0) == 0 } ?? false
        if !isGroupSet {
            guard fchown(slave.rawValue, owner.uid, owner.gid) == 0 else { throw Errno.current }
        }
        guard fchmod(slave.rawValue, isGroupSet ? 0o620 : 0o600) == 0 else { throw Errno.current }
    }
}
