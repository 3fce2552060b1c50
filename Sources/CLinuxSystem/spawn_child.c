#define _GNU_SOURCE
#include "spawn_child.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "raw_syscall.h"

/// The kernel's set of signals: one bit for each of 64, the first being signal 1.
typedef uint64_t kernel_signal_set;

/// The kernel's `struct sigaction`, which is not the C library's.
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    kernel_signal_set mask;
};

/// The kernel's `struct rlimit64`.
struct kernel_limit {
    uint64_t soft;
    uint64_t hard;
};

enum {
    /// Bytes of a command's name that are repeated in a message. A pipe takes this much without a reader, who
    /// cannot read before the child is done.
    longest_shown_command = 1024,
    /// Where a search for open descriptors ends if the limit is higher or unlimited.
    most_descriptors_searched = 1 << 20,
};

static _Noreturn void leave(int code)
{
    for (;;) {
        raw_syscall(SYS_exit_group, code, 0, 0, 0, 0);
    }
}

static _Noreturn void fail(struct spawn_child *child, enum clinux_spawn_stage stage, long error)
{
    child->result->stage = stage;
    child->result->error = (int)-error;
    leave(127);
}

/// Ends the child with `stage` if `result` is a negated errno.
static void require(struct spawn_child *child, enum clinux_spawn_stage stage, long result)
{
    if (result < 0) {
        fail(child, stage, result);
    }
}

static size_t length_of(const char *text, size_t most)
{
    size_t length = 0;
    while (length < most && text[length] != '\0') {
        length++;
    }
    return length;
}

/// Writes into a file below `directory`. Returns a negated errno on failure.
static long write_file(int directory, const char *path, const char *text, size_t length)
{
    long file = raw_syscall(SYS_openat, directory, (long)path, O_WRONLY | O_CLOEXEC, 0, 0);
    if (file < 0) {
        return file;
    }
    long written = raw_syscall(SYS_write, file, (long)text, (long)length, 0, 0);
    raw_syscall(SYS_close, file, 0, 0, 0, 0);
    return written;
}

/// Writes "0", the caller, into cgroup.procs.
static void enter_cgroup(struct spawn_child *child)
{
    require(child, CLINUX_STAGE_CLONE, write_file(child->request->cgroup, "cgroup.procs", "0", 1));
}

static void enter_session(struct spawn_child *child)
{
    switch (child->request->process_group) {
    case CLINUX_GROUP_INHERIT:
        break;
    case CLINUX_GROUP_OWN:
        require(child, CLINUX_STAGE_SESSION, raw_syscall(SYS_setpgid, 0, 0, 0, 0, 0));
        break;
    case CLINUX_GROUP_SESSION:
        require(child, CLINUX_STAGE_SESSION, raw_syscall(SYS_setsid, 0, 0, 0, 0, 0));
        break;
    }
    if (child->request->controls_terminal) {
        long result = raw_syscall(SYS_ioctl, child->request->standard_input, TIOCSCTTY, 0, 0, 0);
        require(child, CLINUX_STAGE_TERMINAL_CONTROL, result);
    }
}

static void set_oom_score_adjustment(int value)
{
    char text[12];
    char *start = text + sizeof text;
    unsigned magnitude = value < 0 ? -(unsigned)value : (unsigned)value;
    do {
        *--start = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude != 0);
    if (value < 0) {
        *--start = '-';
    }
    write_file(AT_FDCWD, "/proc/self/oom_score_adj", start, (size_t)(text + sizeof text - start));
}

static void set_limits(struct spawn_child *child)
{
    const struct clinux_spawn_request *request = child->request;
    raw_syscall(SYS_umask, request->file_mode_mask, 0, 0, 0, 0);

    // The program matters more than these three: a container may forbid them.
    raw_syscall(SYS_setpriority, PRIO_PROCESS, 0, request->niceness, 0, 0);
    long priority = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, request->io_priority);
    raw_syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority, 0, 0);
    set_oom_score_adjustment(request->oom_score_adjustment);

    for (size_t i = 0; i < request->resource_limit_count; i++) {
        const struct clinux_resource_limit *limit = &request->resource_limits[i];
        const struct kernel_limit value = {limit->soft, limit->hard};
        long result = raw_syscall(SYS_prlimit64, 0, limit->resource, (long)&value, 0, 0);
        require(child, CLINUX_STAGE_LIMITS, result);
    }
}

