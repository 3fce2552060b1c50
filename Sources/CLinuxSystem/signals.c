#define _GNU_SOURCE
#include "clinux_signals.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { signal_count = 64 };

/// What the handler of one signal works on.
struct slot {
    /// The eventfd to make readable, or -1.
    atomic_int descriptor;
    /// The signal arrived and nobody has taken it.
    atomic_bool arrived;
    /// Handlers between reading `descriptor` and having written to it.
    atomic_int running;
};

static struct slot slots[signal_count + 1] = {[0 ... signal_count] = {.descriptor = -1}};

/// Async-signal-safe: atomics and write(2), errno as it was.
static void handle(int signal)
{
    int saved_errno = errno;
    struct slot *slot = &slots[signal];
    atomic_fetch_add(&slot->running, 1);
    int descriptor = atomic_load(&slot->descriptor);
    if (descriptor >= 0) {
        // The mark comes first: who is woken finds it.
        atomic_store(&slot->arrived, true);
        uint64_t one = 1;
        // Fails only with EAGAIN, when the counter is full and the descriptor readable anyway.
        ssize_t written = write(descriptor, &one, sizeof one);
        (void)written;
    }
    atomic_fetch_sub(&slot->running, 1);
    errno = saved_errno;
}

int clinux_signal_direct(int signal, int descriptor)
{
    if (signal < 1 || signal > signal_count) {
        return EINVAL;
    }
    int none = -1;
    if (!atomic_compare_exchange_strong(&slots[signal].descriptor, &none, descriptor)) {
        return EBUSY;
    }
    atomic_store(&slots[signal].arrived, false);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigfillset(&action.sa_mask);
    if (sigaction(signal, &action, NULL) != 0) {
        int error = errno;
        atomic_store(&slots[signal].descriptor, -1);
        return error;
    }
    return 0;
}

void clinux_signal_restore(int signal)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
    atomic_store(&slots[signal].descriptor, -1);
    // A handler in another thread may still be about to write: the descriptor's number must not be reused
    // yet.
    while (atomic_load(&slots[signal].running) != 0) {
        sched_yield();
    }
}

bool clinux_signal_take(int signal)
{
    return atomic_exchange(&slots[signal].arrived, false);
}

void clinux_signal_block(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int clinux_signalfd(const int *signals, int count)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) {
        struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
        sigemptyset(&action.sa_mask);
        if (sigaddset(&set, signals[i]) != 0 || sigaction(signals[i], &action, NULL) != 0) {
            return -errno;
        }
    }
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor >= 0 ? descriptor : -errno;
}
