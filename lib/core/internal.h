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

/* CORE_RULE(L4_FROZEN) says that this condition is rule L4 of docs/failover-rules.md.
 * It is the constant true, CORE_WITHOUT() its opposite: read on as if they were not
 * there. Only the simulation compiles lib/core with PGRMON_MUTATE: there one rule can
 * be left out, and the simulation must find what goes wrong without it
 * (test/sim/rules.def). */
#ifdef PGRMON_MUTATE
#include "rules.h"
#define CORE_RULE(rule) (!rule_is_out[RULE_##rule])
#else
#define CORE_RULE(rule) true
#endif
#define CORE_WITHOUT(rule) (!CORE_RULE(rule))

/* How long a survey lasts at most: a probe may take two beats (design.md section 2),
 * one more for the loop, one for luck. Who has not answered by then counts as silent.
 */
#define CORE_SURVEY_BEATS 4

/* W, the failover window: nobody is promoted before it has passed without a sign of a
 * leader, unless that one resigned (design.md section 2, Timing). */
static inline int64_t window_of(const struct core_settings *settings)
{
    return settings->reconnect_attempts * settings->reconnect_interval_ms;
}

/* Change the state: the only writer of core->state (core.c). Says so, with `why`. */
void core_become(struct core *core,
                 enum core_state state,
                 struct core_why why,
                 struct core_effects *out);

/* Time goes on to `now`: before anything is decided or said. It never runs backwards
 * here, whatever the caller's clock does. */
void core_pass_time(struct core *core, struct mono now);

#endif
