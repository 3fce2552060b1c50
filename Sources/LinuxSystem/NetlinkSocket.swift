internal import CLinuxSystem
package import SystemPackage

/// A conversation with the kernel about the network.
///
/// - SeeAlso: netlink(7).
package enum NetlinkSocket {
    /// `NETLINK_ROUTE` and the group `RTMGRP_IPV4_IFADDR`; linux/rtnetlink.h.
    private static let route: CInt = 0
    private static let ipv4Addresses: UInt32 = 0x10
    /// `NETLINK_SOCK_DIAG`; linux/netlink.h.
    private static let socketDiagnosis: CInt = 4

    /// One that becomes readable when an IPv4 address is added to an interface or removed.
    ///
    /// - SeeAlso: rtnetlink(7).
    package static func addressChanges() throws(Errno) -> OwnedDescriptor {
        try Self.open(Self.route, groups: Self.ipv4Addresses)
    }

    /// One that tells which sockets there are.
    ///
    /// - SeeAlso: sock_diag(7).
    static func sockets() throws(Errno) -> OwnedDescriptor {
        try Self.open(Self.socketDiagnosis, groups: 0)
    }

    private static func open(_ protocolNumber: CInt, groups: UInt32) throws(Errno) -> OwnedDescriptor {
        let result = clinux_netlink_socket(protocolNumber, groups)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return OwnedDescriptor(taking: result)
    }
}
