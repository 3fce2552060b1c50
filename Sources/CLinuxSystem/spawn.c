#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "raw_syscall.h"
#include "spawn_child.h"

// FIXME: drop when headers of before 5.5 are gone.
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

enum {
    /// Bytes of stack for the child, which needs a few hundred.
    child_stack_size = 16 * 1024,
};

/// Signals that were ignored when this was first called, and SIGPIPE, which servers ignore, as a kernel's set.
///
/// The program that runs here ignores no other signal later: asking for each of them would cost every spawn more
/// than all its other preparations.
static uint64_t ignored_signals(void)
{
    static _Atomic uint64_t known;
    uint64_t ignored = atomic_load(&known);
    if (ignored == 0) {
        ignored = UINT64_C(1) << (SIGPIPE - 1);
        for (int signal = 1; signal <= 64; signal++) {
            // The kernel's structure begins with the handler. The C library refuses to tell of 32 and 33.
            struct {
                void (*handler)(int);
                unsigned long rest[3];
            } action = {SIG_DFL, {0}};
            raw_syscall(SYS_rt_sigaction, signal, 0, (long)&action, sizeof(uint64_t), 0);
            if (action.handler == SIG_IGN) {
                ignored |= UINT64_C(1) << (signal - 1);
            }
        }
        atomic_store(&known, ignored);
    }
    return ignored;
}

/// Whether a child can take a descriptor table of its own by itself: close_range(2) knows the flag since 5.9.
static bool can_share_descriptors(void)
{
    static _Atomic int known;
    int answer = atomic_load(&known);
    if (answer == 0) {
        // A range that ends before it begins is refused after the flags are.
        long result = raw_syscall(SYS_close_range, 1, 0, CLOSE_RANGE_UNSHARE, 0, 0);
        answer = result == -EINVAL ? 1 : -1;
        atomic_store(&known, answer);
    }
    return answer > 0;
}

/// Returns the child's process ID or a negated errno.
static long clone_child(struct spawn_child *child, char *stack)
{
    // A copy of the descriptors would be made now, and would hold other children's pipes open until this child gets
    // its first turn.
    child->shares_descriptors = can_share_descriptors();
    const unsigned long common = CLONE_VM | CLONE_VFORK | (child->shares_descriptors ? CLONE_FILES : 0);
    struct clone_args arguments = {
        .flags = common | CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = child_stack_size,
    };
    size_t size = CLONE_ARGS_SIZE_VER0;
    if (child->request->cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)child->request->cgroup;
        size = CLONE_ARGS_SIZE_VER2;
    }
    child->has_default_handlers = true;
    long result = raw_clone(SYS_clone3, (long)&arguments, (long)size, 0, spawn_child_main, child);
    switch (result) {
    case -ENOSYS:  // Before 5.3, or a seccomp profile that does not know clone3.
    case -EPERM:   // The same of an older container runtime.
    case -EINVAL:  // Before 5.5, which has no CLONE_CLEAR_SIGHAND.
    case -E2BIG:   // Before 5.7, which has no CLONE_INTO_CGROUP.
        break;
    default:
        return result;
    }
    // FIXME: drop when 5.6 is gone, and container runtimes whose seccomp profiles do not know clone3.
    child->has_default_handlers = false;
    child->enters_cgroup = child->request->cgroup >= 0;
    return raw_clone(SYS_clone, (long)(common | SIGCHLD), (long)(stack + child_stack_size), 0, spawn_child_main,
                     child);
}

void clinux_spawn_prepare(struct clinux_spawn_result *result)
{
    *result = (struct clinux_spawn_result){.stage = CLINUX_STAGE_NONE, .process_id = -1};
}

pid_t clinux_spawn_process_id(const struct clinux_spawn_result *result)
{
    return __atomic_load_n(&result->process_id, __ATOMIC_ACQUIRE);
}

void clinux_spawn(const struct clinux_spawn_request *request, struct clinux_spawn_result *result)
{
    // The caller waits until the child has gone its own way, so that it can have a part of the caller's stack.
    _Alignas(16) char stack[child_stack_size];

    // A handler must not run in the child, in the parent's memory. The C library's function would leave out
    // its own signals.
    const uint64_t all = ~UINT64_C(0);
    uint64_t before;
    struct spawn_child child = {.request = request, .result = result, .ignored_signals = ignored_signals()};
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0);
    long process_id = clone_child(&child, stack);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);

    if (process_id < 0) {
        result->stage = CLINUX_STAGE_CLONE;
        result->error = (int)-process_id;
        return;
    }
    // The child has done so itself, unless it was killed before its first instruction.
    __atomic_store_n(&result->process_id, (pid_t)process_id, __ATOMIC_RELEASE);
}
