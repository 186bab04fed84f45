/* world.c - who reaches whom, replication, and what a query finds.
 *
 * This is what we believe of PostgreSQL (postgres-facts 1 to 5, 10, 11); the tests on
 * real servers correct it. Kinder than PostgreSQL in one respect: a standby never
 * streams from a server whose WAL forked from its own (fact 1), it just does not
 * stream. */
#include "world.h"

#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "operator.h"

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

bool world_is_paused(const struct sim *sim, int id)
{
    return sim->now.ms < sim->nodes[id].paused_until.ms;
}

/* Orphans of a dead postmaster go on acknowledging (F2). */
bool world_is_writable(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    return sim->nodes[id].id != 0 && !pg->frozen && !pg->in_recovery &&
           pg->system_identifier == SIM_SYSTEM && !world_is_paused(sim, id) &&
           (pg->state == SIM_PG_UP || pg_has_orphans(sim, pg));
}

int world_n_writable(const struct sim *sim)
{
    int n = 0;

    for (int id = 1; id <= sim->n; id++)
        n += world_is_writable(sim, id);
    return n;
}

/* `less` knows no regime that `more` does not, and ended before the next one began. */
static bool is_beginning_of(const struct sim_pg *less, const struct sim_pg *more)
{
    for (int i = 0; i < less->n_regimes; i++)
        if (less->regimes[i].uid != more->regimes[i].uid)
            return false;
    return less->n_regimes == more->n_regimes ||
           less->lsn <= more->regimes[less->n_regimes].start;
}

bool world_can_follow(const struct sim *sim, int id, int upstream_id)
{
    const struct sim_pg *own = &sim->nodes[id].pg;
    const struct sim_pg *up = &sim->nodes[upstream_id].pg;

    if (id == upstream_id || own->system_identifier != up->system_identifier)
        return false;
    return own->n_regimes <= up->n_regimes ? is_beginning_of(own, up)
                                           : is_beginning_of(up, own);
}

bool world_can_stream(const struct sim *sim, int id, int upstream_id)
{
    const struct sim_pg *own = &sim->nodes[id].pg;
    const struct sim_pg *up = &sim->nodes[upstream_id].pg;

    return world_can_follow(sim, id, upstream_id) && own->n_regimes <= up->n_regimes &&
           (own->n_regimes < up->n_regimes || own->lsn <= up->lsn);
}

/* ---- replication ------------------------------------------------------------- */

static bool stands_still(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    return pg->hung || pg->frozen || world_is_paused(sim, id);
}

static void replay(struct sim_pg *pg)
{
    if (pg->replay_paused || pg->delay_ms > 0)
        return;
    pg->replayed = pg->lsn;
    pg->timeline = pg->n_regimes;
    if (pg->table.version != pg->received.version)
        pg->table = pg->received;
}

/* In steps: what was there a delay ago. */
static void replay_delayed(const struct sim *sim, struct sim_pg *pg)
{
    if (pg->delay_ms == 0 || pg->replay_paused ||
        mono_diff(sim->now, pg->delayed_at) < pg->delay_ms)
        return;
    if (pg->delayed_to > pg->replayed)
        pg->replayed = pg->delayed_to;
    if (pg->table.version != pg->delayed_table.version && pg->delayed_table.n > 0)
        pg->table = pg->delayed_table;
    pg->timeline = pg->n_regimes;
    pg->delayed_at = sim->now;
    pg->delayed_to = pg->lsn;
    pg->delayed_table = pg->received;
}

void world_copy_wal(struct sim_pg *to, const struct sim_pg *from)
{
    to->lsn = from->lsn;
    to->n_regimes = from->n_regimes;
    memcpy(to->regimes, from->regimes, sizeof to->regimes);
    to->n_rows = from->n_rows;
    memcpy(to->rows, from->rows, sizeof to->rows);
    to->received = from->received;
    to->delayed_to = 0;
    to->delayed_table.n = 0;
    to->replayed = to->lsn;
    to->timeline = to->n_regimes;
    to->table = to->received;
}

