/* commit.c - acknowledged commits, and who has them.
 *
 * The WAL of one regime is one line, so the newest acknowledged position of each says
 * everything. */
#include <inttypes.h>

#include "check.h"
#include "core/internal.h"
#include "sim.h"
#include "world.h"

void commit_acknowledge(struct sim *sim, int id, uint64_t position)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;
    const struct sim_regime *now = &pg->regimes[pg->n_regimes - 1];

    /* (d) */
    if (pg->frozen || pg->in_recovery || world_is_paused(sim, id))
        sim_fail(sim, "d: node%d acknowledges a commit, but it is frozen or read-only",
                 id);
    if (position <= now->start && now->uid != 0)
        return; /* confirmed WAL of an earlier regime: none of ours */
    for (int i = 0; i < sim->n_acks; i++) {
        if (sim->acks[i].uid != now->uid)
            continue;
        if (sim->acks[i].start < position)
            sim->acks[i].start = position;
        return;
    }
    CORE_ASSERT(sim->n_acks < SIM_MAX_REGIMES);
    sim->acks[sim->n_acks++] = (struct sim_regime){now->uid, position};
}

/* It is named in synchronous_standby_names and confirms at this moment. Who was cut off
 * by a vote streams from nobody. */
static bool confirms(const struct sim *sim, int standby, int id)
{
    const struct sim_node *node = &sim->nodes[standby];

    return node->id != 0 && node->named && standby != id &&
           node->pg.state == SIM_PG_UP && node->pg.in_recovery && node->pg.streaming &&
           node->pg.upstream_id == id && !node->pg.hung && !node->pg.frozen &&
           !world_is_paused(sim, standby) && world_reaches(sim, standby, id) &&
           world_can_stream(sim, standby, id);
}

uint64_t commit_confirmed(const struct sim *sim, int id)
{
    uint64_t best[SIM_MAX_NODES] = {0};
    int n = 0;

    for (int other = 1; other <= sim->n; other++) {
        uint64_t lsn = sim->nodes[other].pg.lsn;
        int at = n;

        if (!confirms(sim, other, id))
            continue;
        for (; at > 0 && best[at - 1] < lsn; at--)
            best[at] = best[at - 1];
        best[at] = lsn;
        n++;
    }
    return n >= sim->copies ? best[sim->copies - 1] : 0;
}

/* Up to where `pg` has the WAL of the regime `uid`; 0: nothing of it. */
static uint64_t has_until(const struct sim_pg *pg, uint64_t uid)
{
    for (int i = 0; i < pg->n_regimes; i++)
        if (pg->regimes[i].uid == uid)
            return i + 1 < pg->n_regimes ? pg->regimes[i + 1].start : pg->lsn;
    return 0;
}

void commit_check(struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    /* The instants after a pause are not covered (3.9), but what it acknowledges then
     * nobody confirms. */
    if (sim->copies == 0 || sim->now.ms < sim->nodes[id].unaware_until.ms ||
        check_is_pair(&sim->nodes[id]) || sim->excuse != 0)
        return;
    for (int i = 0; i < sim->n_acks; i++)
        if (has_until(pg, sim->acks[i].uid) < sim->acks[i].start)
            sim_fail(sim,
                     "e: node%d is writable without an acknowledged commit at %" PRIx64
                     ", it has %" PRIx64 " of that regime",
                     id, sim->acks[i].start, has_until(pg, sim->acks[i].uid));
}
