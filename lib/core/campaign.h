/* campaign.h - acting in an election, a promotion and a follow. Pure.
 *
 * The functions named after a state look at what is known, and either stay (false) or
 * move on to another state (true). They may be called in that state only. */
#ifndef PGRMON_CORE_CAMPAIGN_H
#define PGRMON_CORE_CAMPAIGN_H

#include "core/internal.h"

/* Begin a survey, and enter ELECTING, from any state of a standby. */
void campaign_begin(struct core *core, struct core_why why, struct core_effects *out);

/* Promote own PostgreSQL, having won (C5). Enters PROMOTING. */
void campaign_promote(struct core *core, struct core_why why, struct core_effects *out);

bool campaign_electing(struct core *core, struct core_effects *out);
bool campaign_promoting(struct core *core, struct core_effects *out);
bool campaign_following(struct core *core, struct core_effects *out);

/* The action `id` ended. One that is not under way any more is ignored. */
void campaign_done(struct core *core, uint32_t id, bool ok, struct core_effects *out);

#endif
