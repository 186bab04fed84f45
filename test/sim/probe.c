/* probe.c - a probe is a query on a session that carries our note (the twin of
 * daemon/probe.c). It takes effect some time after it was sent, perhaps long after its
 * sender gave it up. */
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

/* Every so many probes of its own PostgreSQL the daemon reads the table anyway. */
#define REREAD_PROBES 20

/* ---- the pool ----------------------------------------------------------------- */

static int take_probe(struct sim *sim)
{
    for (int tries = 0; tries < SIM_MAX_PROBES; tries++) {
        int i = sim->free_probe;

        sim->free_probe = (i + 1) % SIM_MAX_PROBES;
        if (sim->probes[i].used)
            continue;
        memset(&sim->probes[i], 0, offsetof(struct sim_probe, notes));
        sim->probes[i].used = true;
        sim->probes[i].n_items = 2;
        return i;
    }
    CORE_ASSERT(!"too many probes under way");
    return -1;
}

static void release(struct sim_probe *probe)
{
    if (--probe->n_items == 0)
        probe->used = false;
}

/* Where the node with this id is, for `node`: of two daemons with one id each asks its
 * own PostgreSQL, the others ask the registered one. */
static int place(const struct sim_node *node, int target_id)
{
    return target_id == node->settings.self_id ? node->id : target_id;
}

/* ---- it is sent ------------------------------------------------------------------ */

/* How long it takes to get there. */
static int64_t way_ms(struct sim *sim, int from, int to)
{
    if (from == to)
        return sim_vary(sim, 2, 0, 3);
    if (sim->chaos && sim_chance(sim, sim->slow_percent))
        return sim_random(sim, 100, 8000);
    return sim_random(sim, sim->latency_min_ms, sim->latency_max_ms) / 2;
}

static void
prepare(struct sim *sim, struct sim_node *node, int target_id, bool anew, int at)
{
    struct sim_peer *peer = &node->daemon.peers[target_id];
    struct sim_probe *probe = &sim->probes[at];
    bool held = peer->session != 0 && !anew;

    if (!held) {
        board_leave(sim, place(node, target_id), peer->session);
        peer->session = ++sim->serial;
    }
    probe->session = peer->session;
    probe->anew = !held;
    probe->generation = peer->generation;
    /* A held session has one beat; then a new one has two (daemon/probe.c). */
    probe->deadline = mono_add(sim->now, (held ? 3 : 2) * node->settings.beat_ms);
    if (peer->interval_ms == 0)
        return;
    probe->note = core_post(&node->daemon.core, sim_clock_at(node, sim->now));
    node->daemon.tick_at = sim_when(node, core_deadline(&node->daemon.core));
    check_note(sim, node, &probe->note);
}

void probe_send(struct sim *sim, struct sim_node *node, int target_id, bool anew)
{
    struct sim_peer *peer = &node->daemon.peers[target_id];
    struct sim_item item = {
        .node_id = node->id, .life = node->daemon.life, .target_id = target_id};
    int to = place(node, target_id);
    int64_t way = way_ms(sim, node->id, to), back;

    if (peer->busy || sim->nodes[to].id == 0)
        return;
    peer->busy = true;
    peer->again = false;
    item.probe = take_probe(sim);
    prepare(sim, node, target_id, anew, item.probe);
    back = way_ms(sim, node->id, to);
    item.kind = SIM_PROBE;
    item.at = mono_add(sim->now, way);
    sim_push(sim, &item);
    item.kind = SIM_ANSWER;
    item.at =
        mono_min(mono_add(sim->now, way + back), sim->probes[item.probe].deadline);
    sim_push(sim, &item);
}

void probe_all(struct sim *sim, struct sim_node *node)
{
    for (int id = 1; id <= sim->n; id++) {
        struct sim_peer *peer = &node->daemon.peers[id];

        if (peer->interval_ms == 0)
            continue;
        if (peer->busy)
            peer->again = true;
        else
            probe_send(sim, node, id, false);
    }
}

/* ---- it takes effect ---------------------------------------------------------------
 */

/* What stands still may go on later and find the query in its socket. */
static bool comes_later(struct sim *sim, const struct sim_item *item)
{
    const struct sim_probe *probe = &sim->probes[item->probe];
    struct sim_item again = *item;
    int to = place(&sim->nodes[item->node_id], item->target_id);

    if (!sim->chaos || probe->anew || probe->answered ||
        !world_reaches(sim, item->node_id, to) ||
        mono_diff(sim->now, probe->deadline) > 8000)
        return false;
    again.at = mono_add(sim->now, 300);
    sim_push(sim, &again);
    return true;
}

static struct core_note own_note(const struct sim *sim, int id)
{
    const struct sim_node *node = &sim->nodes[id];

    for (int i = 0; i < node->pg.n_sessions; i++) {
        const struct sim_session *session = &node->pg.board[i];

        if (session->from == id && session->life == node->daemon.life &&
            node->daemon.running && session->ends_at.ms == MONO_NEVER.ms)
            return session->note;
    }
    return (struct core_note){.phase = CORE_PHASE_NONE};
}

static bool is_abandoned(const struct sim *sim, const struct sim_item *item)
{
    const struct sim_node *node = &sim->nodes[item->node_id];

    return sim->probes[item->probe].given_up || !node->daemon.running ||
           node->daemon.life != item->life;
}

