#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Where on the way to the new program a spawn failed.
enum clinux_spawn_stage {
    CLINUX_STAGE_NONE = 0,
    CLINUX_STAGE_CLONE,
    CLINUX_STAGE_SESSION,
    CLINUX_STAGE_TERMINAL_CONTROL,
    CLINUX_STAGE_LIMITS,
    CLINUX_STAGE_DESCRIPTORS,
    CLINUX_STAGE_CREDENTIALS,
    CLINUX_STAGE_WORKING_DIRECTORY,
    CLINUX_STAGE_EXEC,
};

enum clinux_process_group {
    /// The parent's session and process group.
    CLINUX_GROUP_INHERIT,
    /// setpgid(0, 0).
    CLINUX_GROUP_OWN,
    /// setsid().
    CLINUX_GROUP_SESSION,
};

enum {
    /// Descriptors that a child can have besides 0, 1 and 2.
    clinux_most_inherited = 4,
};

struct clinux_resource_limit {
    /// RLIMIT_*.
    int resource;
    /// RLIM_INFINITY is all ones.
    uint64_t soft;
    uint64_t hard;
};

/// Everything the child needs, prepared before it exists: it cannot allocate.
struct clinux_spawn_request {
    /// Paths to try in order, NULL-terminated, relative ones against the child's working directory.
    char *const *candidates;
    /// argv, NULL-terminated.
    char *const *arguments;
    /// argv for a file without a known format: "/bin/sh", a slot that the child fills with the file's path,
    /// then the arguments after argv[0]. NULL-terminated.
    char **shell_arguments;
    /// envp, NULL-terminated.
    char *const *environment;
    /// NULL keeps the parent's.
    const char *working_directory;

    /// The child's descriptors 0, 1 and 2; borrowed.
    int standard_input;
    int standard_output;
    int standard_error;
    /// The child's descriptors from 3 on, at most clinux_most_inherited; borrowed.
    const int *inherited;
    size_t inherited_count;
    /// Make standard_input the controlling terminal; needs CLINUX_GROUP_SESSION.
    bool controls_terminal;
    /// Borrowed directory of a cgroup v2, or -1.
    int cgroup;
    enum clinux_process_group process_group;

    /// Absolute, -20 to 19.
    int niceness;
    /// Level of the best-effort class, 0 (first) to 7.
    int io_priority;
    /// -1000 to 1000.
    int oom_score_adjustment;
    mode_t file_mode_mask;
    const struct clinux_resource_limit *resource_limits;
    size_t resource_limit_count;

    /// Without it the child keeps the parent's credentials.
    bool changes_credentials;
    uint32_t uid;
    uint32_t gid;
    const uint32_t *groups;
    size_t group_count;

    /// When the command is missing or may not run: say so on descriptor 2 and exit 127 or 126, as a shell
    /// does. A lack of resources is reported to the parent all the same.
    bool exits_like_shell;
};

struct clinux_spawn_result {
    /// CLINUX_STAGE_NONE if the child runs the program (or exited like a shell).
    enum clinux_spawn_stage stage;
    /// The errno of the failed stage.
    int error;
    /// -1 if there is no child, so also before. Atomic: see clinux_spawn_process_id.
    pid_t process_id;
    /// The child has said so itself, before anything else: it did not end before.
    bool has_begun;
};

/// A result before there is a child.
void clinux_spawn_prepare(struct clinux_spawn_result *result);

/// Starts a child and returns once it runs its program, or failed to.
///
/// The child shares this process's memory until then, so that the cost does not depend on how much there is.
/// The calling thread is suspended for that long; other threads run on, and may spawn as well.
///
/// `result`, which has been prepared, is written by the child: another thread that has seen the child end finds
/// in it what the caller will see. A child that failed is left to be reaped.
///
/// - SeeAlso: clone(2), vfork(2), cgroups(7).
void clinux_spawn(const struct clinux_spawn_request *request, struct clinux_spawn_result *result);

/// The child's process ID as soon as it runs, -1 before.
pid_t clinux_spawn_process_id(const struct clinux_spawn_result *result);

#endif
