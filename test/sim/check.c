/* check.c - what must hold at every instant (design.md section 3), judged by files, WAL
 * and notes:
 *
 *   a  never two writable nodes, but where 3.9 does not cover it
 *   b  no promotion without enough promises of that term in the voters' files
 *   c  no voter promises one term to two nodes, over its whole life
 *   d  nothing is acknowledged while frozen (commit.c)
 *   e  no acknowledged commit is missing from a new leader, if copies are awaited
 *   f  only the one who won a term says that it leads it
 *   g  once all is healed there is one leader, and calm (stable.c) */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/internal.h"
#include "core/reason.h"
#include "world.h"

/* No daemon may be busier than this in a virtual second. */
#define MAX_STEPS 500
#define MAX_TICKS 50

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

void sim_trapped(struct sim *sim)
{
    char way[256] = "";

    sim->trapped = true;
    for (int i = 0; i < sim->effects.n; i++) {
        const struct core_effect *effect = &sim->effects.v[i];

        if (effect->kind == CORE_EFF_ENTER)
            (void)snprintf(way + strlen(way), sizeof way - strlen(way), " -> %s (%s)",
                           reason_state_name(effect->state),
                           reason_name(effect->why.reason));
    }
    if (sim->stepping == 0)
        sim_fail(sim, "an assertion of the simulation failed");
    else
        sim_fail(sim, "an assertion of the core of node%d failed%s", sim->stepping,
                 way);
}

/* ---- (a) who is writable ------------------------------------------------------ */

/* What counts as the voters for `node`: the membership that its daemon has kept. */
static int n_voters(const struct sim_node *node)
{
    int n = 0;

    for (int i = 0; i < node->stored.n; i++)
        n += node->stored.v[i].voting;
    return n;
}

bool check_is_pair(const struct sim_node *node)
{
    return node->settings.quorum == CORE_QUORUM_AUTO && n_voters(node) == 2;
}

static bool has_pair(const struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0 && !sim->nodes[id].host_down &&
            check_is_pair(&sim->nodes[id]))
            return true;
    return false;
}

/* Two are writable: what made that possible stays an excuse for all that follows. */
static bool is_excused(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        const struct sim_node *node = &sim->nodes[id];

        if (!world_is_writable(sim, id))
            continue;
        if (sim->now.ms < node->unaware_until.ms)
            return true;
        if (node->loose || sim->now.ms < node->loose_until.ms)
            sim->excuse |= SIM_UNFENCED;
    }
    if (has_pair(sim))
        sim->excuse |= SIM_TWO_NODES;
    return sim->excuse != 0;
}

void check_writable(struct sim *sim)
{
    bool two = world_n_writable(sim) > 1;
    char who[SIM_MAX_NODES * 8] = "";

    if (!two) {
        sim->two = false;
        return;
    }
    for (int id = 1; id <= sim->n; id++)
        if (world_is_writable(sim, id))
            (void)snprintf(who + strlen(who), sizeof who - strlen(who), " node%d", id);
    if (!is_excused(sim))
        sim_fail(sim, "a: two nodes are writable:%s", who);
    if (!sim->two) {
        sim->stats.two_writable++;
        trace_world(sim, "TWO NODES ARE WRITABLE (not covered, 3.9):%s", who);
    }
    sim->two = true;
}

/* ---- promises ------------------------------------------------------------------ */

static const struct sim_promise *promise_of(const struct sim_node *node, int64_t term)
{
    for (int i = node->n_promises - 1; i >= 0; i--)
        if (node->promises[i].term == term)
            return &node->promises[i];
    return NULL;
}

static int n_needed(const struct sim_node *node)
{
    return check_is_pair(node) ? 1 : n_voters(node) / 2 + 1;
}

/* Voters of `node` that promised it `term`; enough when a copy may have, too. */
static int n_promised(const struct sim *sim, const struct sim_node *node, int64_t term)
{
    int n = (sim->excuse & SIM_COPIED) != 0 ? SIM_MAX_NODES : 0;

    for (int i = 0; i < node->stored.n; i++) {
        const struct core_member *voter = &node->stored.v[i];
        const struct sim_promise *promise = promise_of(&sim->nodes[voter->id], term);

        n += voter->voting && promise != NULL && promise->leader_id == node->id;
    }
    return n;
}

