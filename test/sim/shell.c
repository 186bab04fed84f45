/* shell.c - the daemon around the core: what daemon/ does with libev and libpq, done
 * with the queue. Every effect that the core knows is performed here, in one switch. */
#include <string.h>

#include "core/internal.h"
#include "sim.h"

/* Every so many probes of its own PostgreSQL the daemon reads the table anyway. */
#define REREAD_PROBES 20

static bool is_late(struct sim *sim, struct sim_node *node, const struct sim_item *item)
{
    struct sim_item again;

    if (node->daemon.stalled_until.ms <= sim->now.ms)
        return false;
    again = *item;
    again.at = node->daemon.stalled_until;
    sim_push(sim, &again);
    return true;
}

/* ---- probes ------------------------------------------------------------------ */

void shell_probe(struct sim *sim, struct sim_node *node, int target_id, bool anew)
{
    struct sim_peer *peer = &node->daemon.peers[target_id];
    struct sim_item item = {
        .kind = SIM_ANSWER, .node_id = node->id, .life = node->daemon.life};
    bool held = peer->held && !anew;
    int64_t takes_ms;

    if (peer->busy || sim->nodes[target_id].id == 0)
        return;
    item.seen = world_probe(sim, node->id, target_id, &takes_ms);
    /* A held session has one beat; then a new one has two (daemon/probe.c). */
    if (takes_ms < 0)
        takes_ms = (held ? 3 : 2) * node->settings.beat_ms;
    item.seen.connected = item.seen.connected || (!held && item.seen.reach == REACH_OK);
    item.generation = peer->generation;
    item.at = mono_add(sim->now, takes_ms);
    peer->busy = true;
    sim_push(sim, &item);
}

void shell_sessions_lost(struct sim *sim, int id)
{
    for (int other = 1; other <= sim->n; other++) {
        struct sim_peer *peer = &sim->nodes[other].daemon.peers[id];

        if (!peer->held || !world_reaches(sim, other, id))
            continue;
        peer->held = false;
        if (peer->interval_ms != 0 && !peer->busy)
            peer->next_at = mono_add(sim->now, 1);
    }
}

static void feed_members(struct sim *sim, struct sim_node *node)
{
    struct core_event event = {.kind = CORE_EV_MEMBERS};
    struct sim_table table = node->pg.table;

    node->daemon.table_version = table.version;
    event.members.v = table.v;
    event.members.n = table.n;
    shell_feed(sim, node, &event);
}

static void after_self_probe(struct sim *sim, struct sim_node *node)
{
    struct sim_daemon *daemon = &node->daemon;

    if (node->pg.state != SIM_PG_UP)
        return;
    if (daemon->lead_pending && world_record_lead(sim, node->id))
        daemon->lead_pending = false;
    if (daemon->table_version != node->pg.table.version ||
        ++daemon->self_probes % REREAD_PROBES == 0)
        feed_members(sim, node);
}

void shell_answer(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    struct sim_peer *peer = &node->daemon.peers[item->seen.node_id];
    struct core_event event = {.kind = CORE_EV_OBSERVED, .observed = item->seen};

    if (!node->daemon.running || node->daemon.life != item->life ||
        peer->generation != item->generation || is_late(sim, node, item))
        return;
    peer->busy = false;
    peer->held = item->seen.reach == REACH_OK;
    check_told(sim, node, &item->seen);
    if (item->seen.node_id == node->id && item->seen.reach == REACH_OK)
        after_self_probe(sim, node);
    if (!sim->failed)
        shell_feed(sim, node, &event);
}

/* ---- actions ----------------------------------------------------------------- */

/* Start a promotion or follow. The shell ends it at its deadline, whatever became of
 * it; what it began in PostgreSQL may come true later all the same. */
static void
start_action(struct sim *sim, struct sim_node *node, const struct core_effect *effect)
{
    bool promotion = effect->kind == CORE_EFF_PROMOTE;
    struct sim_manner *manner = promotion ? &node->promotion : &node->follow;
    struct sim_item item = {.kind = SIM_WORK,
                            .node_id = node->id,
                            .life = node->daemon.life,
                            .id = effect->id,
                            .target_id = effect->node_id,
                            .promotion = promotion};
    int64_t end_ms = manner->takes_ms;

    if (node->daemon.action_id != 0 && sim->now.ms < node->daemon.action_until.ms)
        sim_fail(sim, "node%d starts action %u, but %u has not ended", node->id,
                 effect->id, node->daemon.action_id);
    node->daemon.action_id = effect->id;
    node->daemon.action_until = mono_add(sim->now, effect->deadline_ms);
    item.ok = manner->fails == 0;
    if (manner->fails > 0)
        manner->fails--;
    item.at = mono_add(sim->now, manner->takes_ms);
    sim_push(sim, &item);
    if (end_ms > effect->deadline_ms) {
        end_ms = effect->deadline_ms;
        item.ok = false;
        item.kind = SIM_DONE;
        item.at = mono_add(sim->now, end_ms + manner->late_ms);
        sim_push(sim, &item);
    }
}

static bool do_follow(struct sim *sim, struct sim_node *node, int target_id)
{
    struct sim_pg *target = &sim->nodes[target_id].pg;

    if (node->pg.state != SIM_PG_UP || node->pg.hung || !node->pg.in_recovery ||
        !world_reaches(sim, node->id, target_id) || target->state != SIM_PG_UP ||
        target->hung || target->stuck || target->rejects)
        return false;
    node->pg.upstream_id = target_id;
    node->pg.streaming = false;
    trace_world(sim, "node%d is pointed at node%d%s", node->id, target_id,
                world_can_stream(sim, node->id, target_id)
                    ? ""
                    : ", but its WAL has diverged: clone it");
    return world_can_stream(sim, node->id, target_id);
}

