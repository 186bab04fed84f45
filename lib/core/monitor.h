/* monitor.h - acting in calm and in suspicion. Pure.
 *
 * The functions named after a state look at what is known, and either stay (false) or
 * move on to another state (true). They may be called in that state only. */
#ifndef PGRMON_CORE_MONITOR_H
#define PGRMON_CORE_MONITOR_H

#include "core/internal.h"

bool monitor_starting(struct core *core, struct core_effects *out);
bool monitor_primary(struct core *core, struct core_effects *out);
bool monitor_standby(struct core *core, struct core_effects *out);
bool monitor_suspecting(struct core *core, struct core_effects *out);

/* Enter PRIMARY or STANDBY, from any state. */
void monitor_become_primary(struct core *core,
                            struct core_why why,
                            struct core_effects *out);
void monitor_become_standby(struct core *core,
                            struct core_why why,
                            struct core_effects *out);

/* Own PostgreSQL went away or came back: said and recorded once. */
void monitor_local(struct core *core, struct core_effects *out);

/* What all states of a standby look for first: own PostgreSQL was promoted behind our
 * back. Enters PRIMARY then. */
bool monitor_promoted_by_hand(struct core *core, struct core_effects *out);

/* E4: while a cascade mourns its upstream the primary may die too; that is another
 * suspicion, with a window of its own. Enters SUSPECTING then. */
bool monitor_primary_lost_too(struct core *core, struct core_effects *out);

/* True when the newest observation of `id` gives no sign of what we need of it: a
 * leader must be out of recovery, any other upstream must merely live. */
bool monitor_is_lost(const struct core *core, int id);

#endif
