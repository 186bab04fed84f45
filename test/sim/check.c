/* check.c - what must hold, judged by what each daemon was told and by nothing that the
 * core concluded from it.
 *
 * Not asserted here, and known: without votes two partial surveys can promote two
 * nodes, and a primary that is cut off stays writable. world.c counts such moments; the
 * rules that end them are listed as "not yet" in docs/failover-rules.md. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/internal.h"
#include "sim.h"

/* No daemon may be busier than this in a virtual second. */
#define MAX_STEPS 400
#define MAX_TICKS 20

void sim_fail(struct sim *sim, const char *fmt, ...)
{
    va_list args;

    if (sim->failed)
        return;
    sim->failed = true;
    va_start(args, fmt);
    (void)vsnprintf(sim->failure, sizeof sim->failure, fmt, args);
    va_end(args);
    trace_world(sim, "VIOLATION: %s", sim->failure);
}

/* ---- what a daemon was told -------------------------------------------------- */

static bool proves_leader(const struct sim_node *node,
                          const struct sim_peer *peer,
                          const struct core_observation *seen,
                          struct mono now)
{
    switch (seen->reach) {
    case REACH_OK:
        return seen->system_identifier == SIM_SYSTEM && !seen->in_recovery &&
               seen->term >= node->daemon.core.term;
    case REACH_REJECTED:
    case REACH_FAILED:
        return true;
    case REACH_STARTING:
        return mono_diff(now, peer->starting_since) <
               node->settings.startup_patience_ms;
    case REACH_SILENT:
        return seen->connected && node->settings.check != CORE_CHECK_QUERY;
    case REACH_UNKNOWN:
    case REACH_REFUSED:
    case REACH_UNUSABLE:
        return false;
    }
    return false;
}

void check_told(struct sim *sim,
                struct sim_node *node,
                const struct core_observation *seen)
{
    struct sim_peer *peer = &node->daemon.peers[seen->node_id];

    if (seen->reach != REACH_STARTING)
        peer->starting_since.ms = 0;
    else if (peer->starting_since.ms == 0)
        peer->starting_since = sim->now;
    peer->told = true;
    peer->last = *seen;
    peer->last_at = sim->now;
    if (proves_leader(node, peer, seen, sim->now))
        peer->led_at = sim->now;
    if (peer->led_at.ms == sim->now.ms && seen->reach == REACH_OK)
        peer->wrote_at = sim->now;
}

/* Told within the last survey, and an answer of our own cluster. */
static const struct core_observation *
recent(const struct sim *sim, const struct sim_node *node, int id)
{
    const struct sim_peer *peer = &node->daemon.peers[id];
    int64_t age_ms = mono_diff(sim->now, peer->last_at);

    if (!peer->told || age_ms > (CORE_SURVEY_BEATS + 2) * node->settings.beat_ms ||
        peer->last.reach != REACH_OK || peer->last.system_identifier != SIM_SYSTEM)
        return NULL;
    return &peer->last;
}

static int64_t window_ms(const struct sim_node *node)
{
    return node->settings.reconnect_attempts * node->settings.reconnect_interval_ms;
}

/* ---- promotions -------------------------------------------------------------- */

/* Q1, Q2. A stale primary, whose term is over, answers for nobody. */
static void check_quorum(struct sim *sim, const struct sim_node *node)
{
    const struct core *core = &node->daemon.core;
    int voting = 0, answered = 0;

    for (int i = 0; i < core->n_members; i++) {
        if (!core->members[i].voting)
            continue;
        voting++;
        answered += recent(sim, node, core->members[i].id) != NULL;
    }
    if (answered > voting / 2 ||
        (voting == 2 && node->settings.quorum == CORE_QUORUM_AUTO && answered == 1))
        return;
    sim_fail(sim, "Q1: node%d promotes, but %d of %d voters answer it", node->id,
             answered, voting);
}

/* P4, over everybody that stands. */
static bool ranks_before(const struct core_observation *a,
                         const struct core_member *member_a,
                         const struct core_observation *b,
                         const struct core_member *member_b)
{
    if (a->term != b->term)
        return a->term > b->term;
    if (a->position.pos != b->position.pos)
        return a->position.pos > b->position.pos;
    if (member_a->priority != member_b->priority)
        return member_a->priority > member_b->priority;
    return member_a->id < member_b->id;
}

static bool stands(const struct core_observation *seen,
                   const struct core_member *member)
{
    return seen != NULL && seen->in_recovery && seen->position.pos != 0 &&
           member->priority > 0 && seen->note.phase != CORE_PHASE_NONE &&
           seen->note.phase != CORE_PHASE_PASS;
}

static void check_rank(struct sim *sim, const struct sim_node *node)
{
    const struct core *core = &node->daemon.core;
    const struct core_observation *self = recent(sim, node, node->id);
    bool impatient =
        mono_diff(sim->now, node->daemon.electing_since) >= 2 * window_ms(node);

    for (int i = 0; i < core->n_members; i++) {
        const struct core_member *other = &core->members[i];
        const struct core_observation *seen = recent(sim, node, other->id);

        if (other->id == node->id || !stands(seen, other) || impatient)
            continue;
        if (ranks_before(seen, other, self, core_member(core, node->id)))
            sim_fail(sim, "P4: node%d promotes, but node%d ranks before it", node->id,
                     other->id);
    }
}

