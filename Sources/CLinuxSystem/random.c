#define _GNU_SOURCE
#include "clinux_random.h"

#include <errno.h>
#include <linux/random.h>
#include <sys/ioctl.h>

int clinux_random_reseed(int descriptor)
{
    return ioctl(descriptor, RNDRESEEDCRNG) == 0 ? 0 : errno;
}
