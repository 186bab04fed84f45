/* canvass.h - asking for ballots (rules C1, C2, C4, C7). Pure. */
#ifndef PGRMON_CORE_CANVASS_H
#define PGRMON_CORE_CANVASS_H

#include "core/internal.h"

/* Stand for a term above all that were seen: from CORE_ELECTING by a verdict, or from
 * any state when own PostgreSQL is found writable (`claim`). Enters CORE_CANVASSING. */
void canvass_begin(struct core *core,
                   struct core_why why,
                   bool claim,
                   struct core_effects *out);

/* Only in CORE_CANVASSING: count, win or give up. */
bool canvass_step(struct core *core, struct core_effects *out);

/* When the canvass under way is given up. */
struct mono canvass_deadline(const struct core *core);

#endif
