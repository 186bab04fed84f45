/* nemesis.c - faults that strike at random, and how each of them ends. */
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

/* From a blink to some failover windows. */
static int64_t a_while(struct sim *sim)
{
    return sim_chance(sim, 60)
               ? sim_random(sim, 100, window_ms(sim))
               : sim_random(sim, window_ms(sim) / 2, 4 * window_ms(sim));
}

static int any_node(struct sim *sim)
{
    return (int)sim_random(sim, 1, sim->n);
}

static int writable_node(const struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++)
        if (world_is_writable(sim, id))
            return id;
    return 0;
}

int nemesis_rightful(const struct sim *sim)
{
    int64_t best_term = -1, best_version = -1;
    int best = 0;

    for (int id = 1; id <= sim->n; id++) {
        const struct sim_pg *pg = &sim->nodes[id].pg;
        const struct sim_row *row;

        if (!world_is_writable(sim, id))
            continue;
        row = world_row(pg);
        if (row == NULL || row->term < best_term ||
            (row->term == best_term && pg->table.members_version <= best_version))
            continue;
        best = id;
        best_term = row->term;
        best_version = pg->table.members_version;
    }
    return best;
}

/* Half of the faults hit the primary. */
static int victim(struct sim *sim)
{
    int primary = writable_node(sim);

    return primary != 0 && sim_chance(sim, 50) ? primary : any_node(sim);
}

/* ---- ends of faults ---------------------------------------------------------- */

static void start_pg(struct sim *sim, int id, int starting_ms)
{
    if (sim->nodes[id].pg.state == SIM_PG_DOWN && !sim->nodes[id].host_down &&
        !sim->nodes[id].settings.witness)
        sim_pg_start_unit(sim, id, starting_ms);
}

/* PostgreSQL before or after the daemon. */
static void boot(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (sim->nodes[id].host_down)
        sim_host_boot(sim, id, (int)sim_random(sim, 200, 3000),
                      sim_chance(sim, 50) ? (int)sim_random(sim, 1, 5000) : 0);
}

static void rejoin_network(struct sim *sim, int id, int unused)
{
    (void)unused;
    sim_rejoin_network(sim, id);
}

static void start_daemon(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down && (!sim->nodes[id].spare || sim_chance(sim, 50)))
        sim_daemon_start(sim, id);
}

static void heal_both(struct sim *sim, int a, int b)
{
    sim_heal(sim, a, b);
    sim_heal(sim, b, a);
}

static void mend_pg(struct sim *sim, int id, int unused)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    (void)unused;
    trace_world(sim, "the PostgreSQL of node%d is well again", id);
    pg->hung = false;
    pg->stuck = false;
    pg->rejects = false;
    pg->failing = false;
    pg->replay_paused = false;
    pg->reader_ms = 0;
}

/* ---- PostgreSQL ----------------------------------------------------------------- */

static void harm_pg(struct sim *sim, int id, bool *flag, const char *what)
{
    if (sim->nodes[id].pg.state != SIM_PG_UP)
        return;
    trace_world(sim, "the PostgreSQL of node%d %s", id, what);
    *flag = true;
    sim_later(sim, a_while(sim), mend_pg, id, 0);
}

static void kill_pg(struct sim *sim, int id)
{
    if (sim->nodes[id].pg.state == SIM_PG_DOWN)
        return;
    if (sim_chance(sim, 15))
        sim_pg_stop(sim, id);
    else
        sim_pg_kill_slowly(sim, id,
                           sim_chance(sim, 40) ? (int)sim_random(sim, 1, 2000) : 0);
    sim_later(sim, a_while(sim), start_pg, id, (int)sim_random(sim, 200, 3000));
}

static void end_pg(struct sim *sim, int id)
{
    if (sim_chance(sim, 85) || sim->nodes[id].pg.state != SIM_PG_UP)
        kill_pg(sim, id);
    else
        sim_pg_crash_restart(sim, id);
}

/* A reader conflicts with replay: a revocation waits for it. */
static void send_reader(struct sim *sim, int id)
{
    trace_world(sim, "a reader of node%d conflicts with replay", id);
    sim->nodes[id].pg.reader_ms = (int)sim_random(sim, 500, 5000);
    sim_later(sim, a_while(sim), mend_pg, id, 0);
}

static void harm(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    int64_t die = sim_random(sim, 1, 100);

    if (die <= 25)
        harm_pg(sim, id, &pg->hung, "hangs");
    else if (die <= 42)
        harm_pg(sim, id, &pg->stuck, "answers no query");
    else if (die <= 57)
        harm_pg(sim, id, &pg->rejects, "lets nobody in");
    else if (die <= 70)
        harm_pg(sim, id, &pg->failing, "fails every query");
    else if (die <= 85)
        harm_pg(sim, id, &pg->replay_paused, "pauses replay");
    else
        send_reader(sim, id);
}

/* ---- hosts, the network, daemons ----------------------------------------------------
 */

