/* effect.h - appending effects; shared by the files that act. Pure. */
#ifndef PGRMON_CORE_EFFECT_H
#define PGRMON_CORE_EFFECT_H

#include "core/internal.h"

/* Append an effect of `kind`, all else zero, to be filled in. */
struct core_effect *effect_emit(struct core_effects *out, enum core_effect_kind kind);

/* Tell people `message` about `node_id`. */
void effect_report(struct core_effects *out,
                   enum core_message message,
                   int node_id,
                   struct core_why why);

/* Record an event; the other party is that of `why`. */
void effect_record(struct core_effects *out,
                   enum core_record what,
                   bool successful,
                   struct core_why why);

/* A reason that concerns `node_id` (0 = nobody). */
struct core_why why_of(enum core_reason reason, int node_id);

#endif
