/* people.c - what operators do at random, well meant or not. */
#include "check.h"
#include "operator.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

static int64_t window_ms(const struct sim *sim)
{
    const struct core_settings *settings = &sim->nodes[1].settings;

    return settings->reconnect_attempts * settings->reconnect_interval_ms;
}

static int any_node(struct sim *sim)
{
    return (int)sim_random(sim, 1, sim->n);
}

static void start_daemon(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down && !sim->nodes[id].spare)
        sim_daemon_start(sim, id);
}

/* ---- who belongs to the cluster
 * ------------------------------------------------------ */

static int any_spare(struct sim *sim)
{
    int first = any_node(sim);

    for (int i = 0; i < sim->n; i++) {
        int id = 1 + (first + i) % sim->n;

        if (sim->nodes[id].spare && sim->nodes[id].twin_of == 0)
            return id;
    }
    return 0;
}

/* It is made a standby of the primary first, as "standby clone" does. */
static void add_spare(struct sim *sim, int from, int id)
{
    struct sim_node *node = &sim->nodes[id];
    int leader = nemesis_rightful(sim);

    if (leader == 0 || leader == id || node->host_down)
        return;
    if (!node->settings.witness &&
        (node->pg.upstream_id != leader || !node->pg.streaming ||
         node->pg.state != SIM_PG_UP)) {
        sim_daemon_stop(sim, id);
        sim_pg_demote(sim, id, leader);
        return; /* another time */
    }
    member_change(sim, from, id, MEMBER_ADD);
}

static void change(struct sim *sim, int from, int unused)
{
    int id = any_node(sim), spare = any_spare(sim);
    int64_t die = sim_random(sim, 1, 100);

    (void)unused;
    if (sim->nodes[id].twin_of != 0)
        return;
    if (spare != 0 && die <= 45)
        add_spare(sim, from, spare);
    else if (die <= 65)
        member_change(sim, from, id, MEMBER_REMOVE);
    else if (die <= 85)
        member_change(sim, from, id, MEMBER_REST);
    else
        member_change(sim, from, id, MEMBER_RETURN);
}

/* Two operators may be at it at once. */
void people_change(struct sim *sim, int unused_a, int unused_b)
{
    (void)unused_a;
    (void)unused_b;
    change(sim, any_node(sim), 0);
    if (sim_chance(sim, 20))
        sim_later(sim, sim_random(sim, 0, 2000), change, any_node(sim), 0);
}

/* ---- by hand
 * --------------------------------------------------------------------------- */

/* The window of a running daemon gets another. */
static void reload_window(struct sim *sim, int id)
{
    struct core_settings *settings = &sim->nodes[id].settings;

    settings->reconnect_attempts = (int)sim_random(sim, 2, 5);
    settings->beat_ms =
        settings->reconnect_attempts * settings->reconnect_interval_ms / 20;
    settings->hot_ms = settings->beat_ms / 4;
    sim_daemon_reload(sim, id);
}

/* Somebody edits primary_conninfo. Who was cut off by a vote must not stream (V2). */
static void edit_conninfo(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    int to = sim_chance(sim, 50) ? 0 : any_node(sim);

    if (!pg->in_recovery || pg->state != SIM_PG_UP || to == id ||
        (to != 0 &&
         (sim->nodes[to].settings.witness || !world_can_follow(sim, id, to))))
        return;
    trace_world(sim, "an operator points node%d at node%d", id, to);
    if (sim->nodes[id].file.revoked)
        sim->excuse |= SIM_BY_HAND;
    pg->upstream_id = to;
    pg->streaming = false;
}

static void leave(struct sim *sim, int id)
{
    sim_daemon_leave(sim, id, sim_chance(sim, 50));
    sim_later(sim, sim_random(sim, 100, 3 * window_ms(sim)), start_daemon, id, 0);
}

static void copy_machine(struct sim *sim, int id)
{
    if (sim->nodes[id].twin_of == 0)
        (void)sim_clone(sim, id);
}

void people_interfere(struct sim *sim, int id)
{
    int64_t die = sim_random(sim, 1, 100);

    if (die <= 40)
        leave(sim, id);
    else if (die <= 65)
        sim_pg_restart(sim, id, sim_random(sim, 100, 2000));
    else if (die <= 85)
        reload_window(sim, id);
    else if (die <= 92)
        edit_conninfo(sim, id);
    else if (die <= 96)
        sim_pg_release(sim, id, sim_random(sim, 100, 2000));
    else
        copy_machine(sim, id);
}