/* The WAL of `own` is the beginning of that of `up`. */
static void receive(struct sim *sim, struct sim_pg *own, const struct sim_pg *up)
{
    own->streaming = true;
    own->unreceived = false;
    own->message_at = sim->now;
    own->lsn = up->lsn;
    for (; own->n_regimes < up->n_regimes; own->n_regimes++)
        own->regimes[own->n_regimes] = up->regimes[own->n_regimes];
    for (; own->n_rows < up->n_rows; own->n_rows++)
        own->rows[own->n_rows] = up->rows[own->n_rows];
    if (own->received.version != up->received.version)
        own->received = up->received;
    replay(own);
}

static void stream_from_upstream(struct sim *sim, int id)
{
    struct sim_pg *own = &sim->nodes[id].pg;
    const struct sim_pg *up = &sim->nodes[own->upstream_id].pg;

    if (!world_reaches(sim, id, own->upstream_id) ||
        (stands_still(sim, own->upstream_id) && up->state != SIM_PG_DOWN)) {
        if (mono_diff(sim->now, own->message_at) > RECEIVER_TIMEOUT_MS)
            own->streaming = false;
        return;
    }
    if (up->state != SIM_PG_UP || !world_can_follow(sim, id, own->upstream_id) ||
        (up->rejects && !own->streaming)) {
        own->streaming = false;
        return;
    }
    if (!world_can_stream(sim, id, own->upstream_id)) { /* it waits, and hears so */
        own->streaming = true;
        own->message_at = sim->now;
        return;
    }
    if (sim->lag_percent == 0 || !sim_chance(sim, sim->lag_percent))
        receive(sim, own, up);
}

static bool is_served(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    return world_is_writable(sim, id) && !pg->hung && !pg->stuck;
}

/* Clients write wherever somebody lets them. Orphans cannot be asked for a
 * confirmation of standbys: their walsenders are gone. */
static void write_everywhere(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        struct sim_pg *pg = &sim->nodes[id].pg;

        if (!is_served(sim, id))
            continue;
        pg->lsn += 0x100;
        pg->replayed = pg->lsn;
        if (sim->copies == 0)
            commit_acknowledge(sim, id, pg->lsn);
    }
}

static void confirm_everywhere(struct sim *sim)
{
    for (int id = 1; id <= sim->n; id++) {
        uint64_t confirmed;

        if (!is_served(sim, id) || sim->nodes[id].pg.state != SIM_PG_UP)
            continue;
        confirmed = commit_confirmed(sim, id);
        if (confirmed > 0)
            commit_acknowledge(sim, id, confirmed);
    }
}

void world_stream(struct sim *sim)
{
    write_everywhere(sim);
    for (int id = 1; id <= sim->n; id++) {
        struct sim_pg *pg = &sim->nodes[id].pg;

        if (sim->nodes[id].id == 0 || pg->state != SIM_PG_UP || !pg->in_recovery ||
            stands_still(sim, id))
            continue;
        if (pg->upstream_id != 0)
            stream_from_upstream(sim, id);
        replay(pg); /* what it has already */
        replay_delayed(sim, pg);
    }
    if (sim->copies > 0)
        confirm_everywhere(sim);
    if (world_n_writable(sim) == 0)
        sim->stats.outage_ms += sim->stream_ms;
    check_writable(sim);
}

/* ---- what a query finds ------------------------------------------------------- */

const struct sim_row *world_row(const struct sim_pg *pg)
{
    for (int i = pg->n_rows - 1; i >= 0; i--)
        if (pg->rows[i].position <= pg->replayed)
            return &pg->rows[i];
    return NULL;
}

