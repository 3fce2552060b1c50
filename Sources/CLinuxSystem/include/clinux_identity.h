#ifndef CLINUX_IDENTITY_H
#define CLINUX_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Identities of the calling thread, and of no other: the C library's functions would change all threads.
// See credentials(7), and capabilities(7), "Effect of user ID changes on capabilities".

/// Who a thread acts as.
struct clinux_identity {
    uint32_t uid;
    uint32_t gid;
    /// The owner and the group of what it makes.
    uint32_t file_uid;
    uint32_t file_gid;
    /// Effective capabilities.
    uint32_t effective[2];
};

/// Who the thread acts as now. Returns 0 or an errno.
int clinux_identity_current(struct clinux_identity *identity);

/// The thread's supplementary groups. Returns how many, with a count of 0 without writing any, or a negated errno.
int clinux_identity_groups(uint32_t *groups, size_t count);

/// The thread may what the user may: effective IDs and groups are the user's, and no capability is effective.
///
/// The IDs that only file systems look at (setfsuid(2)) would not be enough: access to /proc/sys, for one, is the
/// effective user's.
///
/// Returns 0, or an errno with a part of it done.
int clinux_identity_take_powers(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count);

/// What the thread makes belongs to the user from its first moment; the thread may what it may as `current`.
/// setfsuid(2).
///
/// Returns 0, or an errno with a part of it done.
int clinux_identity_take_ownership(uint32_t uid, uint32_t gid, const struct clinux_identity *current);

/// Whether the thread acts as somebody else at the moment.
bool clinux_identity_is_changed(void);

/// Undoes both: the thread acts as `identity` again, which is the process's or another one. Returns 0 or an errno.
int clinux_identity_restore(const struct clinux_identity *identity, const uint32_t *groups, size_t count,
                            bool is_own);

#endif
