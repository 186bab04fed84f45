/* world.c - hosts, the network and PostgreSQL, as far as a failover depends on them.
 *
 * This is what we believe of PostgreSQL (postgres-facts 1 to 5, 10, 11); the tests on
 * real servers correct it. Kinder than PostgreSQL in one respect: a standby never
 * streams from a server whose WAL forked from its own (fact 1), it just does not
 * stream. */
#include <string.h>

#include "core/internal.h"
#include "sim.h"

/* wal_receiver_timeout: when a walreceiver notices that nobody sends any more. */
#define RECEIVER_TIMEOUT_MS 60000

/* ---- who reaches whom -------------------------------------------------------- */

bool world_reaches(const struct sim *sim, int from, int to)
{
    if (from == to)
        return true;
    return !sim->cut[from][to] && !sim->nodes[from].host_down &&
           !sim->nodes[to].host_down;
}

bool world_is_writable(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    return sim->nodes[id].id != 0 && pg->state == SIM_PG_UP && !pg->in_recovery &&
           pg->system_identifier == SIM_SYSTEM;
}

int world_n_writable(const struct sim *sim)
{
    int n = 0;

    for (int id = 1; id <= sim->n; id++)
        n += world_is_writable(sim, id);
    return n;
}

bool world_can_stream(const struct sim *sim, int id, int upstream_id)
{
    const struct sim_pg *own = &sim->nodes[id].pg;
    const struct sim_pg *up = &sim->nodes[upstream_id].pg;

    if (id == upstream_id || own->system_identifier != up->system_identifier ||
        own->n_regimes > up->n_regimes)
        return false;
    for (int i = 0; i < own->n_regimes; i++)
        if (own->regimes[i].uid != up->regimes[i].uid)
            return false;
    return own->lsn <= (own->n_regimes < up->n_regimes
                            ? up->regimes[own->n_regimes].start
                            : up->lsn);
}

/* ---- replication ------------------------------------------------------------- */

static void receive(struct sim *sim, struct sim_pg *own, const struct sim_pg *up)
{
    own->streaming = true;
    own->message_at = sim->now;
    own->lsn = up->lsn;
    own->n_regimes = up->n_regimes;
    memcpy(own->regimes, up->regimes, sizeof own->regimes);
    if (own->replay_paused)
        return;
    own->replayed = up->replayed;
    own->timeline = up->timeline;
    if (own->table.version != up->table.version)
        own->table = up->table;
}

static void stream_from_upstream(struct sim *sim, int id)
{
    struct sim_pg *own = &sim->nodes[id].pg;
    const struct sim_pg *up = &sim->nodes[own->upstream_id].pg;

    if (!world_reaches(sim, id, own->upstream_id) || up->hung) {
        if (mono_diff(sim->now, own->message_at) > RECEIVER_TIMEOUT_MS)
            own->streaming = false;
        return;
    }
    if (up->state != SIM_PG_UP || !world_can_stream(sim, id, own->upstream_id) ||
        (up->rejects && !own->streaming)) {
        own->streaming = false;
        return;
    }
    if (sim->lag_percent == 0 || !sim_chance(sim, sim->lag_percent))
        receive(sim, own, up);
}

void world_stream(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        struct sim_pg *pg = &sim->nodes[id].pg;

        if (!world_is_writable(sim, id) || pg->hung)
            continue;
        pg->lsn += 0x100;
        pg->replayed = pg->lsn;
    }
    for (int id = 1; id <= sim->n; id++) {
        struct sim_pg *pg = &sim->nodes[id].pg;

        if (sim->nodes[id].id != 0 && pg->state == SIM_PG_UP && pg->in_recovery &&
            pg->upstream_id != 0 && !pg->hung)
            stream_from_upstream(sim, id);
    }
}

/* ---- probes ------------------------------------------------------------------ */

static void fill(const struct sim *sim, int id, struct core_observation *seen)
{
    const struct sim_node *node = &sim->nodes[id];
    const struct sim_pg *pg = &node->pg;

    seen->in_recovery = pg->in_recovery;
    seen->system_identifier = pg->system_identifier;
    seen->timeline = pg->timeline;
    seen->term = pg->table.term;
    seen->position.pos = pg->lsn;
    seen->replayed.pos = pg->in_recovery ? pg->replayed : 0;
    seen->replay_paused = pg->replay_paused;
    seen->receiver_streaming = pg->in_recovery && pg->streaming;
    seen->receiver_age_ms =
        seen->receiver_streaming ? mono_diff(sim->now, pg->message_at) : -1;
    if (node->daemon.running)
        seen->note = node->daemon.note;
}