static void fill(const struct sim *sim, int id, struct core_observation *seen)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;
    const struct sim_row *row = world_row(pg);

    seen->in_recovery = pg->in_recovery;
    seen->system_identifier = pg->system_identifier;
    seen->timeline = pg->timeline;
    seen->term = row == NULL ? 0 : row->term;
    seen->position.pos = pg->unreceived && pg->in_recovery ? pg->replayed : pg->lsn;
    seen->replayed.pos = pg->in_recovery ? pg->replayed : 0;
    seen->replay_paused = pg->replay_paused;
    seen->receiver_streaming = pg->in_recovery && pg->streaming;
    seen->receiver_age_ms =
        seen->receiver_streaming ? mono_diff(sim->now, pg->message_at) : -1;
    seen->copies = pg->in_recovery ? 0 : sim->copies;
}

void world_look(const struct sim *sim, int from, int id, struct core_observation *seen)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    *seen = (struct core_observation){.node_id = id, .reach = REACH_OK};
    if (!world_reaches(sim, from, id) || world_is_paused(sim, id))
        seen->reach = REACH_SILENT;
    else if (pg->state == SIM_PG_DOWN)
        seen->reach = REACH_REFUSED;
    else if (pg->hung || pg->frozen)
        seen->reach = REACH_SILENT;
    else if (pg->rejects)
        seen->reach = REACH_REJECTED;
    else if (pg->state == SIM_PG_STARTING)
        seen->reach = REACH_STARTING;
    else if (pg->stuck)
        seen->reach = REACH_SILENT;
    else if (pg->failing)
        seen->reach = REACH_FAILED;
    seen->connected = pg->stuck && seen->reach == REACH_SILENT && !pg->hung &&
                      !pg->frozen && world_reaches(sim, from, id) &&
                      !world_is_paused(sim, id);
    if (seen->reach == REACH_OK)
        fill(sim, id, seen);
}

/* ---- the metadata ------------------------------------------------------------ */

struct core_member *world_record_of(struct sim_table *table, int id)
{
    for (int i = 0; i < table->n; i++)
        if (table->v[i].id == id)
            return &table->v[i];
    return NULL;
}

static void table_changed(struct sim *sim, struct sim_pg *pg)
{
    pg->table.version = ++sim->uid;
    pg->received = pg->table;
}

bool sim_service_pause(struct sim *sim, int64_t ms)
{
    int id = nemesis_rightful(sim);
    struct sim_pg *pg = &sim->nodes[id].pg;
    const struct sim_row *row = id == 0 ? NULL : world_row(pg);
    int64_t least = row == NULL ? 0 : row->term * 4096;

    if (id == 0 || !is_served(sim, id) || pg->state != SIM_PG_UP)
        return false;
    pg->table.pause.version++;
    if (pg->table.pause.version < least)
        pg->table.pause.version = least;
    pg->table.pause.ms = ms;
    if (ms > sim->longest_pause_ms)
        sim->longest_pause_ms = ms;
    table_changed(sim, pg);
    if (ms > 0)
        trace_world(sim, "an operator pauses the service for %lld ms, on node%d",
                    (long long)ms, id);
    else
        trace_world(sim, "an operator ends the pause, on node%d", id);
    return true;
}

/* P1: a row for every regime, renewals included. */
static bool insert_row(struct sim *sim, int id, int64_t term)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    const struct sim_row *newest = world_row(pg);

    if (newest != NULL && newest->term >= term)
        return newest->term == term && newest->leader == id;
    CORE_ASSERT(pg->n_rows < SIM_MAX_ROWS);
    pg->lsn += 0x40;
    pg->replayed = pg->lsn;
    pg->rows[pg->n_rows++] = (struct sim_row){pg->lsn, term, id, pg->timeline};
    trace_world(sim, "node%d records term %lld", id, (long long)term);
    return true;
}

