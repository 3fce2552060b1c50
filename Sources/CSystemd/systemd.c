#include "CSystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

_Static_assert(csystemd_first_descriptor == SD_LISTEN_FDS_START, "sd_listen_fds(3)");

/// A function of the library, or NULL. It stays loaded: what it offers is asked for again.
static void *function(const char *name)
{
    void *library = dlopen("libsystemd.so.0", RTLD_LAZY | RTLD_LOCAL);
    return library == NULL ? NULL : dlsym(library, name);
}

int csystemd_notify(const char *state)
{
    __typeof__(sd_notify) *notify = (__typeof__(sd_notify) *)function("sd_notify");
    return notify == NULL ? -ENOSYS : notify(0, state);
}

int csystemd_watchdog_enabled(uint64_t *microseconds)
{
    __typeof__(sd_watchdog_enabled) *enabled = (__typeof__(sd_watchdog_enabled) *)function("sd_watchdog_enabled");
    return enabled == NULL ? -ENOSYS : enabled(0, microseconds);
}

int csystemd_passed_descriptors(void)
{
    __typeof__(sd_listen_fds) *passed = (__typeof__(sd_listen_fds) *)function("sd_listen_fds");
    return passed == NULL ? -ENOSYS : passed(1);
}

int csystemd_is_listening(int descriptor)
{
    __typeof__(sd_is_socket_inet) *is_socket = (__typeof__(sd_is_socket_inet) *)function("sd_is_socket_inet");
    return is_socket == NULL ? -ENOSYS : is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1, 0);
}