static int leader_of(const struct sim *sim, int64_t term)
{
    for (int i = sim->n_led - 1; i >= 0; i--)
        if (sim->led[i].term == term)
            return sim->led[i].leader_id;
    return 0;
}

/* The file of the leader still lets it lead or win `term`. */
static bool may_hold(const struct sim_node *leader, int64_t term)
{
    const struct core_durable *file = &leader->file;

    return file->leader_id == leader->id &&
           (file->duty == CORE_DUTY_LEADING || file->duty == CORE_DUTY_PROMOTING ||
            file->duty == CORE_DUTY_CANDIDATE) &&
           (file->term == term ||
            (file->duty == CORE_DUTY_LEADING && file->lead_term == term));
}

/* V1: the promise to the old leader is over, or that one resigned, or the new one leads
 * already. */
static void
check_free(struct sim *sim, struct sim_node *node, const struct core_durable *durable)
{
    int old = node->file.leader_id;
    int64_t passed_ms = mono_diff(sim->now, node->supported_at);

    if ((sim->excuse & SIM_COPIED) != 0)
        return;
    if (old == 0 || old == node->id || old == durable->leader_id ||
        node->supported_id != old || sim->nodes[old].id == 0 ||
        !may_hold(&sim->nodes[old], node->file.term) ||
        leader_of(sim, durable->term) == durable->leader_id)
        return;
    if (passed_ms < node->supported_window_ms * 99 / 100 - 2)
        sim_fail(sim,
                 "V1: node%d promises term %" PRId64 " to node%d, %" PRId64
                 " ms after it supported node%d in term %" PRId64,
                 node->id, durable->term, durable->leader_id, passed_ms, old,
                 node->file.term);
}

/* M3: who granted a pause helps nobody to win, itself included. */
static void
check_pause(struct sim *sim, struct sim_node *node, const struct core_durable *durable)
{
    if (node->file.pause_ms == 0 || durable->pause_ms == 0 ||
        durable->leader_id == node->file.leader_id ||
        leader_of(sim, durable->term) == durable->leader_id)
        return;
    sim_fail(sim, "M3: node%d promises term %" PRId64 " to node%d during a pause",
             node->id, durable->term, durable->leader_id);
}

static void remember_promise(struct sim *sim,
                             struct sim_node *node,
                             const struct core_durable *durable)
{
    const struct sim_promise *promise = promise_of(node, durable->term);

    if (promise != NULL && promise->leader_id != durable->leader_id)
        sim_fail(sim,
                 "c: node%d promises term %" PRId64
                 " to node%d, which it promised to node%d before",
                 node->id, durable->term, durable->leader_id, promise->leader_id);
    if (promise != NULL)
        return;
    CORE_ASSERT(node->n_promises < SIM_MAX_PROMISES);
    node->promises[node->n_promises++] =
        (struct sim_promise){durable->term, durable->leader_id};
}

void check_file(struct sim *sim,
                struct sim_node *node,
                const struct core_durable *durable)
{
    if (durable->term < node->file.term)
        sim_fail(sim, "D1: the term of node%d goes back from %" PRId64 " to %" PRId64,
                 node->id, node->file.term, durable->term);
    if (durable->leader_id == 0 || node->twin_of != 0)
        return;
    if (node->file.incarnation == 0)
        sim_fail(sim, "D3: node%d promises term %" PRId64 " without a file", node->id,
                 durable->term);
    check_free(sim, node, durable);
    check_pause(sim, node, durable);
    remember_promise(sim, node, durable);
}

/* ---- (f) what is said ------------------------------------------------------------ */

