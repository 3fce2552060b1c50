#ifndef CLINUX_SIGNALS_H
#define CLINUX_SIGNALS_H

#include <stdbool.h>

/// Directs `signal` to an eventfd: each arrival is remembered and makes `descriptor` readable.
///
/// The disposition is the process's, so it works whichever thread the signal is delivered to. Handlers
/// restart interrupted calls (SA_RESTART); stopped children are not announced (SA_NOCLDSTOP).
///
/// Returns 0, or an errno: EINVAL if `signal` does not exist or cannot be caught, EBUSY if it is directed
/// already.
int clinux_signal_direct(int signal, int descriptor);

/// Gives `signal` its default disposition back. When this returns, no handler uses the descriptor any more.
void clinux_signal_restore(int signal);

/// Whether `signal` arrived since the last call.
bool clinux_signal_take(int signal);

/// Blocks `signal` in the calling thread, and in those that it starts from now on.
void clinux_signal_block(int signal);

/// A signalfd, non-blocking and close-on-exec, of `count` blocked signals; stopped children are not announced
/// (SA_NOCLDSTOP). Returns a descriptor or a negated errno; signalfd(2).
int clinux_signalfd(const int *signals, int count);

#endif
