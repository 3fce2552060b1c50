#ifndef SPAWN_CHILD_H
#define SPAWN_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "clinux_spawn.h"

/// What parent and child share while the child has no program yet.
struct spawn_child {
    const struct clinux_spawn_request *request;
    struct clinux_spawn_result *result;
    /// The child begins with its parent's descriptor table, not with a copy.
    bool shares_descriptors;
    /// The kernel could not create the child inside its cgroup: it moves there itself.
    bool enters_cgroup;
    /// The kernel gave the child default dispositions, but for signals that were ignored.
    bool has_default_handlers;
    /// Signals that may be ignored, as a kernel's set.
    uint64_t ignored_signals;
};

/// The child's life from clone to exec. `argument` is a `struct spawn_child *`. Never returns.
///
/// Runs on a small stack in the parent's memory: raw system calls only, no allocation, nothing written but
/// the result and the slot in `shell_arguments`.
void spawn_child_main(void *argument);

#endif
