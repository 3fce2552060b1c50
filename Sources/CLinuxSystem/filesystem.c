#define _GNU_SOURCE
#include "clinux_filesystem.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

int clinux_filesystem_freeze(int descriptor)
{
    return ioctl(descriptor, FIFREEZE, 0) == 0 ? 0 : errno;
}

int clinux_filesystem_thaw(int descriptor)
{
    return ioctl(descriptor, FITHAW, 0) == 0 ? 0 : errno;
}
