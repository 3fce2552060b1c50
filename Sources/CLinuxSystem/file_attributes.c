#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// Linux 6.13; the numbers are the same on all architectures.
#define NR_GETXATTRAT 464
#define NR_LISTXATTRAT 465

/// The kernel's struct xattr_args.
struct attribute_value {
    uint64_t value;
    uint32_t size;
    uint32_t flags;
};

/// Whether the calls that take a directory and a name can be used. They are tried once; a filter may answer EPERM
/// for calls that it does not know. Listings gain from them; FIXME: drop the other way when 6.12 is gone.
static bool has_calls(void)
{
    static atomic_int state;
    int known = atomic_load_explicit(&state, memory_order_relaxed);
    if (known != 0) return known == 1;
    bool available = syscall(NR_LISTXATTRAT, AT_FDCWD, "/", 0, NULL, 0) >= 0 || (errno != ENOSYS && errno != EPERM);
    atomic_store_explicit(&state, available ? 1 : 2, memory_order_relaxed);
    return available;
}

/// A path of an object that is known by directory and name, for calls that only take paths. Those that take a
/// descriptor refuse one that was opened with O_PATH.
struct object_path {
    char text[NAME_MAX + 64];
    /// A path that ends in a descriptor's magic link has to be followed.
    bool follows;
};

static int make_path(struct object_path *path, int directory, const char *name)
{
    path->follows = name[0] == 0;
    const char *format = path->follows ? "/proc/self/fd/%d" : "/proc/self/fd/%d/%s";
    int length = snprintf(path->text, sizeof path->text, format, directory, name);
    return length < (int)sizeof path->text ? 0 : ENAMETOOLONG;
}

ssize_t clinux_list_attributes(int directory, const char *name, char *names, size_t size)
{
    ssize_t count;
    if (name[0] != 0 && has_calls()) {
        count = syscall(NR_LISTXATTRAT, directory, name, AT_SYMLINK_NOFOLLOW, names, size);
    } else {
        struct object_path path;
        int error = make_path(&path, directory, name);
        if (error != 0) return -error;
        count = path.follows ? listxattr(path.text, names, size) : llistxattr(path.text, names, size);
    }
    return count >= 0 ? count : -errno;
}

ssize_t clinux_get_attribute(
    int directory, const char *name, const char *attribute, void *value, size_t size)
{
    ssize_t count;
    if (name[0] != 0 && has_calls()) {
        struct attribute_value place = {.value = (uint64_t)(uintptr_t)value, .size = (uint32_t)size};
        count = syscall(
            NR_GETXATTRAT, directory, name, AT_SYMLINK_NOFOLLOW, attribute, &place, sizeof place);
    } else {
        struct object_path path;
        int error = make_path(&path, directory, name);
        if (error != 0) return -error;
        count = path.follows ? getxattr(path.text, attribute, value, size)
                             : lgetxattr(path.text, attribute, value, size);
    }
    return count >= 0 ? count : -errno;
}

int clinux_set_attribute(
    int directory, const char *name, const char *attribute, const void *value, size_t size)
{
    struct object_path path;
    int error = make_path(&path, directory, name);
    if (error != 0) return error;
    int result = path.follows ? setxattr(path.text, attribute, value, size, 0)
                              : lsetxattr(path.text, attribute, value, size, 0);
    return result == 0 ? 0 : errno;
}

int clinux_remove_attribute(int directory, const char *name, const char *attribute)
{
    struct object_path path;
    int error = make_path(&path, directory, name);
    if (error != 0) return error;
    int result =
        path.follows ? removexattr(path.text, attribute) : lremovexattr(path.text, attribute);
    return result == 0 ? 0 : errno;
}