struct core_observation
world_probe(struct sim *sim, int from, int to, int64_t *ret_takes_ms)
{
    const struct sim_pg *pg = &sim->nodes[to].pg;
    struct core_observation seen = {.node_id = to, .reach = REACH_OK};

    *ret_takes_ms = sim_random(sim, sim->latency_min_ms, sim->latency_max_ms);
    if (!world_reaches(sim, from, to) || (pg->hung && pg->state != SIM_PG_DOWN))
        seen.reach = REACH_SILENT;
    else if (pg->state == SIM_PG_DOWN)
        seen.reach = REACH_REFUSED;
    else if (pg->rejects)
        seen.reach = REACH_REJECTED;
    else if (pg->state == SIM_PG_STARTING)
        seen.reach = REACH_STARTING;
    else if (pg->stuck)
        seen.reach = REACH_SILENT;
    else if (pg->failing)
        seen.reach = REACH_FAILED;
    seen.connected = pg->stuck && seen.reach == REACH_SILENT && !pg->hung &&
                     world_reaches(sim, from, to);
    if (seen.reach == REACH_SILENT)
        *ret_takes_ms = -1;
    if (seen.reach == REACH_OK)
        fill(sim, to, &seen);
    return seen;
}

/* ---- the metadata ------------------------------------------------------------ */

static struct core_member *record_of(struct sim_table *table, int id)
{
    for (int i = 0; i < table->n; i++)
        if (table->v[i].id == id)
            return &table->v[i];
    return NULL;
}

bool world_record_lead(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    struct core_member *self = record_of(&pg->table, id);

    if (!world_is_writable(sim, id) || pg->hung || pg->stuck || self == NULL)
        return false;
    if (pg->table.term_leader != id || pg->table.term_timeline != pg->timeline) {
        pg->table.term++;
        pg->table.term_leader = id;
        pg->table.term_timeline = pg->timeline;
        pg->table.version = ++sim->uid;
        trace_world(sim, "node%d records term %lld", id, (long long)pg->table.term);
    }
    for (int i = 0; i < pg->table.n; i++)
        if (pg->table.v[i].role == CORE_ROLE_PRIMARY)
            pg->table.v[i].active = false;
    self->role = CORE_ROLE_PRIMARY;
    self->active = true;
    self->upstream_id = 0;
    pg->table.version = ++sim->uid;
    return true;
}

/* The writable server that `id` reaches and takes for the primary. */
static struct sim_pg *where_to_write(struct sim *sim, int id)
{
    int primary_id = sim->nodes[id].daemon.core.primary_id;

    if (primary_id == 0 || !world_is_writable(sim, primary_id) ||
        !world_reaches(sim, id, primary_id))
        return NULL;
    return &sim->nodes[primary_id].pg;
}

bool world_record_upstream(struct sim *sim, int id, int upstream_id)
{
    struct sim_pg *pg = where_to_write(sim, id);
    struct core_member *self = pg == NULL ? NULL : record_of(&pg->table, id);

    if (self == NULL)
        return false;
    self->role = CORE_ROLE_STANDBY;
    self->active = true;
    self->upstream_id = upstream_id;
    pg->table.version = ++sim->uid;
    return true;
}

void sim_set_priority(struct sim *sim, int id, int priority)
{
    trace_world(sim, "the priority of node%d is set to %d", id, priority);
    for (int at = 1; at <= sim->n; at++) {
        struct sim_pg *pg = &sim->nodes[at].pg;

        if (!world_is_writable(sim, at))
            continue;
        record_of(&pg->table, id)->priority = priority;
        pg->table.version = ++sim->uid;
    }
}

/* ---- PostgreSQL -------------------------------------------------------------- */

void world_promote(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->state != SIM_PG_UP || !pg->in_recovery)
        return;
    CORE_ASSERT(pg->n_regimes < SIM_MAX_REGIMES);
    pg->in_recovery = false;
    pg->streaming = false;
    pg->replay_paused = false;
    pg->replayed = pg->lsn;
    pg->timeline++;
    pg->regimes[pg->n_regimes].uid = ++sim->uid;
    pg->regimes[pg->n_regimes].start = pg->lsn;
    pg->n_regimes++;
    trace_world(sim, "node%d is writable now, timeline %d", id, pg->timeline);
    if (world_n_writable(sim) > 1) {
        sim->stats.two_writable++;
        trace_world(sim,
                    "TWO NODES ARE WRITABLE (known gap: no votes, no fencing yet)");
    }
}

