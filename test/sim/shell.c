/* shell.c - the daemon around the core: what daemon/ does with libev and libpq, done
 * with the queue. Every effect that the core knows is performed here, in one switch. */
#include "shell.h"

#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "world.h"

bool shell_is_ours(const struct sim_node *node, const struct sim_item *item)
{
    return node->daemon.running && node->daemon.life == item->life;
}

bool shell_is_late(struct sim *sim, struct sim_node *node, const struct sim_item *item)
{
    struct sim_item again;

    if (node->daemon.stalled_until.ms <= sim->now.ms)
        return false;
    again = *item;
    again.at = node->daemon.stalled_until;
    sim_push(sim, &again);
    return true;
}

void shell_feed_members(struct sim *sim,
                        struct sim_node *node,
                        const struct sim_table *table)
{
    struct core_event event = {.kind = CORE_EV_MEMBERS};

    node->daemon.table_version = table->version;
    if (!core_is_news(&node->daemon.core, table->members_version))
        return;
    node->stored = *table;
    event.members.v = node->stored.v;
    event.members.n = node->stored.n;
    event.members.version = table->members_version;
    event.members.pause = table->pause;
    shell_feed(sim, node, &event);
}

/* ---- ends of effects ---------------------------------------------------------- */

void shell_tell(struct sim *sim, const struct sim_item *work, bool ok, int64_t ms)
{
    struct sim_item done = *work;

    done.kind = SIM_DONE;
    done.ok = ok;
    done.at = mono_add(sim->now, ms);
    sim_push(sim, &done);
}

static bool is_fence(enum core_effect_kind kind)
{
    return kind == CORE_EFF_FREEZE || kind == CORE_EFF_THAW || kind == CORE_EFF_KILL ||
           kind == CORE_EFF_START_PG;
}

void shell_done(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    struct core_event event = {.kind = CORE_EV_DONE};

    if (!shell_is_ours(node, item) || shell_is_late(sim, node, item))
        return;
    if (node->daemon.action_id == item->id)
        node->daemon.action_id = 0;
    if (node->daemon.start_id == item->id)
        node->daemon.start_id = 0;
    if (item->effect == CORE_EFF_PROMOTE && item->ok)
        node->pg.guard = true; /* G3: before the core is told */
    event.done.id = item->id;
    event.done.ok = item->ok;
    event.done.report = item->report;
    shell_feed(sim, node, &event);
    /* Recorded where the core now sees the primary, if it took the end as one. */
    if (item->ok && item->effect == CORE_EFF_FOLLOW &&
        node->daemon.core.state == CORE_STANDBY &&
        node->daemon.core.upstream_id == item->target_id)
        (void)world_record_upstream(sim, node->id, item->target_id);
    if (is_fence(item->effect) && !sim->failed)
        fence_look(sim, node, true);
}

/* ---- effects ------------------------------------------------------------------- */

static void count_event(struct sim *sim, struct sim_node *node, enum core_record record)
{
    if (record == CORE_REC_MANY_PRIMARIES)
        node->daemon.said_many = true;
    sim->stats.rivals += record == CORE_REC_MANY_PRIMARIES;
    sim->stats.failovers += record == CORE_REC_FAILOVER_PROMOTE;
    sim->stats.renewals += record == CORE_REC_RENEWED;
}