bool world_record_lead(struct sim *sim, int id, int64_t term)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    struct core_member *self = world_record_of(&pg->table, id);

    if (self == NULL || !insert_row(sim, id, term))
        return false;
    for (int i = 0; i < pg->table.n; i++)
        if (pg->table.v[i].role == CORE_ROLE_PRIMARY)
            pg->table.v[i].active = false;
    self->role = CORE_ROLE_PRIMARY;
    self->active = true;
    self->upstream_id = 0;
    table_changed(sim, pg);
    return true;
}

/* The writable server that `id` reaches and takes for the primary. */
static struct sim_pg *where_to_write(struct sim *sim, int id)
{
    int primary_id = sim->nodes[id].daemon.core.primary_id;

    if (primary_id == 0 || !is_served(sim, primary_id) ||
        sim->nodes[primary_id].pg.state != SIM_PG_UP ||
        !world_reaches(sim, id, primary_id))
        return NULL;
    return &sim->nodes[primary_id].pg;
}

bool world_record_upstream(struct sim *sim, int id, int upstream_id)
{
    struct sim_pg *pg = where_to_write(sim, id);
    struct core_member *self = pg == NULL ? NULL : world_record_of(&pg->table, id);

    if (self == NULL)
        return false;
    self->role = CORE_ROLE_STANDBY;
    self->active = true;
    self->upstream_id = upstream_id;
    table_changed(sim, pg);
    return true;
}

/* Above every version that an earlier term has given (queries.c). */
static int64_t next_version(const struct sim_pg *pg)
{
    const struct sim_row *row = world_row(pg);
    int64_t least = row == NULL ? 0 : row->term * 256;
    int64_t next = pg->table.members_version + 1;

    return next > least ? next : least;
}

void world_raise_membership(struct sim *sim, int id, int64_t version)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    int64_t next;

    if (pg->table.members_version >= version)
        return;
    next = next_version(pg);
    pg->table.members_version = next > version ? next : version + 1;
    pg->lsn += 0x20;
    pg->replayed = pg->lsn;
    table_changed(sim, pg);
    trace_world(sim, "node%d raises the version of the membership to %lld", id,
                (long long)pg->table.members_version);
}

static void remove_record(struct sim_table *table, int id)
{
    int kept = 0;

    for (int i = 0; i < table->n; i++)
        if (table->v[i].id != id)
            table->v[kept++] = table->v[i];
    table->n = kept;
}

bool world_change_member(struct sim *sim, int at, int id, enum member_change change)
{
    struct sim_pg *pg = &sim->nodes[at].pg;
    struct core_member *record = world_record_of(&pg->table, id);
    bool votes = change == MEMBER_ADD || (record != NULL && record->voting);

    if ((change == MEMBER_ADD) == (record != NULL))
        return false;
    if (change == MEMBER_ADD) {
        record = &pg->table.v[pg->table.n++];
        *record = cluster_record(&sim->nodes[id]);
        record->voting = true;
        record->upstream_id = at;
    } else if (change == MEMBER_REMOVE) {
        remove_record(&pg->table, id);
    } else {
        record->voting = change == MEMBER_RETURN;
        votes = true;
    }
    if (votes)
        pg->table.members_version = next_version(pg);
    pg->lsn += 0x20;
    pg->replayed = pg->lsn;
    table_changed(sim, pg);
    if (change == MEMBER_ADD)
        member_added(sim, id, pg->table.members_version);
    else if (change == MEMBER_REMOVE)
        member_removed(sim, id);
    return true;
}

void sim_set_priority(struct sim *sim, int id, int priority)
{
    trace_world(sim, "the priority of node%d is set to %d", id, priority);
    for (int at = 1; at <= sim->n; at++) {
        struct sim_pg *pg = &sim->nodes[at].pg;

        if (!is_served(sim, at) || pg->state != SIM_PG_UP)
            continue;
        if (world_record_of(&pg->table, id) == NULL)
            continue;
        world_record_of(&pg->table, id)->priority = priority;
        table_changed(sim, pg);
    }
}