static void crash_host(struct sim *sim, int id)
{
    if (sim->nodes[id].host_down)
        return;
    sim_host_crash(sim, id);
    sim_later(sim, a_while(sim), boot, id, 0);
}

static void cut_link(struct sim *sim, int id)
{
    int other = any_node(sim);

    if (other == id)
        return;
    sim_cut(sim, id, other);
    if (sim_chance(sim, 50))
        sim_cut(sim, other, id);
    sim_later(sim, a_while(sim), heal_both, id, other);
}

/* Nobody reaches it, but it reaches all, or the other way round. */
static void cut_one_way(struct sim *sim, int id)
{
    bool from = sim_chance(sim, 50);

    for (int other = 1; other <= sim->n; other++)
        if (other != id)
            sim_cut(sim, from ? id : other, from ? other : id);
    sim_later(sim, a_while(sim), rejoin_network, id, 0);
}

static void network_fault(struct sim *sim, int id)
{
    int64_t die = sim_random(sim, 1, 100);

    if (die <= 45) {
        cut_link(sim, id);
    } else if (die <= 60) {
        cut_one_way(sim, id);
    } else {
        sim_isolate(sim, id);
        sim_later(sim, a_while(sim), rejoin_network, id, 0);
    }
}

/* The window may be another when it returns: a promise of the longer one stands. */
static void daemon_fault(struct sim *sim, int id)
{
    struct core_settings *settings = &sim->nodes[id].settings;

    if (sim_chance(sim, 35)) {
        sim_daemon_stall(sim, id, sim_random(sim, 100, 2 * window_ms(sim)));
        return;
    }
    if (sim_chance(sim, 5))
        sim_daemon_and_sentry_die(sim, id);
    else
        sim_daemon_stop(sim, id);
    if (sim_chance(sim, 10))
        settings->reconnect_attempts = (int)sim_random(sim, 2, 5);
    sim_later(sim, sim_chance(sim, 40) ? sim_random(sim, 10, 500) : a_while(sim),
              start_daemon, id, 0);
}

static void pause_host(struct sim *sim, int id)
{
    sim_host_pause(sim, id, sim_random(sim, 50, 3 * window_ms(sim)));
}

/* ---- people, and the odd
 * ---------------------------------------------------------------- */

/* The old primary is stopped and returns as a standby; another leads. */
static void switch_by_hand(struct sim *sim)
{
    int old = writable_node(sim), new = any_node(sim);

    if (old == 0 || old == new || sim->nodes[new].pg.state != SIM_PG_UP ||
        !world_can_stream(sim, new, old))
        return;
    sim_pg_stop(sim, old);
    world_copy_wal(&sim->nodes[new].pg, &sim->nodes[old].pg);
    sim_pg_promote(sim, new);
    sim_pg_demote(sim, old, new);
}

static void toggle_failover(struct sim *sim, int id)
{
    struct core_settings *settings = &sim->nodes[id].settings;

    settings->failover = settings->failover == CORE_FAILOVER_MANUAL
                             ? CORE_FAILOVER_AUTOMATIC
                             : CORE_FAILOVER_MANUAL;
    sim_daemon_reload(sim, id);
}

static bool has_lost_a_file(const struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0 && sim->nodes[id].file.incarnation == 0)
            return true;
    return false;
}

static bool has_foreigner(const struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].pg.system_identifier == 42)
            return true;
    return false;
}

/* One of three at most: without a majority of voters nothing can be elected; with
 * synchronous replication its report is missing, too (C2). Not before they know a
 * leader: then only an operator can say who it was. */
static void lose_file(struct sim *sim, int id)
{
    if (sim->n < 3 || sim->copies > 0 || sim->n_changes > 0 ||
        sim->now.ms < 1000 + window_ms(sim) || has_lost_a_file(sim) ||
        has_foreigner(sim))
        return;
    sim_daemon_stop(sim, id);
    sim_lose_file(sim, id);
    sim_later(sim, a_while(sim), start_daemon, id, 0);
    if (sim_chance(sim, 50))
        sim_later(sim, 2 * window_ms(sim) + a_while(sim), member_readmit, id, 0);
}

/* Stopping the processes of a busy host takes long, but less than W/2 (3.9). */
static int64_t least_window_ms(const struct sim *sim)
{
    int64_t least = window_ms(sim);

    for (int id = 1; id <= sim->n; id++) {
        const struct core_settings *own = &sim->nodes[id].settings;
        int64_t ms = own->reconnect_attempts * own->reconnect_interval_ms;

        if (sim->nodes[id].id != 0 && ms < least)
            least = ms;
    }
    return least;
}

static void odd_fault(struct sim *sim, int id)
{
    struct sim_node *node = &sim->nodes[id];
    int64_t die = sim_random(sim, 1, 100);

    if (die <= 10)
        node->fence_fails = (int)sim_random(sim, 1, 3);
    else if (die <= 20)
        node->freeze_ms = (int)(least_window_ms(sim) * sim_random(sim, 10, 40) / 100);
    else if (die <= 45)
        node->save_fails = (int)sim_random(sim, 1, 3);
    else if (die <= 52)
        lose_file(sim, id);
    else if (die <= 72)
        sim_set_priority(sim, id, (int)sim_random(sim, 1, 2) * 50);
    else if (die <= 86)
        toggle_failover(sim, id);
    else if (die <= 93)
        switch_by_hand(sim);
    else if (node->pg.in_recovery && node->pg.state == SIM_PG_UP)
        sim_pg_promote(sim, id);
}

