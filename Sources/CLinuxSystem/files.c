#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int clinux_file_status(int directory, const char *name, int flags, struct clinux_file_status *status)
{
    struct statx found;
    if (statx(directory, name, flags | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &found) != 0) {
        return errno;
    }
    *status = (struct clinux_file_status){
        .mode = found.stx_mode,
        .uid = found.stx_uid,
        .gid = found.stx_gid,
        .links = found.stx_nlink,
        .inode = found.stx_ino,
        .size = found.stx_size,
        .device_major = found.stx_dev_major,
        .device_minor = found.stx_dev_minor,
        .node_major = found.stx_rdev_major,
        .node_minor = found.stx_rdev_minor,
        .modified_seconds = found.stx_mtime.tv_sec,
        .modified_nanoseconds = found.stx_mtime.tv_nsec,
        .changed_seconds = found.stx_ctime.tv_sec,
        .changed_nanoseconds = found.stx_ctime.tv_nsec,
        .is_mount_root = (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0,
    };
    return 0;
}

int clinux_file_system_status(int descriptor, struct clinux_file_system_status *status)
{
    struct statfs found;
    if (fstatfs(descriptor, &found) != 0) return errno;
    *status = (struct clinux_file_system_status){
        .type = found.f_type,
        .block_size = found.f_bsize,
        .blocks = found.f_blocks,
        .available_blocks = found.f_bavail,
        .files = found.f_files,
        .free_files = found.f_ffree,
    };
    return 0;
}

bool clinux_has_openat2(void)
{
    static atomic_int state;
    int known = atomic_load_explicit(&state, memory_order_relaxed);
    if (known != 0) return known == 1;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    long descriptor = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);
    // A filter may answer EPERM for calls that it does not know.
    bool available = descriptor >= 0 || (errno != ENOSYS && errno != EPERM);
    if (descriptor >= 0) close((int)descriptor);
    atomic_store_explicit(&state, available ? 1 : 2, memory_order_relaxed);
    return available;
}

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    long descriptor = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return descriptor >= 0 ? (int)descriptor : -errno;
}

ssize_t clinux_read_directory(int descriptor, void *buffer, size_t size)
{
    long count = syscall(SYS_getdents64, descriptor, buffer, size);
    return count >= 0 ? count : -errno;
}

int clinux_rename(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    return renameat2(from_directory, from, to_directory, to, flags) == 0 ? 0 : errno;
}

int clinux_make_node(int directory, const char *name, uint32_t mode, uint32_t major, uint32_t minor)
{
    return mknodat(directory, name, mode, makedev(major, minor)) == 0 ? 0 : errno;
}

ssize_t clinux_copy_range(int from, int to, size_t count)
{
    ssize_t copied = copy_file_range(from, NULL, to, NULL, count, 0);
    return copied >= 0 ? copied : -errno;
}
