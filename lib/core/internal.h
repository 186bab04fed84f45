/* internal.h - what the files of lib/core share with each other and with unit tests. */
#ifndef PGRMON_CORE_INTERNAL_H
#define PGRMON_CORE_INTERNAL_H

#include "core/core.h"

/* Ours: stays on in release builds; a failed one is a bug of pgrmon, never bad input. */
#define CORE_ASSERT(condition)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            __builtin_trap();                                                          \
    } while (0)

#endif
