/* schedule.c - random clusters under random faults, from one number. */
#include "sim.h"

/* Faults strike within this time; then all is healed and must become stable. */
#define TROUBLE_MS 60000

/* Fault times are in milliseconds, from half a second to twenty. */
static int64_t a_while(struct sim *sim)
{
    return sim_chance(sim, 60) ? sim_random(sim, 500, 6000)
                               : sim_random(sim, 3000, 30000);
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

/* The one with the highest term. */
static int rightful_node(const struct sim *sim)
{
    int best = 0;

    for (int id = 1; id <= sim->n; id++)
        if (world_is_writable(sim, id) &&
            (best == 0 ||
             sim->nodes[id].pg.table.term > sim->nodes[best].pg.table.term))
            best = id;
    return best;
}

/* Half of the faults hit the primary. */
static int victim(struct sim *sim)
{
    int primary = writable_node(sim);

    return primary != 0 && sim_chance(sim, 50) ? primary : any_node(sim);
}

/* ---- ends of faults ---------------------------------------------------------- */

/* An old primary comes back as it was, or as a standby by an operator's hand; that one
 * knows whose term is over. */
static void start_pg(struct sim *sim, int id, int starting_ms)
{
    int leader = rightful_node(sim);

    if (sim->nodes[id].pg.state != SIM_PG_DOWN || sim->nodes[id].host_down)
        return;
    if (!sim->nodes[id].pg.in_recovery && leader != 0 &&
        sim->nodes[leader].pg.table.term > sim->nodes[id].pg.table.term &&
        sim_chance(sim, 50))
        sim_pg_demote(sim, id, leader);
    else
        sim_pg_start(sim, id, starting_ms);
}

static void boot(struct sim *sim, int id, int starting_ms)
{
    if (sim->nodes[id].host_down)
        sim_host_boot(sim, id, starting_ms);
}

static void rejoin_network(struct sim *sim, int id, int unused)
{
    (void)unused;
    sim_rejoin_network(sim, id);
}

static void start_daemon(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down)
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
}

/* ---- faults ------------------------------------------------------------------ */

static void harm_pg(struct sim *sim, int id, bool *flag, const char *what)
{
    trace_world(sim, "the PostgreSQL of node%d %s", id, what);
    *flag = true;
    sim_later(sim, a_while(sim), mend_pg, id, 0);
}

static void kill_pg(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->state == SIM_PG_DOWN)
        return;
    sim_pg_kill(sim, id);
    sim_later(sim, a_while(sim), start_pg, id,
              (int)(sim_chance(sim, 80) ? 300 : sim_random(sim, 5000, 40000)));
}

