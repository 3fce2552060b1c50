#define _GNU_SOURCE
#include "clinux_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int clinux_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
}

int clinux_eventfd(void)
{
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor >= 0 ? descriptor : -errno;
}

int clinux_memory_file(void)
{
    int descriptor = memfd_create("envd", MFD_CLOEXEC);
    if (descriptor < 0) {
        return -errno;
    }
    // Whoever has a descriptor may use it, but nobody gets another one out of /proc/PID/fd.
    if (fchmod(descriptor, 0) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}
