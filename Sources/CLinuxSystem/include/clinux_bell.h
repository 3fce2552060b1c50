#ifndef CLINUX_BELL_H
#define CLINUX_BELL_H

#include <stdbool.h>
#include <stdint.h>

// Waking one thread with one call, and without a lock that it would have to take next: futex(2).

/// Sets `bell`, which is 0 or 1, and wakes the thread that waits for it.
void clinux_bell_ring(uint32_t *bell);

/// Waits until `bell` is 1, and makes it 0.
void clinux_bell_wait(uint32_t *bell);

/// The same for at most `milliseconds`; whether it was 1.
bool clinux_bell_wait_for(uint32_t *bell, uint32_t milliseconds);

#endif