static void check_others(struct sim *sim, const struct sim_node *node)
{
    const struct core *core = &node->daemon.core;

    for (int i = 0; i < core->n_members; i++) {
        int id = core->members[i].id;
        const struct core_observation *seen = recent(sim, node, id);

        if (seen == NULL || id == node->id)
            continue;
        if (!seen->in_recovery && seen->term >= core->term)
            sim_fail(sim, "E2: node%d promotes, but node%d leads", node->id, id);
        if (seen->note.phase == CORE_PHASE_FOLLOW && seen->note.leader_id != 0 &&
            seen->note.leader_id != node->id &&
            (seen->note.leader_id == core->primary_id || seen->note.term >= core->term))
            sim_fail(sim, "E5: node%d promotes, but node%d sees a leader", node->id,
                     id);
        if (seen->note.phase == CORE_PHASE_PROMOTE)
            sim_fail(sim, "E7: node%d promotes, but node%d does already", node->id, id);
    }
}

void check_promotion(struct sim *sim, struct sim_node *node)
{
    const struct core *core = &node->daemon.core;
    const struct core_member *self = core_member(core, node->id);
    const struct core_observation *own = recent(sim, node, node->id);
    const struct sim_peer *lost = &node->daemon.peers[core->primary_id];

    if (own == NULL || !own->in_recovery) {
        sim_fail(sim, "node%d promotes, but its PostgreSQL is no standby", node->id);
        return;
    }
    if (node->settings.failover == CORE_FAILOVER_MANUAL || self->priority <= 0)
        sim_fail(sim, "E7: node%d promotes, but must not", node->id);
    if (lost->led_at.ms != 0 && mono_diff(sim->now, lost->led_at) < window_ms(node))
        sim_fail(sim, "E4: node%d promotes %" PRId64 " ms after node%d last answered",
                 node->id, mono_diff(sim->now, lost->led_at), core->primary_id);
    for (int id = 1; id <= sim->n; id++) {
        const struct sim_peer *peer = &node->daemon.peers[id];

        if (id != node->id && peer->wrote_at.ms != 0 &&
            mono_diff(sim->now, peer->wrote_at) < window_ms(node))
            sim_fail(sim, "E4: node%d promotes %" PRId64 " ms after node%d led",
                     node->id, mono_diff(sim->now, peer->wrote_at), id);
    }
    check_quorum(sim, node);
    check_others(sim, node);
    check_rank(sim, node);
}

void check_follow(struct sim *sim, struct sim_node *node, int target_id)
{
    const struct core_observation *seen = recent(sim, node, target_id);

    if (target_id == node->id || seen == NULL || seen->in_recovery ||
        seen->term < node->daemon.core.term)
        sim_fail(sim, "E2: node%d follows node%d, which does not lead", node->id,
                 target_id);
}

/* ---- every step -------------------------------------------------------------- */

static void
check_pace(struct sim *sim, struct sim_node *node, enum core_event_kind kind)
{
    struct sim_daemon *daemon = &node->daemon;

    if (mono_diff(sim->now, daemon->second) >= 1000) {
        daemon->second = sim->now;
        daemon->steps = 0;
        daemon->ticks = 0;
    }
    daemon->steps++;
    daemon->ticks += kind == CORE_EV_TICK;
    if (daemon->steps > MAX_STEPS || daemon->ticks > MAX_TICKS)
        sim_fail(sim, "node%d is busy: %d steps and %d deadlines within a second",
                 node->id, daemon->steps, daemon->ticks);
}

void check_step(struct sim *sim, struct sim_node *node, const struct core_event *event)
{
    const struct core *core = &node->daemon.core;
    bool acting = core->state == CORE_PROMOTING || core->state == CORE_FOLLOWING;

    check_pace(sim, node, event->kind);
    if (core_deadline(core).ms < sim->now.ms)
        sim_fail(sim, "the deadline of node%d has passed already", node->id);
    if (acting != (core->action_id != 0))
        sim_fail(sim, "node%d is in state %d with action %u", node->id, core->state,
                 core->action_id);
    if (core->state == CORE_PRIMARY && core->primary_id != node->id)
        sim_fail(sim, "node%d is a primary and believes in node%d", node->id,
                 core->primary_id);
    if (core->state == CORE_SUSPECTING && core->suspect_id == 0)
        sim_fail(sim, "node%d suspects nobody", node->id);
}

/* ---- in the end -------------------------------------------------------------- */

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
    if (!world_can_stream(sim, node->id, primary_id))
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
    if (!world_can_stream(sim, id, leader_id))
        sim_fail(sim, "the WAL of node%d has diverged", id);
    check_follower(sim, sim_node(sim, id), leader_id);
}

void check_stable(struct sim *sim)
{
    int n = world_n_writable(sim);

    if (n == 0)
        sim_fail(sim, "all is healed, and no node is writable");
    for (int id = 1; id <= sim->n; id++) {
        const struct sim_node *node = &sim->nodes[id];

        if (!world_is_writable(sim, id))
            continue;
        if (node->daemon.core.state != CORE_PRIMARY)
            sim_fail(sim, "node%d is writable, its daemon is in state %d", id,
                     node->daemon.core.state);
        if (n > 1 && !node->daemon.said_many)
            sim_fail(sim, "%d nodes are writable, and node%d does not say so", n, id);
        for (int other = 1; n == 1 && other <= sim->n; other++)
            if (other != id && sim->nodes[other].id != 0)
                check_follower(sim, &sim->nodes[other], id);
    }
}
