#define _GNU_SOURCE
#include "CBaseline.h"

#include <sched.h>

int cbaseline_use_processors(int count)
{
    cpu_set_t processors;
    CPU_ZERO(&processors);
    if (count == 1) {
        CPU_SET(sched_getcpu(), &processors);
    } else {
        for (int i = 0; i < CPU_SETSIZE; i++) {
            CPU_SET(i, &processors);
        }
    }
    return sched_setaffinity(0, sizeof processors, &processors);
}
