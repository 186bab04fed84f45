/* effect.c - what a step asks for. */
#include "core/effect.h"

#include <string.h>

struct core_effect *effect_emit(struct core_effects *out, enum core_effect_kind kind)
{
    struct core_effect *effect;

    CORE_ASSERT(out->n < CORE_MAX_EFFECTS);
    effect = &out->v[out->n++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

void effect_report(struct core_effects *out,
                   enum core_message message,
                   int node_id,
                   struct core_why why)
{
    struct core_effect *effect = effect_emit(out, CORE_EFF_REPORT);

    effect->message = message;
    effect->node_id = node_id;
    effect->why = why;
}

void effect_record(struct core_effects *out,
                   enum core_record what,
                   bool successful,
                   struct core_why why)
{
    struct core_effect *effect = effect_emit(out, CORE_EFF_EVENT);

    effect->record = what;
    effect->successful = successful;
    effect->node_id = why.node_id;
    effect->why = why;
}

struct core_why why_of(enum core_reason reason, int node_id)
{
    return (struct core_why){.reason = reason, .node_id = node_id};
}
