#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

/// Orphaned descendants become children of this process. Returns 0 or an errno; PR_SET_CHILD_SUBREAPER,
/// prctl(2).
int clinux_become_child_subreaper(void);

/// This process gets `signal` when the thread that started it ends. Returns 0 or an errno; PR_SET_PDEATHSIG,
/// prctl(2).
int clinux_set_parent_death_signal(int signal);

/// Nobody but a privileged process can read this process's memory, and no core dump has it, until it executes another
/// program. Returns 0 or an errno; PR_SET_DUMPABLE, prctl(2).
int clinux_hide_memory(void);

/// Leaves signals that any thread may take to the others.
void clinux_block_signals(void);

/// Keeps up to `kept_bytes` of freed memory at the heap's end, allocates blocks below `mapped_bytes` there and not
/// each in a mapping of its own, and uses one heap for all threads; mallopt(3).
void clinux_tune_allocator(int kept_bytes, int mapped_bytes);

/// Gives free pages of the heap back to the system; malloc_trim(3).
void clinux_return_free_memory(void);

/// Names the calling thread, with 15 bytes at most; PR_SET_NAME of prctl(2).
void clinux_name_thread(const char *name);

#endif
