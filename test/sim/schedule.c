/* schedule.c - random clusters under random faults, from one number. */
#include "check.h"
#include "operator.h"
#include "sim.h"
#include "world.h"

static struct sim_manner some_manner(struct sim *sim, int64_t window_ms)
{
    struct sim_manner manner = {.takes_ms = sim_random(sim, 50, 1000)};

    if (sim_chance(sim, 15))
        manner.takes_ms = sim_random(sim, window_ms / 10, 3 * window_ms);
    if (sim_chance(sim, 15))
        manner.fails = (int)sim_random(sim, 1, 3);
    if (sim_chance(sim, 15))
        manner.late_ms = sim_random(sim, 1, 2000);
    return manner;
}

static int64_t window_ms(const struct core_settings *settings)
{
    return settings->reconnect_attempts * settings->reconnect_interval_ms;
}

static void some_clock(struct sim *sim, struct sim_node *node)
{
    node->clock.began_at = sim_random(sim, 1000, 10000000);
    node->clock.ppm = (int)sim_random(sim, -5000, 5000);
    if ((sim->without & SIM_RATE) != 0)
        node->clock.ppm *= 100;
    node->settings.boot = (uint32_t)sim_random(sim, 0, (1 << CORE_BOOT_BITS) - 1);
}

static void vary_settings(struct sim *sim, struct core_settings *own)
{
    if (sim_chance(sim, 10))
        own->failover = CORE_FAILOVER_MANUAL;
    if (sim_chance(sim, 7))
        own->reconnect_attempts = (int)sim_random(sim, 2, 5);
    own->beat_ms = window_ms(own) / 20;
    own->hot_ms = own->beat_ms / 4;
}

static void
add_some_node(struct sim *sim, int id, bool witness, const struct core_settings *common)
{
    int upstream = id == 1               ? 0
                   : sim_chance(sim, 80) ? 1
                                         : (int)sim_random(sim, 1, id - 1);
    int priority = sim_chance(sim, 70) ? 100 : (int)sim_random(sim, 1, 2) * 50;
    struct sim_node *node =
        witness ? sim_add_witness(sim, id) : sim_add(sim, id, upstream, priority);
    struct core_settings own = *common;

    own.self_id = id;
    own.witness = witness;
    (void)snprintf(own.self_name, sizeof own.self_name, "node%d", id);
    vary_settings(sim, &own);
    node->settings = own;
    some_clock(sim, node);
    node->promotion = some_manner(sim, window_ms(common));
    node->follow = some_manner(sim, window_ms(common));
    node->init_percent = (int)sim_random(sim, 0, 2) * 45;
}

/* Nodes that are registered in its course, or never. */
static void add_spares(struct sim *sim, const struct core_settings *common)
{
    int n = (int)sim_random(sim, 0, 2);

    sim->n_changes = (int)sim_random(sim, 1, 5);
    for (int i = 0; i < n && sim->n < SIM_MAX_NODES - 1; i++) {
        add_some_node(sim, sim->n + 1, sim_chance(sim, 30), common);
        sim->nodes[sim->n].spare = true;
    }
}

/* Standbys of the odd kind: without a vote, or with a delay. */
static void some_odd_standby(struct sim *sim, int data)
{
    struct sim_node *node = &sim->nodes[sim_random(sim, 2, data)];

    if (data > 3 && sim_chance(sim, 12))
        node->mute = true;
    if (sim_chance(sim, 8))
        node->pg.delay_ms = (int)sim_random(sim, 200, 3000);
}

static struct core_settings some_settings(struct sim *sim)
{
    struct core_settings common = {
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = sim_chance(sim, 50) ? CORE_CHECK_PING : CORE_CHECK_QUERY,
        .quorum = sim_chance(sim, 80) ? CORE_QUORUM_AUTO : CORE_QUORUM_MAJORITY,
        .reconnect_attempts = (int)sim_random(sim, 2, 4),
        .reconnect_interval_ms = sim_random(sim, 2, 4) * 500,
        .startup_patience_ms = sim_random(sim, 5, 20) * 1000,
        .restart_on_crash = sim_chance(sim, 10),
        .fencing = sim_chance(sim, 90) ? CORE_FENCING_FREEZE : CORE_FENCING_STOP,
    };

