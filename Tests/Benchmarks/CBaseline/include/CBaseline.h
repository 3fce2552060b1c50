#ifndef CBASELINE_H
#define CBASELINE_H

#include <stddef.h>
#include <sys/types.h>

// The least work that the kernel asks of anybody who does what the daemon does.

/// Starts a program as a child that shares this process's memory until it runs, and dies with its parent.
///
/// `output` and `error` become its descriptors 1 and 2; -1 leaves them as they are. Returns the process ID or a
/// negated errno.
pid_t cbaseline_start(char *const arguments[], int output, int error);

/// Waits for a child. Returns its wait status or a negated errno.
int cbaseline_wait(pid_t process_id);

/// Starts a program and waits for it, `count` times in all, on `threads` threads at once.
///
/// Returns 0 or an errno.
int cbaseline_start_many(char *const arguments[], int threads, int count);

/// Forks a server that sends back what it receives, over one connection to `listener` at a time.
///
/// Returns the server's process ID or a negated errno. It dies with this process.
pid_t cbaseline_serve_echo(int listener);

/// Forks a server that runs a program for each byte that it receives, and sends what that writes.
///
/// The connection ends with the program. `pipe_size` is that of the pipe between them, 0 the kernel's default.
/// Returns the server's process ID or a negated errno. It dies with this process.
pid_t cbaseline_serve_relay(int listener, char *const arguments[], int pipe_size);

/// Forks a server that receives 64-bit numbers (host byte order), and behind each as many bytes, which it writes to a
/// file, each time anew. It answers each with one byte.
///
/// Returns the server's process ID or a negated errno. It dies with this process.
pid_t cbaseline_serve_upload(int listener, const char *path);

/// Forks a server that sends a file for each byte that it receives.
///
/// Returns the server's process ID or a negated errno. It dies with this process.
pid_t cbaseline_serve_file(int listener, const char *path);

/// Forks a process that creates and removes `files` files in a directory, one after the other, and then creates the
/// file `last`.
///
/// Returns its process ID or a negated errno. It dies with this process.
pid_t cbaseline_churn(const char *directory, int files, const char *last);

/// Keeps this process, and those that it starts, on one processor; with 0 they may use all again.
///
/// Returns 0, or -1 with errno.
int cbaseline_use_processors(int count);

#endif
