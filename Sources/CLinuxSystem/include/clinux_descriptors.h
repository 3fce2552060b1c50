#ifndef CLINUX_DESCRIPTORS_H
#define CLINUX_DESCRIPTORS_H

/// A pipe, close-on-exec: `ends[0]` is for reading. Returns 0 or an errno; pipe2(2).
int clinux_pipe(int ends[2]);

/// An event counter of 0, close-on-exec, non-blocking. Returns a descriptor or a negated errno; eventfd(2).
int clinux_eventfd(void);

#endif