    if (sim_chance(sim, 2))
        common.keep_on_quorum_loss = true;
    if (sim_chance(sim, 3))
        common.keep_on_daemon_loss = true;
    if (sim_chance(sim, 2))
        common.fencing = CORE_FENCING_OFF;
    common.promote_deadline_ms = 2 * window_ms(&common);
    common.follow_deadline_ms = 2 * window_ms(&common);
    return common;
}

static void some_cluster(struct sim *sim)
{
    int die = (int)sim_random(sim, 1, 100);
    int data = die <= 20 ? 2 : die <= 65 ? 3 : die <= 80 ? 4 : 5;
    bool witness = sim_chance(sim, data == 2 ? 75 : data == 4 ? 60 : 5);
    struct core_settings common = some_settings(sim);

    sim->latency_max_ms = sim_random(sim, 4, 60);
    sim->lag_percent = sim_chance(sim, 50) ? 0 : (int)sim_random(sim, 1, 80);
    sim->slow_percent = sim_chance(sim, 50) ? 0 : (int)sim_random(sim, 1, 3);
    if (sim_chance(sim, 40))
        sim->copies = data > 3 && sim_chance(sim, 40) ? 2 : 1;
    for (int id = 1; id <= data; id++)
        add_some_node(sim, id, false, &common);
    if (witness)
        add_some_node(sim, data + 1, true, &common);
    else if (data > 2 && sim_chance(sim, 3))
        sim->nodes[data].pg.system_identifier = 42; /* of another cluster (F4) */
    some_odd_standby(sim, data);
    /* Who is of another cluster confirms nothing: nobody may count on its vote. */
    if (sim_chance(sim, 35) && sim->nodes[data].pg.system_identifier != 42)
        add_spares(sim, &common);
}

/* Once all is healed there is a leader within a few windows; who cannot follow it is
 * brought back by an operator. */
static void become_stable(struct sim *sim, int64_t window)
{
    int leader;

    nemesis_heal(sim);
    /* Without a leader a pause cannot be taken back: it ends by itself (M3). */
    if (sim->longest_pause_ms > 0)
        sim_run(sim, sim->longest_pause_ms * 102 / 100 + 2 * window);
    sim_run(sim, 6 * window + 6000);
    sim->healed = true;
    leader = nemesis_rightful(sim);
    if (leader != 0 && !sim->failed)
        nemesis_rejoin(sim, leader);
    sim_run(sim, 4 * window + 3000);
    /* What a copied machine has said in another's name only its readers' ends undo: not
     * claimed (safety.md, What is assumed), and rarely not so. */
    if (!sim->failed && (sim->excuse & SIM_COPIED) == 0)
        check_stable(sim);
}

struct sim *schedule_new(uint64_t seed, FILE *trace, unsigned without)
{
    struct sim *sim = sim_new(seed, trace);

    sim->chaos = true;
    sim->without = without;
    sim->stream_ms = 100;
    some_cluster(sim);
    return sim;
}

/* The first moments, in which a first leader is promised, are worth some of them. */
static int64_t when_to_strike(struct sim *sim, int64_t window)
{
    return sim_chance(sim, 10) ? sim_random(sim, 50, window / 4)
                               : sim_random(sim, 500, 10 * window);
}

/* In some of them. The others are what they are without this. */
static void add_pauses(struct sim *sim, int64_t window)
{
    uint64_t random = sim->random;

    if (sim_chance(sim, 30))
        sim_later(sim, when_to_strike(sim, window), nemesis_pause, 0, 0);
    sim->random = random;
}

void schedule_play(struct sim *sim)
{
    int64_t window = window_ms(&sim->nodes[1].settings);
    int64_t n = sim_random(sim, 1, 8);

    sim_start(sim);
    for (int i = 0; i < n; i++)
        sim_later(sim, when_to_strike(sim, window), nemesis_strike, 0, 0);
    for (int i = 0; i < sim->n_changes; i++)
        sim_later(sim, sim_random(sim, 500, 10 * window), people_change, 0, 0);
    add_pauses(sim, window);
    sim_run(sim, 12 * window);
    become_stable(sim, window);
}