static void crash_host(struct sim *sim, int id)
{
    if (sim->nodes[id].host_down)
        return;
    sim_host_crash(sim, id);
    sim_later(sim, a_while(sim), boot, id, 500);
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

/* The old primary is stopped and returns as a standby; another leads. */
static void switch_by_hand(struct sim *sim)
{
    int old = writable_node(sim), new = any_node(sim);

    if (old == 0 || old == new || sim->nodes[new].pg.state != SIM_PG_UP ||
        !world_can_stream(sim, new, old))
        return;
    sim_pg_kill(sim, old);
    sim->nodes[new].pg.lsn = sim->nodes[old].pg.lsn;
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

static void network_fault(struct sim *sim, int id)
{
    if (sim_chance(sim, 50)) {
        cut_link(sim, id);
        return;
    }
    sim_isolate(sim, id);
    sim_later(sim, a_while(sim), rejoin_network, id, 0);
}

static void daemon_fault(struct sim *sim, int id)
{
    if (sim_chance(sim, 30)) {
        sim_daemon_stall(sim, id, sim_random(sim, 100, 12000));
        return;
    }
    sim_daemon_stop(sim, id);
    sim_later(sim, a_while(sim), start_daemon, id, 0);
}

static void strike(struct sim *sim, int unused_a, int unused_b)
{
    int id = victim(sim);
    struct sim_pg *pg = &sim->nodes[id].pg;
    int64_t die = sim_random(sim, 1, 100);

    (void)unused_a;
    (void)unused_b;
    if (die <= 30)
        kill_pg(sim, id);
    else if (die <= 40)
        crash_host(sim, id);
    else if (die <= 58)
        network_fault(sim, id);
    else if (die <= 70)
        daemon_fault(sim, id);
    else if (die <= 75)
        harm_pg(sim, id, &pg->hung, "hangs");
    else if (die <= 79)
        harm_pg(sim, id, &pg->stuck, "answers no query");
    else if (die <= 83)
        harm_pg(sim, id, &pg->rejects, "lets nobody in");
    else if (die <= 86)
        harm_pg(sim, id, &pg->failing, "fails every query");
    else if (die <= 90)
        harm_pg(sim, id, &pg->replay_paused, "pauses replay");
    else if (die <= 93)
        sim_set_priority(sim, id, (int)sim_random(sim, 0, 2) * 50);
    else if (die <= 95)
        toggle_failover(sim, id);
    else if (die <= 98)
        switch_by_hand(sim);
    else if (pg->in_recovery && pg->state == SIM_PG_UP)
        sim_pg_promote(sim, id);
}

/* ---- the cluster ------------------------------------------------------------- */

static struct sim_manner some_manner(struct sim *sim, int64_t deadline_ms)
{
    struct sim_manner manner = {.takes_ms = sim_random(sim, 50, 2000)};

    if (sim_chance(sim, 7))
        manner.takes_ms = deadline_ms + sim_random(sim, -200, 4000);
    if (sim_chance(sim, 15))
        manner.fails = (int)sim_random(sim, 1, 3);
    if (sim_chance(sim, 15))
        manner.late_ms = sim_random(sim, 1, 3000);
    return manner;
}

static void add_some_node(struct sim *sim, int id, const struct core_settings *common)
{
    int upstream = id == 1               ? 0
                   : sim_chance(sim, 70) ? 1
                                         : (int)sim_random(sim, 1, id - 1);
    int priority = sim_chance(sim, 70) ? 100 : (int)sim_random(sim, 0, 2) * 50;
    struct sim_node *node = sim_add(sim, id, upstream, priority);
    struct core_settings own = *common;

    own.self_id = id;
    (void)snprintf(own.self_name, sizeof own.self_name, "node%d", id);
    if (sim_chance(sim, 10))
        own.failover = CORE_FAILOVER_MANUAL;
    if (sim_chance(sim, 10))
        own.reconnect_attempts = (int)sim_random(sim, 1, 6);
    node->settings = own;
    node->promotion = some_manner(sim, own.promote_deadline_ms);
    node->follow = some_manner(sim, own.follow_deadline_ms);
}

static void some_cluster(struct sim *sim)
{
    int n = (int)sim_random(sim, 2, 5);
    struct core_settings common = {
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = sim_chance(sim, 50) ? CORE_CHECK_PING : CORE_CHECK_QUERY,
        .quorum = sim_chance(sim, 80) ? CORE_QUORUM_AUTO : CORE_QUORUM_MAJORITY,
        .reconnect_attempts = (int)sim_random(sim, 2, 5),
        .reconnect_interval_ms = sim_random(sim, 1, 2) * 1000,
        .startup_patience_ms = sim_random(sim, 5, 20) * 1000,
        .promote_deadline_ms = sim_random(sim, 4, 10) * 1000,
        .follow_deadline_ms = sim_random(sim, 4, 10) * 1000,
    };

    common.beat_ms = common.reconnect_attempts * common.reconnect_interval_ms / 20;
    sim->latency_max_ms = sim_random(sim, 4, 60);
    sim->lag_percent = sim_chance(sim, 50) ? 0 : (int)sim_random(sim, 1, 80);
    for (int id = 1; id <= n; id++)
        add_some_node(sim, id, &common);
    if (n > 2 && sim_chance(sim, 5))
        sim->nodes[n].pg.system_identifier = 42; /* of another cluster (F4) */
}

static void heal_all(struct sim *sim)
{
    int leader;

    sim_say(sim, "all faults are healed");
    for (int a = 1; a <= sim->n; a++)
        for (int b = 1; b <= sim->n; b++)
            sim_heal(sim, a, b);
    for (int id = 1; id <= sim->n; id++) {
        struct sim_node *node = &sim->nodes[id];

        boot(sim, id, 500);
        mend_pg(sim, id, 0);
        if (node->pg.state == SIM_PG_DOWN)
            sim_pg_start(sim, id, 500);
        sim_daemon_start(sim, id);
        node->promotion = (struct sim_manner){.takes_ms = 200};
        node->follow = (struct sim_manner){.takes_ms = 100};
    }
    sim_run(sim, 45000);
    leader = rightful_node(sim);
    for (int id = 1; id <= sim->n; id++)
        if (world_is_writable(sim, id) && id != leader && sim_chance(sim, 70))
            sim_pg_demote(sim, id, leader);
    sim_run(sim, 45000);
}

struct sim *schedule_run(uint64_t seed, FILE *trace)
{
    struct sim *sim = sim_new(seed, trace);
    int64_t n = sim_random(sim, 1, 7);

    some_cluster(sim);
    sim_start(sim);
    for (int i = 0; i < n; i++)
        sim_later(sim, sim_random(sim, 1000, TROUBLE_MS), strike, 0, 0);
    sim_run(sim, TROUBLE_MS + 21000);
    heal_all(sim);
    if (!sim->failed)
        check_stable(sim);
    return sim;
}
