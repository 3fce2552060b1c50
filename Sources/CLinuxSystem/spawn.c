#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw_syscall.h"
#include "spawn_child.h"

/// Bytes of stack for the child; it needs a few hundred.
static const size_t least_stack_size = 16 * 1024;

/// The child's stack: a guard page, then the stack itself.
struct stack {
    char *mapping;
    size_t guard;
    size_t size;
};

/// Returns 0 or an errno.
static int stack_map(struct stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    stack->guard = page;
    stack->size = (least_stack_size + page - 1) / page * page;
    stack->mapping = mmap(NULL, stack->guard + stack->size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack->mapping == MAP_FAILED) {
        return errno;
    }
    if (mprotect(stack->mapping, stack->guard, PROT_NONE) != 0) {
        int error = errno;
        munmap(stack->mapping, stack->guard + stack->size);
        return error;
    }
    return 0;
}

static void stack_unmap(struct stack *stack)
{
    munmap(stack->mapping, stack->guard + stack->size);
}

/// Returns the child's process ID or a negated errno.
static long clone_child(struct spawn_child *child, struct stack *stack)
{
    char *base = stack->mapping + stack->guard;
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uintptr_t)&child->result->pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)base,
        .stack_size = stack->size,
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
    return raw_clone(SYS_clone, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, (long)(base + stack->size),
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
    struct stack stack;
    int error = stack_map(&stack);
    if (error != 0) {
        result->stage = CLINUX_STAGE_CLONE;
        result->error = error;
        return;
    }

    // A handler must not run in the child, in the parent's memory. The C library's function would leave out
    // its own signals.
    const uint64_t all = ~UINT64_C(0);
    uint64_t before;
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0);
    struct spawn_child child = {.request = request, .result = result};
    long process_id = clone_child(&child, &stack);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);
    stack_unmap(&stack);

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
