/* lead.h - what a leader does: arm, freeze, thaw, renew, record its term, resign (rules
 * L2 to L9). Pure. */
#ifndef PGRMON_CORE_LEAD_H
#define PGRMON_CORE_LEAD_H

#include "core/internal.h"

/* One step of leading. True when the state has changed. Only in CORE_PRIMARY. */
bool lead_step(struct core *core, struct core_effects *out);

/* C5: a promotion under way whose lease lapses is ended. Only in CORE_PROMOTING. */
bool lead_promoting(struct core *core, struct core_effects *out);

/* Give the own term up, own PostgreSQL first (L6): enters CORE_RESIGNING. */
void lead_resign(struct core *core, enum core_reason why, struct core_effects *out);

/* Only in CORE_RESIGNING: the steps of L6. */
bool lead_resigning(struct core *core, struct core_effects *out);

#endif