static void
check_lead(struct sim *sim, struct sim_node *node, const struct core_note *note)
{
    int leader = leader_of(sim, note->term), promised;

    if (leader == node->id)
        return;
    if (leader != 0 &&
        ((sim->excuse & (SIM_TWO_NODES | SIM_COPIED)) != 0 || has_pair(sim)))
        return; /* both won it alone: only node ids tell them apart (3.8) */
    if (leader != 0)
        sim_fail(sim, "f: node%d leads term %" PRId64 ", but so did node%d", node->id,
                 note->term, leader);
    promised = n_promised(sim, node, note->term);
    if (note->term > 1 && note->term != node->won_term && promised < n_needed(node))
        sim_fail(sim,
                 "f: node%d leads term %" PRId64 ", which %d of %d voters promised",
                 node->id, note->term, promised, n_voters(node));
    CORE_ASSERT(sim->n_led < SIM_MAX_PROMISES);
    sim->led[sim->n_led++] = (struct sim_promise){note->term, node->id};
    sim->stats.lead_notes++;
}

/* D1: the file comes first. It may be ahead: a write whose end was not told yet. */
static void
check_durable(struct sim *sim, struct sim_node *node, const struct core_note *note)
{
    const struct sim_promise *promise = promise_of(node, note->term);

    if (promise == NULL || promise->leader_id != note->leader_id ||
        note->leader_id != node->file.leader_id)
        sim_fail(sim,
                 "D1: node%d supports node%d in term %" PRId64
                 ", its file has node%d, term %" PRId64,
                 node->id, note->leader_id, note->term, node->file.leader_id,
                 node->file.term);
}

void check_note(struct sim *sim, struct sim_node *node, const struct core_note *note)
{
    if (note->phase == CORE_PHASE_NONE || node->twin_of != 0)
        return;
    if (note->node_id != node->id || note->stamp.boot != node->settings.boot)
        sim_fail(sim, "N1: node%d posts a note of another node or boot", node->id);
    if (note->phase == CORE_PHASE_LEAD)
        check_lead(sim, node, note);
    if (note->leader_id == 0 || note->leader_id == node->id || note->voiceless)
        return;
    check_durable(sim, node, note);
    node->supported_id = note->leader_id;
    node->supported_at = sim->now;
    node->supported_window_ms = note->window_ms;
}

/* ---- actions ------------------------------------------------------------------------
 */

void check_told(struct sim *sim,
                struct sim_node *node,
                const struct core_observation *seen)
{
    struct sim_peer *peer = &node->daemon.peers[seen->node_id];

    peer->told = true;
    peer->last = *seen;
    peer->last_at = sim->now;
}

/* (b), judged by the files. */
void check_promotion(struct sim *sim, struct sim_node *node)
{
    const struct core_durable *file = &node->file;
    int promised = n_promised(sim, node, file->term);

    if (node->twin_of != 0)
        return;
    if (node->settings.failover == CORE_FAILOVER_MANUAL ||
        core_member(&node->daemon.core, node->id)->priority <= 0)
        sim_fail(sim, "E7: node%d promotes, but must not", node->id);
    if (file->leader_id != node->id || file->duty != CORE_DUTY_PROMOTING)
        sim_fail(sim, "b: node%d promotes, but its file does not say so", node->id);
    if (promised < n_needed(node))
        sim_fail(sim,
                 "b: node%d promotes for term %" PRId64
                 ", which %d of %d voters promised",
                 node->id, file->term, promised, n_voters(node));
    node->won_term = file->term;
}

void check_follow(struct sim *sim, struct sim_node *node, int target_id)
{
    if (target_id == node->settings.self_id || target_id <= 0 || target_id > sim->n ||
        sim->nodes[target_id].id == 0 || sim->nodes[target_id].settings.witness)
        sim_fail(sim, "E2: node%d follows node %d, which cannot lead", node->id,
                 target_id);
}

/* ---- every step
 * ------------------------------------------------------------------------ */

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
    if (core_deadline(core).ms < event->now.ms)
        sim_fail(sim, "the deadline of node%d has passed already", node->id);
    if (acting != (core->action_id != 0))
        sim_fail(sim, "node%d is in state %d with action %u", node->id, core->state,
                 core->action_id);
    if (core->state == CORE_PRIMARY && core->primary_id != node->settings.self_id)
        sim_fail(sim, "node%d is a primary and believes in node%d", node->id,
                 core->primary_id);
    if (core->state == CORE_SUSPECTING && core->suspect_id == 0)
        sim_fail(sim, "node%d suspects nobody", node->id);
}
