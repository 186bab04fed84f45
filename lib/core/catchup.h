/* catchup.h - a candidate fetches what it lacks before it stands (rule E10). Pure.
 *
 * The most advanced node that is there may not lead: priority 0, failover = manual, a
 * promotion that failed. Its WAL is final (V2), so the best candidate streams from it,
 * for a window at most, is cut off again, and stands with all that was acknowledged. */
#ifndef PGRMON_CORE_CATCHUP_H
#define PGRMON_CORE_CATCHUP_H

#include "core/internal.h"

/* Whom to fetch from: the member whose report is the furthest, if it is ahead of ours
 * and no candidate. NULL when there is none, and when it was tried in this election. */
const struct core_member *catchup_source(const struct core *core);

/* Own PostgreSQL is being pointed at `source_id`: remember up to where, and until when.
 */
void catchup_begin(struct core *core, int source_id);

/* True from then on until all of it is there or a window has passed: until then own
 * PostgreSQL is not cut off, and what its WAL is worth is not known (P2). */
bool catchup_is_on(const struct core *core);

/* Own PostgreSQL is cut off again, or could not be pointed there: it has no upstream
 * now. No other try in this election. */
void catchup_end(struct core *core);

/* The election is over. */
void catchup_reset(struct core *core);

#endif
