#define _GNU_SOURCE
#include "clinux_identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Whether the thread acts as somebody else.
static _Thread_local bool is_changed;

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

/// setfsuid(2) reports no errors, but returns what was: asking for an ID that does not exist changes nothing.
static uint32_t file_uid(void)
{
    return (uint32_t)syscall(SYS_setfsuid, unchanged);
}

static uint32_t file_gid(void)
{
    return (uint32_t)syscall(SYS_setfsgid, unchanged);
}

int clinux_identity_current(struct clinux_identity *identity)
{
    struct capabilities capabilities;
    int error = get_capabilities(&capabilities);
    if (error != 0) return error;
    identity->uid = geteuid();
    identity->gid = getegid();
    identity->file_uid = file_uid();
    identity->file_gid = file_gid();
    identity->effective[0] = capabilities.words[0].effective;
    identity->effective[1] = capabilities.words[1].effective;
    return 0;
}

bool clinux_identity_is_changed(void)
{
    return is_changed;
}

int clinux_identity_take_powers(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count)
{
    if (uid == unchanged || gid == unchanged) return EINVAL;
    is_changed = true;
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
    is_changed = true;
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    if (file_gid() != gid || file_uid() != uid) return EPERM;
    return set_effective(current->effective);
}

int clinux_identity_restore(const struct clinux_identity *identity, const uint32_t *groups, size_t count,
                            bool is_own)
{
    // The effective user first: root has all capabilities that the rest needs. The identities for files follow the
    // effective ones, and the user's takes capabilities away.
    if (syscall(SYS_setresuid, unchanged, identity->uid, unchanged) != 0) return errno;
    if (syscall(SYS_setresgid, unchanged, identity->gid, unchanged) != 0) return errno;
    if (syscall(SYS_setgroups, count, groups) != 0) return errno;
    if (identity->file_gid != identity->gid) syscall(SYS_setfsgid, identity->file_gid);
    if (identity->file_uid != identity->uid) syscall(SYS_setfsuid, identity->file_uid);
    int error = set_effective(identity->effective);
    is_changed = error != 0 || !is_own;
    return error;
}

int clinux_identity_groups(uint32_t *groups, size_t count)
{
    long found = syscall(SYS_getgroups, count, groups);
    return found >= 0 ? (int)found : -errno;
}
