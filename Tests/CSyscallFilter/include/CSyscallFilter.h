#ifndef CSYSCALL_FILTER_H
#define CSYSCALL_FILTER_H

// What an old kernel or a container runtime does to a program that uses new system calls.

/// From now on clone3(2) fails with `error` in this thread and its children. Returns 0 or an errno.
int csyscall_filter_refuse_clone3(int error);

/// The same for close_range(2).
int csyscall_filter_refuse_close_range(int error);

/// Gives the calling thread a descriptor table of its own, a copy. Returns 0 or an errno; unshare(2).
int csyscall_own_descriptors(void);

#endif