static void
perform(struct sim *sim, struct sim_node *node, const struct core_effect *effect)
{
    trace_effect(sim, node, effect);
    switch (effect->kind) {
    case CORE_EFF_WATCH:
        probe_watch(sim, node, effect->node_id, effect->interval_ms);
        break;
    case CORE_EFF_PROBE:
        probe_send(sim, node, effect->node_id, true);
        break;
    case CORE_EFF_PROMOTE:
        sim->stats.promotions++;
        check_promotion(sim, node);
        action_start(sim, node, effect);
        break;
    case CORE_EFF_FOLLOW:
        sim->stats.follows++;
        check_follow(sim, node, effect->node_id);
        action_start(sim, node, effect);
        break;
    case CORE_EFF_LEAD:
        action_lead(sim, node, effect);
        break;
    case CORE_EFF_RAISE:
        action_raise(sim, node, effect);
        break;
    case CORE_EFF_NOTE:
        probe_all(sim, node);
        break;
    case CORE_EFF_SAVE:
        store_save(sim, node, effect);
        break;
    case CORE_EFF_LEASE:
        fence_lease(sim, node, effect);
        break;
    case CORE_EFF_FREEZE:
    case CORE_EFF_THAW:
    case CORE_EFF_KILL:
        fence_start(sim, node, effect->kind, effect->id);
        break;
    case CORE_EFF_START_PG:
        fence_start_pg(sim, node, effect);
        break;
    case CORE_EFF_REVOKE:
        sim->stats.cuts++;
        action_revoke(sim, node, effect);
        break;
    case CORE_EFF_ENTER:
        sim->stats.canvasses += effect->state == CORE_CANVASSING;
        break;
    case CORE_EFF_REPORT:
        node->daemon.said_twin |= effect->message == CORE_SAY_TWIN;
        break;
    case CORE_EFF_EVENT:
        count_event(sim, node, effect->record);
        break;
    }
}

/* Performed after the whole step, as a daemon does: a note is asked for when all that
 * the step wanted is under way. */
void shell_feed(struct sim *sim, struct sim_node *node, struct core_event *event)
{
    event->now = sim_clock_at(node, sim->now);
    sim->stats.steps++;
    sim->stepping = node->id;
    core_step(&node->daemon.core, event, &sim->effects);
    sim->stepping = 0;
    check_step(sim, node, event);
    for (int i = 0; i < sim->effects.n && !sim->failed; i++)
        perform(sim, node, &sim->effects.v[i]);
    node->daemon.tick_at = sim_when(node, core_deadline(&node->daemon.core));
}

/* ---- the daemon itself ------------------------------------------------------------
 */

static void feed_start(struct sim *sim, struct sim_node *node)
{
    struct core_event start = {.kind = CORE_EV_START};

    start.start.durable = node->file;
    start.start.random = (uint64_t)sim_random(sim, 1, INT32_MAX);
    node->stored.pause = (struct core_pause){0}; /* no wish is in the file */
    start.start.system_identifier = node->file.incarnation == 0 ? 0 : SIM_SYSTEM;
    shell_feed(sim, node, &start);
    if (node->stored.n == 0 || sim->failed)
        return;
    /* The file has one version for both; a first one is of those who registered it. */
    node->stored.members_version =
        node->file.members_version > 0 ? node->file.members_version : 1;
    shell_feed_members(sim, node, &node->stored);
}

static void start_again(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down)
        sim_daemon_start(sim, id);
}

void sim_daemon_start(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);
    uint32_t life = node->daemon.life;

    if (node->daemon.running)
        return;
    if (world_is_paused(sim, id)) { /* nothing starts there now */
        sim_later(sim, mono_diff(node->paused_until, sim->now) + 1, start_again, id, 0);
        return;
    }
    trace_world(sim, "pgrmond starts on node%d", id);
    memset(&node->daemon, 0, sizeof node->daemon);
    node->daemon.life = life + 1;
    node->daemon.running = true;
    if (node->file.incarnation != 0 && !node->settings.witness)
        node->pg.guard = true;
    if (node->loose)
        node->loose_until = mono_add(sim->now, 5 * node->settings.beat_ms);
    node->loose = false;
    core_init(&node->daemon.core, &node->settings);
    feed_start(sim, node);
    node->daemon.table_version = 0; /* the stored table may be old */
    if (!sim->failed)
        fence_look(sim, node, true);
}

static void end_daemon(struct sim *sim, struct sim_node *node)
{
    store_interrupt(sim, node);
    node->daemon.running = false;
    board_leave_all(sim, node->id);
}

void sim_daemon_stop(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);

    if (!node->daemon.running)
        return;
    trace_world(sim, "pgrmond on node%d is gone", id);
    end_daemon(sim, node);
}

void sim_daemon_and_sentry_die(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);

    if (!node->daemon.running)
        return;
    trace_world(sim, "pgrmond and its sentry on node%d are killed", id);
    sim->excuse |= SIM_UNFENCED;
    end_daemon(sim, node);
    node->sentry = (struct sim_sentry){0};
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
