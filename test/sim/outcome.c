/* outcome.c - a story in a few words. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "core/reason.h"
#include "world.h"

static const char *server(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->frozen)
        return "frozen";
    if (world_is_writable(sim, id))
        return "writable";
    if (pg->state == SIM_PG_DOWN)
        return "down";
    return pg->streaming ? "streaming" : "read-only";
}

struct sim_outcome outcome_of(const struct sim *sim)
{
    const struct sim_stats *stats = &sim->stats;
    struct sim_outcome outcome = {.outage_ms = stats->outage_ms};
    FILE *text = fmemopen(outcome.text, sizeof outcome.text, "w");

    for (int id = 1; text != NULL && id <= sim->n; id++) {
        const struct core *core = &sim->nodes[id].daemon.core;

        if (sim->nodes[id].id != 0)
            fprintf(text, "node%d %s of node%d, %s of node%d, term %lld; ", id,
                    server(sim, id), sim->nodes[id].pg.upstream_id,
                    reason_state_name(core->state), core->primary_id,
                    (long long)core->durable.term);
    }
    if (text != NULL) {
        fprintf(text,
                "%d canvasses, %d promotions, %d follows, %d cuts, %d freezes, "
                "%d kills, %d rivals reported",
                stats->canvasses, stats->promotions, stats->follows, stats->cuts,
                stats->freezes, stats->kills, stats->rivals);
        fclose(text);
    }
    return outcome;
}

bool outcome_is_same(const struct sim_outcome *a, const struct sim_outcome *b)
{
    return strcmp(a->text, b->text) == 0 && llabs(a->outage_ms - b->outage_ms) <= 1000;
}