void probe_arrive(struct sim *sim, const struct sim_item *item)
{
    struct sim_probe *probe = &sim->probes[item->probe];
    int to = place(&sim->nodes[item->node_id], item->target_id);

    world_look(sim, item->node_id, to, &probe->seen);
    probe->seen.node_id = item->target_id;
    if (probe->seen.reach == REACH_SILENT && !probe->seen.connected) {
        if (!comes_later(sim, item))
            release(probe);
        return;
    }
    probe->answered = true;
    if (probe->seen.reach == REACH_OK) {
        probe->seen.note = own_note(sim, to);
        probe->seen.connected = probe->anew;
        probe->n_notes = board_read(sim, to, item->node_id, probe->notes);
        board_post(sim, to, item->node_id, probe->session, &probe->note);
        if (is_abandoned(sim, item)) {
            sim->stats.late_probes++;
            board_leave(sim, to, probe->session);
        }
    }
    release(probe);
}

/* ---- its answer comes
 * ----------------------------------------------------------------- */

static void
after_table_seen(struct sim *sim, struct sim_node *node, const struct sim_pg *pg)
{
    struct sim_daemon *daemon = &node->daemon;

    if (pg->state == SIM_PG_UP && (daemon->table_version != pg->table.version ||
                                   ++daemon->self_probes % REREAD_PROBES == 0))
        shell_feed_members(sim, node, &pg->table);
}

/* A witness reads it from the primary. */
static void after_answer(struct sim *sim,
                         struct sim_node *node,
                         const struct core_observation *seen)
{
    if (seen->reach != REACH_OK)
        return;
    if (seen->node_id == node->settings.self_id ||
        (node->settings.witness && !seen->in_recovery))
        after_table_seen(sim, node, &sim->nodes[place(node, seen->node_id)].pg);
}

void probe_read_table(struct sim *sim, struct sim_node *node)
{
    int first = node->daemon.self_probes++;

    for (int i = 0; i < sim->n; i++) {
        int id = 1 + (first + i) % sim->n;
        const struct sim_pg *pg = &sim->nodes[id].pg;
        struct core_observation seen;

        if (sim->nodes[id].id == 0 || sim->nodes[id].spare || pg->table.n == 0)
            continue;
        world_look(sim, node->id, id, &seen);
        if (seen.reach != REACH_OK)
            continue;
        if (node->stored.n == 0 ||
            pg->table.members_version > node->stored.members_version)
            shell_feed_members(sim, node, &pg->table);
        return;
    }
}

static void feed_answer(struct sim *sim, struct sim_node *node, struct sim_probe *probe)
{
    struct core_event event = {.kind = CORE_EV_OBSERVED, .observed = probe->seen};

    event.notes = probe->notes;
    event.n_notes = probe->n_notes;
    check_told(sim, node, &probe->seen);
    after_answer(sim, node, &probe->seen);
    if (!sim->failed)
        shell_feed(sim, node, &event);
}

static bool is_waiting(struct sim *sim, const struct sim_item *item)
{
    const struct sim_probe *probe = &sim->probes[item->probe];
    struct sim_item again = *item;
    int to = place(&sim->nodes[item->node_id], item->target_id);

    if ((probe->answered && world_reaches(sim, item->node_id, to)) ||
        mono_reached(probe->deadline, sim->now))
        return false;
    again.at = probe->deadline;
    sim_push(sim, &again);
    return true;
}

void probe_answer(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    struct sim_probe *probe = &sim->probes[item->probe];
    struct sim_peer *peer = &node->daemon.peers[item->target_id];
    int to = place(node, item->target_id);

    if (!shell_is_ours(node, item) || peer->generation != probe->generation) {
        probe->given_up = true;
        release(probe);
        return;
    }
    if (shell_is_late(sim, node, item) || is_waiting(sim, item))
        return;
    if (!probe->answered || !world_reaches(sim, item->node_id, to)) {
        probe->given_up = true;
        probe->n_notes = 0;
        probe->seen = (struct core_observation){.node_id = item->target_id,
                                                .reach = REACH_SILENT};
    }
    peer->busy = false;
    if (probe->seen.reach != REACH_OK && probe->seen.reach != REACH_FAILED) {
        board_leave(sim, to, probe->session);
        peer->session = 0;
    }
    feed_answer(sim, node, probe);
    release(probe);
    if (peer->again && peer->interval_ms != 0 && !sim->failed)
        probe_send(sim, node, item->target_id, false);
}

/* ---- sessions
 * -------------------------------------------------------------------------- */

void probe_watch(struct sim *sim, struct sim_node *node, int target_id, int64_t ms)
{
    struct sim_peer *peer = &node->daemon.peers[target_id];

    if (peer->interval_ms == ms)
        sim_fail(sim, "node%d is told twice to watch node%d", node->id, target_id);
    peer->interval_ms = ms;
    peer->next_at = sim->now;
    if (ms != 0)
        return;
    peer->generation++;
    peer->busy = false;
    peer->again = false;
    board_leave(sim, place(node, target_id), peer->session);
    peer->session = 0;
}

void probe_sessions_lost(struct sim *sim, int id)
{
    for (int other = 1; other <= sim->n; other++) {
        struct sim_node *node = &sim->nodes[other];
        int target = other == id ? node->settings.self_id : id;
        struct sim_peer *peer = &node->daemon.peers[target];

        if (place(node, target) != id || peer->session == 0 ||
            !world_reaches(sim, other, id))
            continue;
        peer->session = 0;
        if (peer->interval_ms != 0 && !peer->busy)
            peer->next_at = mono_add(sim->now, 1);
    }
}
