#define _GNU_SOURCE
#include "CBaseline.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /// Bytes; the child needs a few hundred.
    stack_size = 16 * 1024,
    most_threads = 64,
};

struct child {
    char *const *arguments;
    int output;
    int error;
};

static int run(void *argument)
{
    const struct child *child = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (child->output >= 0) {
        dup2(child->output, STDOUT_FILENO);
    }
    if (child->error >= 0) {
        dup2(child->error, STDERR_FILENO);
    }
    execv(child->arguments[0], child->arguments);
    _exit(127);
}

pid_t cbaseline_start(char *const arguments[], int output, int error)
{
    // The parent stands still while the child uses this.
    char stack[stack_size] __attribute__((aligned(16)));
    struct child child = {arguments, output, error};
    pid_t process_id = clone(run, stack + stack_size, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    return process_id < 0 ? -errno : process_id;
}

int cbaseline_wait(pid_t process_id)
{
    int status;
    while (waitpid(process_id, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return status;
}

struct many {
    char *const *arguments;
    atomic_int left;
    atomic_int error;
};

static void *start_some(void *argument)
{
    struct many *many = argument;
    while (atomic_fetch_sub(&many->left, 1) > 0) {
        pid_t process_id = cbaseline_start(many->arguments, -1, -1);
        int status = process_id < 0 ? process_id : cbaseline_wait(process_id);
        if (status < 0) {
            atomic_store(&many->error, -status);
        }
    }
    return NULL;
}

int cbaseline_start_many(char *const arguments[], int threads, int count)
{
    pthread_t thread[most_threads];
    struct many many = {arguments, count, 0};
    int started = 0;
    while (started < threads && started < most_threads) {
        int error = pthread_create(&thread[started], NULL, start_some, &many);
        if (error != 0) {
            atomic_store(&many.error, error);
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
    }
    return many.error;
}
