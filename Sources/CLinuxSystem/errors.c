#define _GNU_SOURCE
#include "clinux_errors.h"

#include <string.h>

const char *clinux_error_text(int error)
{
    return strerrordesc_np(error);
}
