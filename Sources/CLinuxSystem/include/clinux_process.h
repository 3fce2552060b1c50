#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

/// pidfd_send_signal(2). Returns 0 or an errno.
int clinux_pidfd_send_signal(int pidfd, int signal);

/// Orphaned descendants become children of this process. Returns 0 or an errno; PR_SET_CHILD_SUBREAPER,
/// prctl(2).
int clinux_become_child_subreaper(void);

/// This process gets `signal` when the thread that started it ends. Returns 0 or an errno; PR_SET_PDEATHSIG,
/// prctl(2).
int clinux_set_parent_death_signal(int signal);

#endif
