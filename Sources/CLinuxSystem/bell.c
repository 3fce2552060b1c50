#define _GNU_SOURCE
#include "clinux_bell.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void clinux_bell_ring(uint32_t *bell)
{
    __atomic_store_n(bell, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void clinux_bell_wait(uint32_t *bell)
{
    while (__atomic_exchange_n(bell, 0, __ATOMIC_ACQUIRE) == 0) {
        // Returns at once if it was rung meanwhile.
        syscall(SYS_futex, bell, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
}

bool clinux_bell_wait_for(uint32_t *bell, uint32_t milliseconds)
{
    const struct timespec limit = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    while (__atomic_exchange_n(bell, 0, __ATOMIC_ACQUIRE) == 0) {
        if (syscall(SYS_futex, bell, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0) != 0 && errno == ETIMEDOUT) {
            return __atomic_exchange_n(bell, 0, __ATOMIC_ACQUIRE) != 0;
        }
    }
    return true;
}
