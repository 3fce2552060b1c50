#ifndef CLINUX_BYTES_H
#define CLINUX_BYTES_H

#include <stddef.h>

/// Where `wanted` is first found, NULL if it is not; memmem(3), which glibc hides from strict compilers.
const void *clinux_find_bytes(const void *bytes, size_t count, const void *wanted, size_t wanted_count);

#endif
