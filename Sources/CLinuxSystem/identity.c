#define _GNU_SOURCE
#include "clinux_identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Keeps an ID as it is in setresuid(2) and setresgid(2).
static const uint32_t unchanged = UINT32_MAX;

/// The calling thread's capabilities.
struct capabilities {
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static int get_capabilities(struct capabilities *capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, capabilities->words) == 0 ? 0 : errno;
}

static int set_capabilities(struct capabilities *capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capset, &header, capabilities->words) == 0 ? 0 : errno;
}

static int set_effective(const uint32_t effective[2])
{
    struct capabilities capabilities;
    int error = get_capabilities(&capabilities);
    if (error != 0) return error;
    if (capabilities.words[0].effective == effective[0] && capabilities.words[1].effective == effective[1]) {
        return 0;
    }
    capabilities.words[0].effective = effective[0];
    capabilities.words[1].effective = effective[1];
    return set_capabilities(&capabilities);
}

int clinux_identity_current(struct clinux_identity *identity)
{
    struct capabilities capabilities;
    int error = get_capabilities(&capabilities);
    if (error != 0) return error;
    identity->uid = geteuid();
    identity->gid = getegid();
    identity->effective[0] = capabilities.words[0].effective;
    identity->effective[1] = capabilities.words[1].effective;
    return 0;
}

int clinux_identity_take_powers(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count)
{
    if (uid == unchanged || gid == unchanged) return EINVAL;
    if (syscall(SYS_setgroups, count, groups) != 0) return errno;
    if (syscall(SYS_setresgid, unchanged, gid, unchanged) != 0) return errno;
    if (syscall(SYS_setresuid, unchanged, uid, unchanged) != 0) return errno;
    // The kernel has dropped them already, but for the securebit SECBIT_NO_SETUID_FIXUP.
    const uint32_t none[2] = {0, 0};
    return set_effective(none);
}

int clinux_identity_take_ownership(uint32_t uid, uint32_t gid, const struct clinux_identity *current)
{
    if (uid == unchanged || gid == unchanged) return EINVAL;
    // Neither call reports errors, but both return what was: asking for an ID that does not exist changes nothing.
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    if ((uint32_t)syscall(SYS_setfsgid, unchanged) != gid) return EPERM;
    if ((uint32_t)syscall(SYS_setfsuid, unchanged) != uid) return EPERM;
    return set_effective(current->effective);
}

int clinux_identity_restore(const struct clinux_identity *identity, const uint32_t *groups, size_t count)
{
    // The effective user first: it brings the capabilities that the rest needs. The identities for file systems
    // follow the effective ones.
    if (syscall(SYS_setresuid, unchanged, identity->uid, unchanged) != 0) return errno;
    int error = set_effective(identity->effective);
    if (error != 0) return error;
    if (syscall(SYS_setresgid, unchanged, identity->gid, unchanged) != 0) return errno;
    return syscall(SYS_setgroups, count, groups) == 0 ? 0 : errno;
}

int clinux_identity_groups(uint32_t *groups, size_t count)
{
    long found = syscall(SYS_getgroups, count, groups);
    return found >= 0 ? (int)found : -errno;
}
