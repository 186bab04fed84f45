/* hand.c - what people do by hand: daemons stopped in good order, servers restarted. */
#include "check.h"
#include "operator.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

/* ---- a daemon is stopped in good order (leave.c) ------------------------------------
 */

/* A fast shutdown, and then the election of another. */
#define STOP_MS     60000
#define HANDOVER_MS 5000

static bool leads(const struct sim_node *node)
{
    return node->daemon.core.state == CORE_PRIMARY &&
           node->daemon.core.durable.duty == CORE_DUTY_LEADING;
}

static bool is_gone(const struct sim_node *node, int life)
{
    return !node->daemon.running || (int)node->daemon.life != life;
}

/* The sentry goes with it, unless it has something to guard that is no primary yet, or
 * none any more. */
static void leave(struct sim *sim, struct sim_node *node)
{
    bool guarded = node->daemon.core.state == CORE_PROMOTING ||
                   node->daemon.core.state == CORE_RESIGNING;

    node->loose = leads(node);
    sim_daemon_stop(sim, node->id);
    if (!guarded)
        node->sentry = (struct sim_sentry){0};
}

static void leave_when_done(struct sim *sim, int id, int life)
{
    struct sim_node *node = &sim->nodes[id];

    if (is_gone(node, life))
        return;
    if (!mono_reached(node->daemon.leave_until, sim->now) &&
        node->daemon.core.durable.leader_id == id)
        sim_later(sim, 20, leave_when_done, id, life);
    else
        leave(sim, node);
}

static void stop_own(struct sim *sim, int id, int life)
{
    struct sim_node *node = &sim->nodes[id];

    if (is_gone(node, life))
        return;
    if (mono_reached(node->daemon.leave_until, sim->now)) {
        leave(sim, node);
        return;
    }
    if (node->pg.frozen || node->pg.hung || world_is_paused(sim, id)) {
        sim_later(sim, 100, stop_own, id, life);
        return;
    }
    if (node->pg.state == SIM_PG_UP)
        sim_pg_stop(sim, id);
    node->daemon.leave_until = mono_add(sim->now, HANDOVER_MS);
    sim_later(sim, 20, leave_when_done, id, life);
}

static void leave_at_once(struct sim *sim, int id, int life)
{
    struct sim_node *node = &sim->nodes[id];

    if (!is_gone(node, life))
        leave(sim, node);
}

void sim_daemon_leave(struct sim *sim, int id, bool handover)
{
    struct sim_node *node = sim_node(sim, id);
    struct core_event event = {.kind = CORE_EV_STOP};

    if (!node->daemon.running || node->daemon.leave_until.ms != 0)
        return;
    handover = handover && leads(node);
    trace_world(sim, "pgrmond on node%d is stopped%s", id,
                handover ? ", with a handover" : "");
    event.stop.handover = handover;
    shell_feed(sim, node, &event);
    node->daemon.leave_until = mono_add(sim->now, STOP_MS);
    if (handover)
        sim_later(sim, sim_vary(sim, 100, 50, 1000), stop_own, id,
                  (int)node->daemon.life);
    else
        sim_later(sim, sim_vary(sim, 100, 20, 1000), leave_at_once, id,
                  (int)node->daemon.life);
}

/* ---- servers ----------------------------------------------------------------------
 */

void sim_pg_restart(struct sim *sim, int id, int64_t ms)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    if (pg->state != SIM_PG_UP || pg->frozen || pg->hung)
        return;
    sim_pg_stop(sim, id);
    sim_pg_start(sim, id, ms);
}

void sim_pg_release(struct sim *sim, int id, int64_t ms)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    if (pg->state != SIM_PG_UP || pg->frozen || pg->hung)
        return;
    trace_world(sim, "an operator takes the guard of node%d away", id);
    if (!pg->in_recovery)
        sim->excuse |= SIM_BY_HAND;
    sim_pg_stop(sim, id);
    pg->guard = false;
    sim_pg_start(sim, id, ms);
}
