/* reason.h - decisions in words: one place for the log, the events table, `pgrmon
 * cluster explain` and the transcripts of the simulator. Pure. */
#ifndef PGRMON_CORE_REASON_H
#define PGRMON_CORE_REASON_H

#include "core/core.h"

/* How loud; the order is that of lib/log.h. */
enum core_level {
    CORE_LEVEL_DEBUG,
    CORE_LEVEL_INFO,
    CORE_LEVEL_NOTICE,
    CORE_LEVEL_WARNING,
    CORE_LEVEL_ERROR,
};

/* A message with its DETAIL and HINT, which may be empty. */
struct core_text {
    enum core_level level;
    char text[256];
    char detail[256];
    char hint[256];
};

/* Word a CORE_EFF_REPORT or CORE_EFF_ENTER of `core` (in the state after the step). */
void reason_say(const struct core *core,
                const struct core_effect *effect,
                struct core_text *ret_text);

/* One sentence for a reason: "node \"n3\" (ID: 3) is the better candidate: ...". */
void reason_sentence(const struct core *core,
                     const struct core_why *why,
                     char *buf,
                     unsigned long size);

/* Names as they appear in logs, tables and transcripts. */
const char *reason_state_name(enum core_state state);
const char *reason_name(enum core_reason reason);
const char *reason_rank_rule(enum core_rank_rule rule);

/* The event's name in pgrmon.event: "pgrmond_failover_promote". */
const char *reason_record_name(enum core_record record);

#endif
