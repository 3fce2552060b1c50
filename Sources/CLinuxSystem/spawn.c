#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw_syscall.h"
#include "spawn_child.h"

enum {
    /// Bytes of stack for the child, which needs a few hundred.
    child_stack_size = 16 * 1024,
};

/// Returns the child's process ID or a negated errno.
static long clone_child(struct spawn_child *child, char *stack)
{
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uintptr_t)&child->result->pidfd,
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
    long result = raw_clone(SYS_clone3, (long)&arguments, (long)size, 0, spawn_child_main, child);
    switch (result) {
    case -ENOSYS:  // Before 5.3, or a seccomp profile that does not know clone3.
    case -EPERM:   // The same of an older container runtime.
    case -E2BIG:   // Before 5.7, which has no CLONE_INTO_CGROUP.
        break;
    default:
        return result;
    }
    // FIXME: drop when 5.6 is gone, and container runtimes whose seccomp profiles do not know clone3.
    child->enters_cgroup = child->request->cgroup >= 0;
    return raw_clone(SYS_clone, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, (long)(stack + child_stack_size),
                     (long)&child->result->pidfd, spawn_child_main, child);
}

static void reap(pid_t process_id)
{
    // ECHILD if a wait for any child was faster.
    while (waitpid(process_id, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

void clinux_spawn(const struct clinux_spawn_request *request, struct clinux_spawn_result *result)
{
    *result = (struct clinux_spawn_result){.stage = CLINUX_STAGE_NONE, .process_id = -1, .pidfd = -1};
    // The caller waits until the child has gone its own way, so that it can have a part of the caller's stack.
    _Alignas(16) char stack[child_stack_size];

    // A handler must not run in the child, in the parent's memory. The C library's function would leave out
    // its own signals.
    const uint64_t all = ~UINT64_C(0);
    uint64_t before;
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0);
    struct spawn_child child = {.request = request, .result = result};
    long process_id = clone_child(&child, stack);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);

    if (process_id < 0) {
        result->stage = CLINUX_STAGE_CLONE;
        result->error = (int)-process_id;
        return;
    }
    result->process_id = (pid_t)process_id;
    if (result->stage == CLINUX_STAGE_NONE && result->pidfd < 0) {  // A kernel before 5.2 ignored the flag.
        kill(result->process_id, SIGKILL);
        result->stage = CLINUX_STAGE_CLONE;
        result->error = ENOSYS;
    }
    if (result->stage != CLINUX_STAGE_NONE) {
        if (result->pidfd >= 0) {
            close(result->pidfd);
            result->pidfd = -1;
        }
        reap(result->process_id);
    }
}
