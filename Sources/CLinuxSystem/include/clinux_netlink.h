#ifndef CLINUX_NETLINK_H
#define CLINUX_NETLINK_H

#include <stdint.h>

/// A netlink socket of a protocol (`NETLINK_*`) that gets the messages of multicast groups, a bit each; close-on-exec.
/// Returns a descriptor or a negated errno; netlink(7).
int clinux_netlink_socket(int protocol, uint32_t groups);

#endif