static void strike_at(struct sim *sim, int id, int unused)
{
    int64_t die = sim_random(sim, 1, 100);

    (void)unused;
    if (die <= 22)
        end_pg(sim, id);
    else if (die <= 34)
        crash_host(sim, id);
    else if (die <= 55)
        network_fault(sim, id);
    else if (die <= 68)
        daemon_fault(sim, id);
    else if (die <= 74)
        pause_host(sim, id);
    else if (die <= 88)
        harm(sim, id);
    else if (die <= 95)
        odd_fault(sim, id);
    else
        people_interfere(sim, id);
}

/* Misfortunes come in pairs: a dead daemon and then a cut, a cut and then a reboot. */
void nemesis_strike(struct sim *sim, int unused_a, int unused_b)
{
    int id = victim(sim);

    (void)unused_a;
    (void)unused_b;
    strike_at(sim, id, 0);
    if (sim_chance(sim, 25))
        sim_later(sim, sim_random(sim, 1, window_ms(sim) / 2), strike_at, id, 0);
}

/* Then something happens at once, more often than not. */
void nemesis_pause(struct sim *sim, int unused_a, int unused_b)
{
    int64_t ms = sim_chance(sim, 70) ? sim_random(sim, 100, 6 * window_ms(sim)) : 0;

    (void)unused_a;
    (void)unused_b;
    if (sim->healing)
        return;
    if (sim_service_pause(sim, ms) && sim_chance(sim, 60))
        sim_later(sim, sim_random(sim, 1, window_ms(sim)), strike_at, victim(sim), 0);
    if (sim_chance(sim, 50))
        sim_later(sim, sim_random(sim, 1, 3 * window_ms(sim)), nemesis_pause, 0, 0);
}

/* ---- all is well again
 * -------------------------------------------------------------------- */

/* Whoever copied a machine has learned of it: it is stopped, and what is left of its
 * sessions is ended, before anybody believes its notes again. */
static void end_copies(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        if (sim->nodes[id].twin_of == 0)
            continue;
        sim_host_crash(sim, id);
        for (int at = 1; at <= sim->n; at++) {
            struct sim_pg *pg = &sim->nodes[at].pg;

            for (int i = 0; i < pg->n_sessions; i++)
                if (pg->board[i].from == id)
                    pg->board[i].ends_at = sim->now;
        }
    }
}

static void heal_node(struct sim *sim, int id)
{
    struct sim_node *node = &sim->nodes[id];

    if (node->twin_of != 0)
        return;
    /* It took the copy's notes for the node's; or it is being stopped. */
    if ((sim->excuse & SIM_COPIED) != 0 || node->daemon.leave_until.ms != 0)
        sim_daemon_stop(sim, id);
    node->fence_fails = 0;
    node->freeze_ms = 0;
    node->save_fails = 0;
    node->promotion = (struct sim_manner){.takes_ms = 200};
    node->follow = (struct sim_manner){.takes_ms = 100};
    if (node->host_down)
        sim_host_boot(sim, id, 500, 0);
    mend_pg(sim, id, 0);
    start_pg(sim, id, 500);
    if (!node->spare || node->file.incarnation != 0)
        sim_daemon_start(sim, id);
    if (node->settings.failover == CORE_FAILOVER_MANUAL)
        toggle_failover(sim, id);
}

void nemesis_heal(struct sim *sim)
{
    sim_say(sim, "all faults are healed");
    sim->healing = true;
    sim->slow_percent = 0;
    for (int a = 1; a <= sim->n; a++)
        for (int b = 1; b <= sim->n; b++)
            sim_heal(sim, a, b);
    end_copies(sim);
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0)
            heal_node(sim, id);
    if (sim->longest_pause_ms > 0)
        (void)sim_service_pause(sim, 0);
}

/* It is registered there, and has a daemon that cannot know of it. */
static bool knows_nothing_of(struct sim *sim, int id, int leader_id)
{
    struct sim_node *leader = &sim->nodes[leader_id], *node = &sim->nodes[id];

    return world_record_of(&leader->pg.table, id) != NULL &&
           (world_record_of(&node->stored, leader_id) == NULL ||
            world_record_of(&node->stored, id) == NULL);
}

void nemesis_rejoin(struct sim *sim, int leader_id)
{
    for (int id = 1; id <= sim->n; id++) {
        if (sim->nodes[id].id == 0 || id == leader_id || sim->nodes[id].host_down ||
            sim->nodes[id].settings.witness)
            continue;
        if (!world_can_follow(sim, id, leader_id) ||
            knows_nothing_of(sim, id, leader_id))
            sim_pg_demote(sim, id, leader_id);
    }
}
