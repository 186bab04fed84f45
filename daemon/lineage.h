/* lineage.h - before own PostgreSQL is pointed at another: is all its WAL the other's,
 * too? (rule P3; lib/termlist.h)
 *
 * Steps of an action on its two sessions: own rows and position first, then the rows of
 * the other, which only grow. */
#ifndef PGRMOND_LINEAGE_H
#define PGRMOND_LINEAGE_H

#include "action.h"

/* Compare with node `action->node_id`, and run `then` if own PostgreSQL may stream from
 * it. Otherwise log why not and what to do, and end the action. `action->remote` must
 * be idle; both sessions are afterwards. */
void lineage_check(struct action *action, void (*then)(struct action *action));

/* Release what an action has read. NULL is fine. */
void lineage_free(struct lineage *lineage);

#endif
