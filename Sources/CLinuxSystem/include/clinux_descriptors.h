#ifndef CLINUX_DESCRIPTORS_H
#define CLINUX_DESCRIPTORS_H

/// A pipe, close-on-exec: `ends[0]` is for reading. Returns 0 or an errno; pipe2(2).
int clinux_pipe(int ends[2]);

/// An event counter of 0, close-on-exec, non-blocking. Returns a descriptor or a negated errno; eventfd(2).
int clinux_eventfd(void);

/// A file in memory that has no name and that nobody may open, close-on-exec. Returns a descriptor or a negated errno;
/// memfd_create(2), fchmod(2).
int clinux_memory_file(void);

#endif
