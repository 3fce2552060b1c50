#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// What statx(2) says of a file.
struct clinux_file_status {
    /// Type and permissions.
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    /// How many names the file has.
    uint32_t links;
    uint64_t inode;
    uint64_t size;
    /// Identifies the file system.
    uint32_t device_major;
    uint32_t device_minor;
    /// Of a device: which one it is.
    uint32_t node_major;
    uint32_t node_minor;
    int64_t modified_seconds;
    uint32_t modified_nanoseconds;
    int64_t changed_seconds;
    uint32_t changed_nanoseconds;
    /// Whether a file system is mounted here; before Linux 5.8 always false.
    bool is_mount_root;
};

/// The space of a file system, as statfs(2) says it.
struct clinux_file_system_status {
    /// statfs's f_type.
    int64_t type;
    uint64_t block_size;
    /// Blocks in all, and free ones for unprivileged users.
    uint64_t blocks;
    uint64_t available_blocks;
    /// Inodes in all and free ones; both 0 where they are not limited.
    uint64_t files;
    uint64_t free_files;
};

/// An empty name means the directory itself, here and below. Returns 0 or an errno; statx(2).
int clinux_file_status(int directory, const char *name, int flags, struct clinux_file_status *status);

/// Returns 0 or an errno; fstatfs(2).
int clinux_file_system_status(int descriptor, struct clinux_file_system_status *status);

/// Whether openat2(2) exists and may be used. It is tried once.
bool clinux_has_openat2(void);

/// Returns a descriptor or a negated errno; openat2(2).
int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// Entries of a directory, as many as fit. Returns their bytes, 0 at the end, or a negated errno; getdents(2).
ssize_t clinux_read_directory(int descriptor, void *buffer, size_t size);

/// Returns 0 or an errno; renameat2(2).
int clinux_rename(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

/// Makes a device, FIFO or socket; `mode` has type and permissions. Returns 0 or an errno; mknodat(2).
int clinux_make_node(int directory, const char *name, uint32_t mode, uint32_t major, uint32_t minor);

/// Returns how many bytes were copied, 0 at the end, or a negated errno; copy_file_range(2).
ssize_t clinux_copy_range(int from, int to, size_t count);

// Extended attributes. A link is never followed; with an empty name the descriptor's own file is meant, which may
// have been opened with O_PATH. See xattr(7).

/// The names, each ended by a NUL, or with a size of 0 only their bytes. Returns the count or a negated errno.
ssize_t clinux_list_attributes(int directory, const char *name, char *names, size_t size);

/// Returns the value's bytes, with a size of 0 only their count, or a negated errno.
ssize_t clinux_get_attribute(
    int directory, const char *name, const char *attribute, void *value, size_t size);

/// Returns 0 or an errno.
int clinux_set_attribute(
    int directory, const char *name, const char *attribute, const void *value, size_t size);

/// Returns 0 or an errno.
int clinux_remove_attribute(int directory, const char *name, const char *attribute);

#endif