void sim_pg_promote(struct sim *sim, int id)
{
    trace_world(sim, "an operator promotes node%d by hand", id);
    sim->foreign_hand = true;
    world_promote(sim, id);
}

void sim_pg_kill(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "the PostgreSQL of node%d dies", id);
    pg->state = SIM_PG_DOWN;
    pg->streaming = false;
    pg->hung = false;
    pg->stuck = false;
    shell_sessions_lost(sim, id);
}

void sim_pg_start(struct sim *sim, int id, int64_t ms)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;
    struct sim_item item = {.kind = SIM_PG_READY, .node_id = id};

    trace_world(sim, "the PostgreSQL of node%d starts", id);
    pg->state = SIM_PG_STARTING;
    pg->start_uid = ++sim->uid;
    item.uid = pg->start_uid;
    item.at = mono_add(sim->now, ms);
    sim_push(sim, &item);
}

void world_pg_ready(struct sim *sim, const struct sim_item *item)
{
    struct sim_pg *pg = &sim->nodes[item->node_id].pg;

    if (pg->state != SIM_PG_STARTING || pg->start_uid != item->uid)
        return;
    pg->state = SIM_PG_UP;
    trace_world(sim, "the PostgreSQL of node%d is ready, %s", item->node_id,
                pg->in_recovery ? "in recovery" : "writable");
    if (!pg->in_recovery && world_n_writable(sim) > 1) {
        sim->stats.two_writable++;
        trace_world(sim,
                    "TWO NODES ARE WRITABLE (known gap: no votes, no fencing yet)");
    }
}

/* As after "pgrmon node rejoin" or pg_rewind and "standby register --force". */
void sim_pg_demote(struct sim *sim, int id, int upstream_id)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "an operator makes node%d a standby of node%d", id, upstream_id);
    sim->foreign_hand = true;
    if (pg->state != SIM_PG_DOWN)
        shell_sessions_lost(sim, id);
    pg->state = SIM_PG_UP;
    pg->in_recovery = true;
    pg->upstream_id = upstream_id;
    if (!world_can_stream(sim, id, upstream_id))
        receive(sim, pg, &sim_node(sim, upstream_id)->pg);
    pg->streaming = false;
    for (int at = 1; at <= sim->n; at++) {
        struct sim_table *table = &sim->nodes[at].pg.table;

        if (!world_is_writable(sim, at))
            continue;
        record_of(table, id)->role = CORE_ROLE_STANDBY;
        record_of(table, id)->upstream_id = upstream_id;
        record_of(table, id)->active = true;
        table->version = ++sim->uid;
    }
}

/* ---- hosts and network ------------------------------------------------------- */

void sim_host_crash(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);

    trace_world(sim, "the host of node%d loses power", id);
    node->host_down = true;
    node->pg.state = SIM_PG_DOWN;
    node->pg.streaming = false;
    sim_daemon_stop(sim, id);
}

void sim_host_boot(struct sim *sim, int id, int pg_start_ms)
{
    trace_world(sim, "the host of node%d boots", id);
    sim_node(sim, id)->host_down = false;
    sim_pg_start(sim, id, pg_start_ms);
    sim_daemon_start(sim, id);
}

void sim_cut(struct sim *sim, int from, int to)
{
    if (sim->cut[from][to])
        return;
    trace_world(sim, "node%d does not reach node%d any more", from, to);
    sim->cut[from][to] = true;
}

void sim_heal(struct sim *sim, int from, int to)
{
    if (!sim->cut[from][to])
        return;
    trace_world(sim, "node%d reaches node%d again", from, to);
    sim->cut[from][to] = false;
}

static void isolate(struct sim *sim, int id, bool cut)
{
    for (int other = 1; other <= sim->n; other++)
        if (other != id) {
            sim->cut[id][other] = cut;
            sim->cut[other][id] = cut;
        }
}

void sim_isolate(struct sim *sim, int id)
{
    trace_world(sim, "node%d is cut off from all others", id);
    isolate(sim, id, true);
}

void sim_rejoin_network(struct sim *sim, int id)
{
    trace_world(sim, "node%d reaches all others again, and they it", id);
    isolate(sim, id, false);
}
