/* reason_lease.h - the sentences of ballots and leases; reason.c calls it. Pure. */
#ifndef PGRMON_CORE_REASON_LEASE_H
#define PGRMON_CORE_REASON_LEASE_H

#include "core/reason.h"

/* The sentence of `why`, or false when it is none of these. */
bool reason_lease_sentence(const struct core *core,
                           const struct core_why *why,
                           char *buf,
                           unsigned long size);

/* A CORE_SAY_VOTED, CORE_SAY_LEASE, CORE_SAY_NO_STATE or CORE_SAY_DAEMON_SILENT. */
void reason_lease_say(const struct core *core,
                      const struct core_effect *effect,
                      struct core_text *ret_text);

/* HINT for a daemon without a state file. */
/* Where a pause keeps a primary from being elected. */
#define REASON_HINT_PAUSED                                                             \
    "with a primary, end it with \"pgrmon service unpause\"; without one, see "        \
    "\"pgrmon "                                                                        \
    "service status\" for when it ends, and \"pgrmon service unpause --help\""

#define REASON_HINT_NO_STATE                                                           \
    "admit it again: \"pgrmon primary register --force\" on a primary, \"pgrmon "      \
    "standby register --force\" on a standby"

#endif
