#define _GNU_SOURCE
#include "CBaseline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static int create(int directory, const char *name)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return file < 0 ? -1 : close(file);
}

pid_t cbaseline_churn(const char *directory, int files, const char *last)
{
    pid_t process_id = fork();
    if (process_id != 0) {
        return process_id < 0 ? -errno : process_id;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char name[32];
    for (int i = 0; i < files; i++) {
        snprintf(name, sizeof name, "f%d", i);
        if (create(root, name) != 0 || unlinkat(root, name, 0) != 0) {
            _exit(1);
        }
    }
    _exit(create(root, last) == 0 ? 0 : 1);
}
