#ifndef CSYSTEMD_H
#define CSYSTEMD_H

#include <stdint.h>

// libsystemd, loaded when it is first asked for: a daemon that no service manager started does without it, also where
// it is not installed. Errors are negative, as there; -ENOSYS if it cannot be loaded.

/// Tells the service manager `state`, lines of `NAME=value`. Returns a positive number if it was sent, 0 if nobody
/// wants to know; sd_notify(3).
int csystemd_notify(const char *state);

/// Whether the service manager expects to hear `WATCHDOG=1`, and how often at least, in microseconds;
/// sd_watchdog_enabled(3).
int csystemd_watchdog_enabled(uint64_t *microseconds);

/// How many descriptors the service manager passed, which begin with csystemd_first_descriptor and are now
/// close-on-exec; sd_listen_fds(3). Later calls return 0.
int csystemd_passed_descriptors(void);

enum {
    csystemd_first_descriptor = 3,
};

/// Whether `descriptor` is a TCP socket that listens; sd_is_socket_inet(3).
int csystemd_is_listening(int descriptor);

#endif