/// Takes a copy of the parent's table in place of the table itself. Nothing may be opened or closed before.
static void own_descriptors(struct spawn_child *child)
{
    if (!child->shares_descriptors) {
        return;
    }
    // A range that is empty: a container may forbid unshare(2), and not this.
    if (raw_syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE, 0, 0) < 0) {
        require(child, CLINUX_STAGE_DESCRIPTORS, raw_syscall(SYS_unshare, CLONE_FILES, 0, 0, 0, 0));
    }
}

/// Puts the three standard descriptors and those behind them in place and closes all others.
///
/// Others are closed, not only marked close-on-exec: until exec, `/proc/self/fd` would be a way for the
/// caller's working directory or command to reach what the parent has open.
static void set_descriptors(struct spawn_child *child)
{
    const struct clinux_spawn_request *request = child->request;
    long sources[3 + clinux_most_inherited] = {
        request->standard_input, request->standard_output, request->standard_error,
    };
    for (size_t i = 0; i < request->inherited_count; i++) {
        sources[3 + i] = request->inherited[i];
    }
    const long count = 3 + (long)request->inherited_count;
    for (long i = 0; i < count; i++) {
        if (sources[i] < count) {  // One of the targets below.
            sources[i] = raw_syscall(SYS_fcntl, sources[i], F_DUPFD_CLOEXEC, count, 0, 0);
            require(child, CLINUX_STAGE_DESCRIPTORS, sources[i]);
        }
    }
    for (long i = 0; i < count; i++) {
        require(child, CLINUX_STAGE_DESCRIPTORS, raw_syscall(SYS_dup3, sources[i], i, 0, 0, 0));
    }

    if (raw_syscall(SYS_close_range, count, ~0U, 0, 0, 0) == 0) {
        return;
    }
    // FIXME: drop when 5.8 is gone, and container runtimes whose seccomp profiles do not know close_range.
    struct kernel_limit limit;
    long result = raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0);
    require(child, CLINUX_STAGE_DESCRIPTORS, result);
    uint64_t end = limit.hard < most_descriptors_searched ? limit.hard : most_descriptors_searched;
    for (uint64_t i = (uint64_t)count; i < end; i++) {
        raw_syscall(SYS_close, (long)i, 0, 0, 0, 0);
    }
}

static void set_credentials(struct spawn_child *child)
{
    const struct clinux_spawn_request *request = child->request;
    if (!request->changes_credentials) {
        return;
    }
    long result = raw_syscall(SYS_setgroups, (long)request->group_count, (long)request->groups, 0, 0, 0);
    require(child, CLINUX_STAGE_CREDENTIALS, result);
    result = raw_syscall(SYS_setresgid, request->gid, request->gid, request->gid, 0, 0);
    require(child, CLINUX_STAGE_CREDENTIALS, result);
    result = raw_syscall(SYS_setresuid, request->uid, request->uid, request->uid, 0, 0);
    require(child, CLINUX_STAGE_CREDENTIALS, result);
}

/// Default dispositions, also of what the parent ignores, and of the C library's own signals 32 and 33; then
/// an empty mask.
static void reset_signals(const struct spawn_child *child)
{
    static const struct kernel_sigaction defaults = {.handler = SIG_DFL};
    kernel_signal_set changed = child->has_default_handlers ? child->ignored_signals : ~UINT64_C(0);
    for (int signal = 1; changed != 0; signal++, changed >>= 1) {
        if ((changed & 1) != 0) {
            // SIGKILL and SIGSTOP refuse.
            raw_syscall(SYS_rt_sigaction, signal, (long)&defaults, 0, sizeof(kernel_signal_set), 0);
        }
    }
    const kernel_signal_set empty = 0;
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&empty, 0, sizeof empty, 0);
}

