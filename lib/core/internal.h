/* internal.h - what the files of lib/core share with each other and with unit tests. */
#ifndef PGRMON_CORE_INTERNAL_H
#define PGRMON_CORE_INTERNAL_H

#include "core/core.h"

/* Ours: stays on in release builds; a failed one is a bug of pgrmon, never bad input.
 */
#define CORE_ASSERT(condition)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            __builtin_trap();                                                          \
    } while (0)

/* How long a survey lasts at most: a probe may take two beats (design.md section 2),
 * one more for the loop, one for luck. Who has not answered by then counts as silent.
 */
#define CORE_SURVEY_BEATS 4

/* Change the state: the only writer of core->state (core.c). Says so, with `why`. */
void core_become(struct core *core,
                 enum core_state state,
                 struct core_why why,
                 struct core_effects *out);

#endif