/* The deed itself. It cannot be recalled, so it happens even if its daemon is gone; but
 * a daemon's built-in follow needs the daemon. */
void shell_work(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool same = node->daemon.running && node->daemon.life == item->life;
    struct sim_item done = *item;

    if (item->promotion && item->ok) {
        world_promote(sim, item->node_id);
        done.ok = world_is_writable(sim, item->node_id);
    } else if (!item->promotion && item->ok) {
        done.ok = same && node->daemon.action_id == item->id &&
                  do_follow(sim, node, item->target_id);
    }
    if (!same || node->daemon.action_id != item->id ||
        node->daemon.action_until.ms < sim->now.ms)
        return; /* killed at its deadline: its end is on the way already */
    done.kind = SIM_DONE;
    done.at = mono_add(sim->now, item->promotion ? node->promotion.late_ms
                                                 : node->follow.late_ms);
    sim_push(sim, &done);
}

void shell_done(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    struct core_event event = {.kind = CORE_EV_DONE};

    if (!node->daemon.running || node->daemon.life != item->life ||
        is_late(sim, node, item))
        return;
    if (node->daemon.action_id == item->id)
        node->daemon.action_id = 0;
    event.done.id = item->id;
    event.done.ok = item->ok;
    shell_feed(sim, node, &event);
    /* Recorded where the core now sees the primary, if it took the end as one. */
    if (item->ok && !item->promotion && node->daemon.core.state == CORE_STANDBY &&
        node->daemon.core.upstream_id == item->target_id)
        (void)world_record_upstream(sim, node->id, item->target_id);
}

/* ---- effects ----------------------------------------------------------------- */

static void
watch(struct sim *sim, struct sim_node *node, const struct core_effect *effect)
{
    struct sim_peer *peer = &node->daemon.peers[effect->node_id];

    if (peer->interval_ms == effect->interval_ms)
        sim_fail(sim, "node%d is told twice to watch node%d", node->id,
                 effect->node_id);
    peer->interval_ms = effect->interval_ms;
    peer->next_at = sim->now;
    if (effect->interval_ms != 0)
        return;
    peer->generation++;
    peer->busy = false;
    peer->held = false;
}

static void
perform(struct sim *sim, struct sim_node *node, const struct core_effect *effect)
{
    trace_effect(sim, node, effect);
    switch (effect->kind) {
    case CORE_EFF_WATCH:
        watch(sim, node, effect);
        break;
    case CORE_EFF_PROBE:
        shell_probe(sim, node, effect->node_id, true);
        break;
    case CORE_EFF_PROMOTE:
        sim->stats.promotions++;
        check_promotion(sim, node);
        start_action(sim, node, effect);
        break;
    case CORE_EFF_FOLLOW:
        check_follow(sim, node, effect->node_id);
        start_action(sim, node, effect);
        break;
    case CORE_EFF_LEAD:
        node->daemon.lead_pending = !world_record_lead(sim, node->id);
        break;
    case CORE_EFF_NOTE:
        node->daemon.note = effect->note;
        break;
    case CORE_EFF_ENTER:
        if (effect->state == CORE_STANDBY)
            node->daemon.electing_since.ms = 0;
        else if (effect->state == CORE_ELECTING && node->daemon.electing_since.ms == 0)
            node->daemon.electing_since = sim->now;
        break;
    case CORE_EFF_REPORT:
        break;
    case CORE_EFF_EVENT:
        if (effect->record == CORE_REC_MANY_PRIMARIES)
            node->daemon.said_many = true;
        if (effect->record == CORE_REC_FAILOVER_PROMOTE)
            sim->stats.failovers++;
        break;
    }
}

void shell_feed(struct sim *sim, struct sim_node *node, struct core_event *event)
{
    event->now = sim->now;
    sim->stats.steps++;
    core_step(&node->daemon.core, event, &sim->effects);
    check_step(sim, node, event);
    for (int i = 0; i < sim->effects.n && !sim->failed; i++)
        perform(sim, node, &sim->effects.v[i]);
    node->daemon.tick_at = core_deadline(&node->daemon.core);
}

/* ---- the daemon itself ------------------------------------------------------- */

void sim_daemon_start(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);
    struct core_event start = {.kind = CORE_EV_START};
    uint32_t life = node->daemon.life;

    if (node->daemon.running)
        return;
    trace_world(sim, "pgrmond starts on node%d", id);
    memset(&node->daemon, 0, sizeof node->daemon);
    node->daemon.life = life + 1;
    node->daemon.running = true;
    core_init(&node->daemon.core, &node->settings);
    shell_feed(sim, node, &start);
    if (node->pg.state == SIM_PG_UP && !sim->failed)
        feed_members(sim, node);
}

void sim_daemon_stop(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);

    if (!node->daemon.running)
        return;
    trace_world(sim, "pgrmond on node%d is gone", id);
    node->daemon.running = false;
}

void sim_daemon_stall(struct sim *sim, int id, int64_t ms)
{
    trace_world(sim, "pgrmond on node%d does not run for %lld ms", id, (long long)ms);
    sim_node(sim, id)->daemon.stalled_until = mono_add(sim->now, ms);
}

void sim_daemon_reload(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);
    struct core_event event = {.kind = CORE_EV_SETTINGS, .settings = node->settings};

    trace_world(sim, "pgrmond on node%d reloads its settings", id);
    if (node->daemon.running)
        shell_feed(sim, node, &event);
}
