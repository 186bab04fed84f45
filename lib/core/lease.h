/* lease.h - who may stay writable (rules L), and what is done to own PostgreSQL. Pure.
 */
#ifndef PGRMON_CORE_LEASE_H
#define PGRMON_CORE_LEASE_H

#include "core/internal.h"

/* Own processes were looked at. */
void lease_local(struct core *core, enum core_local local, bool clean);

/* A freeze, thaw, kill or start ended. */
void lease_done(struct core *core, uint32_t id, bool ok);

/* L1: until when enough valid ballots last; MONO_NEVER when nobody else is needed. */
struct mono lease_until(const struct core *core);
bool lease_is_valid(const struct core *core);

/* L3: whether `lead` may be said: own PostgreSQL accepts connections out of recovery,
 * or is frozen by ourselves. */
bool lease_may_say_lead(const struct core *core);

/* N3: a leader is calm while its own board alone keeps its lease young. */
bool lease_is_calm(const struct core *core);

/* What a leader does: freeze, thaw, arm, resign. True when the state has changed.
 * Only in CORE_PRIMARY. */
bool lease_lead(struct core *core, struct core_effects *out);

/* C5: a promotion under way whose lease lapses is ended. Only in CORE_PROMOTING. */
bool lease_promoting(struct core *core, struct core_effects *out);

/* Give the own term up, own PostgreSQL first (L6): enters CORE_RESIGNING. */
void lease_resign(struct core *core, enum core_reason why, struct core_effects *out);

/* Only in CORE_RESIGNING: the steps of L6. */
bool lease_resigning(struct core *core, struct core_effects *out);

/* Own PostgreSQL is writable, and we do not lead: frozen, and in the end killed. */
void lease_unleased(struct core *core, struct core_effects *out);

/* Start own PostgreSQL again, read-only, when we ended it. */
void lease_start_again(struct core *core, struct core_effects *out);

/* E9: we led, our PostgreSQL neither crashed nor hung, and it is on its way to a
 * report: the others wait for it, since it may have commits that nobody else has. */
bool lease_report_is_coming(const struct core *core);

/* Tell the sentry its deadlines when they moved (L7). Every step. */
void lease_tell(struct core *core, struct core_effects *out);

/* The next moment at which anything above is due. */
struct mono lease_deadline(const struct core *core);

#endif