/// Runs one file, as a script of /bin/sh if the kernel does not know its format. Returns a negated errno.
static long execute(const struct clinux_spawn_request *request, char *path)
{
    long environment = (long)request->environment;
    long error = raw_syscall(SYS_execve, (long)path, (long)request->arguments, environment, 0, 0);
    if (error != -ENOEXEC) {
        return error;
    }
    char **arguments = request->shell_arguments;
    arguments[1] = path;
    error = raw_syscall(SYS_execve, (long)arguments[0], (long)arguments, environment, 0, 0);
    // It is not the command that is missing.
    return error == -ENOENT ? -ENOEXEC : error;
}

static bool has_slash(const char *text)
{
    while (*text != '\0' && *text != '/') {
        text++;
    }
    return *text == '/';
}

/// Tries the candidates as execvp(3) does, except that a command that cannot be seen is not found. Returns the negated errno that tells most.
static long execute_first(const struct clinux_spawn_request *request)
{
    long error = -ENOENT;
    bool denied = false;
    const bool searches = !has_slash(request->arguments[0]);
    for (char *const *path = request->candidates; *path != NULL; path++) {
        error = execute(request, *path);
        switch (error) {
        case -EACCES:
            // To a search, a directory that may not be entered says nothing of the command, as in a shell.
            denied = denied || !searches || raw_syscall(SYS_faccessat, AT_FDCWD, (long)*path, F_OK, 0, 0) == 0;
            error = -ENOENT;
            break;
        case -ENOENT:
        case -ENOTDIR:
        case -ESTALE:
        case -ENODEV:
        case -ETIMEDOUT:
            break;
        default:
            return error;
        }
    }
    return denied ? -EACCES : error;
}

/// What strerror says of the errors that execve(2) has for one command; strerror itself may lock and
/// allocate.
static const char *text_of(long error)
{
    switch (error) {
    case -ENOENT:
        return "No such file or directory";
    case -ENOTDIR:
        return "Not a directory";
    case -EACCES:
        return "Permission denied";
    case -EPERM:
        return "Operation not permitted";
    case -EISDIR:
        return "Is a directory";
    case -ENOEXEC:
        return "Exec format error";
    case -ETXTBSY:
        return "Text file busy";
    case -ELOOP:
        return "Too many levels of symbolic links";
    case -ENAMETOOLONG:
        return "File name too long";
    case -ELIBBAD:
        return "Accessing a corrupted shared library";
    case -EIO:
        return "Input/output error";
    default:
        return "Cannot be executed";
    }
}

static _Noreturn void leave_like_shell(const struct clinux_spawn_request *request, long error)
{
    static const char prefix[] = "envd: ";
    char *command = request->arguments[0];
    const char *text = text_of(error);
    const struct iovec line[] = {
        {(void *)prefix, sizeof prefix - 1},
        {command, length_of(command, longest_shown_command)},
        {(void *)": ", 2},
        {(void *)text, length_of(text, SIZE_MAX)},
        {(void *)"\n", 1},
    };
    raw_syscall(SYS_writev, 2, (long)line, sizeof line / sizeof line[0], 0, 0);
    leave(error == -ENOENT || error == -ENOTDIR ? 127 : 126);
}

static bool is_lack_of_resources(long error)
{
    return error == -E2BIG || error == -ENOMEM || error == -EAGAIN || error == -EMFILE || error == -ENFILE;
}

void spawn_child_main(void *argument)
{
    struct spawn_child *child = argument;
    const struct clinux_spawn_request *request = child->request;
    // Before anything that could end the child.
    child->result->has_begun = true;
    pid_t process_id = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0);
    __atomic_store_n(&child->result->process_id, process_id, __ATOMIC_RELEASE);
    own_descriptors(child);
    if (child->enters_cgroup) {
        enter_cgroup(child);
    }
    enter_session(child);
    set_descriptors(child);
    set_limits(child);  // After the descriptors, which a lower limit could refuse.
    set_credentials(child);
    if (request->working_directory != NULL) {  // As the user: only where the user may go.
        long result = raw_syscall(SYS_chdir, (long)request->working_directory, 0, 0, 0, 0);
        require(child, CLINUX_STAGE_WORKING_DIRECTORY, result);
    }
    reset_signals(child);
    long error = execute_first(request);
    if (request->exits_like_shell && !is_lack_of_resources(error)) {
        leave_like_shell(request, error);
    }
    fail(child, CLINUX_STAGE_EXEC, error);
}
