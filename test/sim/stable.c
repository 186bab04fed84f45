/* stable.c - (g): once all is healed there is one leader, and everybody knows it. */
#include <string.h>

#include "check.h"
#include "core/reason.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

/* Whether the WAL of `id` comes from `primary_id`, directly or through others. */
static bool is_fed_by(const struct sim *sim, int id, int primary_id)
{
    for (int hops = 0; hops < SIM_MAX_NODES && id != 0; hops++) {
        const struct sim_pg *pg = &sim->nodes[id].pg;

        if (id == primary_id)
            return true;
        if (!pg->in_recovery || !pg->streaming)
            return false;
        id = pg->upstream_id;
    }
    return false;
}

static void check_follower(struct sim *sim, const struct sim_node *node, int primary_id)
{
    const struct core *core = &node->daemon.core;
    bool content = core->state == CORE_STANDBY && core->primary_id == primary_id;

    if (node->pg.state != SIM_PG_UP)
        return;
    /* Only a human can bring back WAL that forked: the core says that it cannot follow.
     */
    if (!world_can_follow(sim, node->id, primary_id))
        return;
    if (!is_fed_by(sim, node->id, primary_id))
        sim_fail(sim, "node%d leads, but node%d does not get its WAL (state %d, %d)",
                 primary_id, node->id, core->state, core->why.reason);
    else if (!content)
        sim_fail(sim,
                 "node%d leads and node%d follows, but its daemon is in state %d, "
                 "believes in node%d, because %d",
                 primary_id, node->id, core->state, core->primary_id, core->why.reason);
}

void check_follow_chain(struct sim *sim, int id, int leader_id)
{
    if (!world_can_follow(sim, id, leader_id))
        sim_fail(sim, "the WAL of node%d has diverged", id);
    check_follower(sim, sim_node(sim, id), leader_id);
}

/* What every daemon waits for. */
static void no_leader(struct sim *sim)
{
    char text[600] = "";

    for (int id = 1; id <= sim->n; id++) {
        const struct core *core = &sim->nodes[id].daemon.core;

        if (sim->nodes[id].id != 0)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                           " node%d %s (%s), membership %lld;", id,
                           reason_state_name(core->state),
                           reason_name(core->why.reason),
                           (long long)sim->nodes[id].file.members_version);
    }
    sim_fail(sim, "all is healed, and no node is writable:%s", text);
}

static void check_leader(struct sim *sim, int id)
{
    struct core *core = &sim->nodes[id].daemon.core;

    if (core->state != CORE_PRIMARY && sim->nodes[id].twin_of == 0)
        sim_fail(sim, "node%d is writable, its daemon is in state %d", id, core->state);
    commit_check(sim, id);
    for (int other = 1; other <= sim->n; other++)
        if (world_record_of(&sim->nodes[id].pg.table, other) != NULL && other != id)
            check_follower(sim, &sim->nodes[other], id);
}

/* Where nothing is fenced, two may stay writable: but not without a word. */
static void check_rivals(struct sim *sim)
{
    struct sim_table *table = &sim->nodes[nemesis_rightful(sim)].pg.table;
    bool said = false;

    for (int id = 1; id <= sim->n; id++) {
        said = said || sim->nodes[id].daemon.said_many;
        if (world_is_writable(sim, id) && world_record_of(table, id) == NULL)
            return; /* not of the cluster any more */
    }
    if (!said)
        sim_fail(sim, "%d nodes are writable, and nobody says so",
                 world_n_writable(sim));
}

/* Of two who vote one keeps a change that was lost with its leader: the other has the
 * better WAL, and gets no vote (V1). Known: docs/decisions.md, Votes. */
static bool is_stuck_pair(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        struct sim_node *node = &sim->nodes[id];

        for (int i = 0; node->id != 0 && check_is_pair(node) && i < node->stored.n; i++)
            if (node->stored.v[i].voting &&
                sim->nodes[node->stored.v[i].id].file.members_version !=
                    node->file.members_version)
                return true;
    }
    return false;
}

void check_stable(struct sim *sim)
{
    int n = world_n_writable(sim);

    if (n == 0 && is_stuck_pair(sim))
        return;
    if (n == 0)
        no_leader(sim);
    if (n > 1)
        check_rivals(sim);
    for (int id = 1; n == 1 && id <= sim->n; id++)
        if (world_is_writable(sim, id))
            check_leader(sim, id);
}
