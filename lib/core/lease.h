/* lease.h - until when a leader may stay writable (rules L1, L3, L7, M4). Pure.
 *
 *   lease valid --lapses--> frozen --valid again--> thawed
 *                              |
 *                              +--W is over--> killed, resigned on disk, resigned
 *
 * What is done about it is in lead.c; the sentry does the same by itself when this
 * daemon does not run (L7). */
#ifndef PGRMON_CORE_LEASE_H
#define PGRMON_CORE_LEASE_H

#include "core/internal.h"

/* False with fencing = off, and where a leader may go on without a quorum. */
bool lease_may_fence(const struct core *core);

/* A promotion is under way, or has been: no ballots, no right to be writable. */
bool lease_is_armed(const struct core *core);

/* The term that we lead, or promote for. */
int64_t lease_led_term(const struct core *core);

/* L1: until when enough valid ballots last; MONO_NEVER when nobody else is needed. */
struct mono lease_until(const struct core *core);
bool lease_is_valid(const struct core *core);

/* L1, M3: ballots of enough voters, or their promise to elect nobody. */
bool lease_may_write(const struct core *core);

/* M4: whether this is the moment in which ballots are collected. */
bool lease_in_grace(const struct core *core);

/* While it is not valid: when it lapsed, as far as this run knows. */
struct mono lease_lapsed_at(const struct core *core);

/* L3: whether `lead` may be said: own PostgreSQL accepts connections out of recovery,
 * or is frozen by ourselves. */
bool lease_may_say_lead(const struct core *core);

/* N3: a leader is calm while its own board alone keeps its lease young. */
bool lease_is_calm(const struct core *core);

/* Tell the sentry its deadlines when they moved (L7). Every step. */
void lease_tell(struct core *core, struct core_effects *out);

/* The next moment at which anything of this is due, or an action on own PostgreSQL. */
struct mono lease_deadline(const struct core *core);

#endif
