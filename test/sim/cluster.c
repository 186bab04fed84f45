/* cluster.c - the nodes, as they are before anything happens: registered, streaming. */
#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"

struct sim_node *sim_node(struct sim *sim, int id)
{
    CORE_ASSERT(id > 0 && id <= sim->n && sim->nodes[id].id == id);
    return &sim->nodes[id];
}

/* 3 attempts, 2 seconds apart: a window of 6 s, so a beat of 300 ms. */
static struct core_settings usual_settings(int id)
{
    struct core_settings settings = {
        .self_id = id,
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = CORE_CHECK_PING,
        .reconnect_attempts = 3,
        .reconnect_interval_ms = 2000,
        .beat_ms = 300,
        .hot_ms = 75,
        .startup_patience_ms = 60000,
        .promote_deadline_ms = 20000,
        .follow_deadline_ms = 20000,
        .fencing = CORE_FENCING_FREEZE,
        .boot = (uint32_t)id,
    };

    (void)snprintf(settings.self_name, sizeof settings.self_name, "node%d", id);
    return settings;
}

static void fill_pg(struct sim_pg *pg, int upstream_id)
{
    *pg = (struct sim_pg){
        .state = SIM_PG_UP,
        .guard = true,
        .in_recovery = upstream_id != 0,
        .system_identifier = SIM_SYSTEM,
        .timeline = 1,
        .lsn = 0x3000000,
        .replayed = 0x3000000,
        .upstream_id = upstream_id,
        .n_regimes = 1,
        .regimes = {{.uid = 0, .start = 0}},
    };
}

struct sim_node *sim_add(struct sim *sim, int id, int upstream_id, int priority)
{
    struct sim_node *node = &sim->nodes[id];

    CORE_ASSERT(id > 0 && id <= SIM_MAX_NODES && node->id == 0);
    sim->n = id > sim->n ? id : sim->n;
    node->id = id;
    node->priority = priority;
    node->registered_upstream = upstream_id;
    node->settings = usual_settings(id);
    node->clock = (struct sim_clock){.booted = sim->now, .began_at = 100000 * id};
    node->promotion.takes_ms = 200;
    node->follow.takes_ms = 100;
    fill_pg(&node->pg, upstream_id);
    return node;
}

struct sim_node *sim_add_witness(struct sim *sim, int id)
{
    struct sim_node *node = sim_add(sim, id, 1, 0);

    node->settings.witness = true;
    node->pg = (struct sim_pg){.state = SIM_PG_DOWN};
    return node;
}

struct core_member cluster_record(const struct sim_node *node)
{
    struct core_member member = {.id = node->id,
                                 .upstream_id = node->registered_upstream,
                                 .priority = node->priority,
                                 .active = true,
                                 .voting = !node->mute};

    memcpy(member.name, node->settings.self_name, sizeof member.name);
    member.role = node->settings.witness           ? CORE_ROLE_WITNESS
                  : node->registered_upstream == 0 ? CORE_ROLE_PRIMARY
                                                   : CORE_ROLE_STANDBY;
    return member;
}

static void register_all(struct sim *sim, struct sim_table *table, int *ret_leader)
{
    table->version = ++sim->uid;
    table->members_version = 1;
    for (int id = 1; id <= sim->n; id++) {
        struct sim_node *node = &sim->nodes[id];

        if (node->id == 0 || node->spare)
            continue;
        node->named = true;
        table->v[table->n] = cluster_record(node);
        if (table->v[table->n].role == CORE_ROLE_PRIMARY)
            *ret_leader = id;
        table->n++;
    }
}

/* As "primary register", "standby register" and "witness register" leave a node. */
static void register_node(struct sim *sim,
                          struct sim_node *node,
                          const struct sim_table *table,
                          int leader)
{
    struct sim_pg *pg = &node->pg;

    if (node->settings.witness && node->spare)
        return;
    if (!node->spare) {
        node->stored = *table;
        node->file =
            (struct core_durable){.incarnation = 1, .copies = CORE_COPIES_UNKNOWN};
    }
    if (node->id == leader) {
        node->file.term = 1;
        node->file.leader_id = leader;
        node->file.duty = CORE_DUTY_LEADING;
        node->file.lead_term = 1;
    }
    if (node->settings.witness)
        return;
    pg->table = *table;
    pg->received = *table;
    pg->rows[0] = (struct sim_row){
        .position = 0x2000000, .term = 1, .leader = leader, .timeline = 1};
    pg->n_rows = 1;
    pg->message_at = sim->now;
    pg->streaming = pg->in_recovery;
}

static void note_excuses(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        const struct core_settings *settings = &sim->nodes[id].settings;

        if (sim->nodes[id].id != 0 &&
            (settings->fencing == CORE_FENCING_OFF || settings->keep_on_quorum_loss ||
             settings->keep_on_daemon_loss))
            sim->excuse |= SIM_UNFENCED;
    }
}

void sim_start(struct sim *sim)
{
    struct sim_table table = {0};
    int leader = 0;

    register_all(sim, &table, &leader);
    note_excuses(sim);
    trace_start(sim);
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0)
            register_node(sim, &sim->nodes[id], &table, leader);
    check_writable(sim);
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0 && !sim->nodes[id].spare)
            sim_daemon_start(sim, id);
}
