/* pg.c - PostgreSQL starts, ends, is promoted and frozen, by whoever does it. */
#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

bool pg_has_orphans(const struct sim *sim, const struct sim_pg *pg)
{
    return pg->state == SIM_PG_DOWN && sim->now.ms < pg->orphans_until.ms;
}

enum core_local pg_local(const struct sim *sim, int id)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->state == SIM_PG_DOWN)
        return pg_has_orphans(sim, pg) ? CORE_LOCAL_DEAD : CORE_LOCAL_GONE;
    return pg->frozen ? CORE_LOCAL_FROZEN : CORE_LOCAL_RUNNING;
}

/* ---- it ends ------------------------------------------------------------------ */

static void init_restarts(struct sim *sim, int id, int starting_ms)
{
    const struct sim_node *node = &sim->nodes[id];

    if (node->pg.state != SIM_PG_DOWN || node->host_down)
        return;
    if (pg_has_orphans(sim, &node->pg)) { /* its shared memory is still in use */
        sim_later(sim, 500, init_restarts, id, starting_ms);
        return;
    }
    trace_world(sim, "the init system of node%d restarts PostgreSQL", id);
    sim_pg_start_unit(sim, id, starting_ms);
}

static void end(struct sim *sim, int id)
{
    struct sim_node *node = &sim->nodes[id];
    struct sim_pg *pg = &node->pg;

    pg->state = SIM_PG_DOWN;
    pg->streaming = false;
    pg->hung = false;
    pg->stuck = false;
    pg->n_sessions = 0;
    probe_sessions_lost(sim, id);
    fence_look_soon(sim, id);
    if (sim_chance(sim, node->init_percent))
        sim_later(sim, sim_random(sim, 100, 5000), init_restarts, id,
                  (int)sim_random(sim, 200, 3000));
    check_writable(sim);
}

/* Orphans that are stopped do not even end by themselves. */
void sim_pg_kill_slowly(struct sim *sim, int id, int orphans_ms)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "the PostgreSQL of node%d dies", id);
    pg->clean = false;
    pg->orphans_until = pg->frozen ? MONO_NEVER : mono_add(sim->now, orphans_ms);
    end(sim, id);
}

void sim_pg_kill(struct sim *sim, int id)
{
    sim_pg_kill_slowly(sim, id, 0);
}

void sim_pg_stop(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "the PostgreSQL of node%d is shut down", id);
    pg->clean = true;
    pg->orphans_until.ms = 0;
    pg->frozen = false;
    end(sim, id);
}

void pg_end(struct sim *sim, int id, const char *who)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    bool was_there = pg->state != SIM_PG_DOWN || pg_has_orphans(sim, pg);

    pg->guard = true;
    pg->orphans_until.ms = 0;
    pg->frozen = false;
    if (!was_there)
        return;
    trace_world(sim, "%s of node%d ends every process of PostgreSQL", who, id);
    sim->stats.kills++;
    pg->clean = false;
    end(sim, id);
}

/* ---- it starts ----------------------------------------------------------------- */

void sim_pg_start(struct sim *sim, int id, int64_t ms)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;
    struct sim_item item = {.kind = SIM_PG_READY, .node_id = id};

    if (pg_has_orphans(sim, pg)) {
        trace_world(sim, "the PostgreSQL of node%d does not start: backends live", id);
        return;
    }
    trace_world(sim, "the PostgreSQL of node%d starts", id);
    pg->state = SIM_PG_STARTING;
    pg->clean = false;
    pg->frozen = false;
    pg->unreceived = true;
    pg->start_uid = ++sim->uid;
    if (pg->guard && !pg->in_recovery && (sim->without & SIM_GUARD) == 0) {
        pg->in_recovery = true;
        pg->upstream_id = 0;
        sim->stats.guarded++;
    }
    item.uid = pg->start_uid;
    item.at = mono_add(sim->now, ms > pg->slow_ms ? ms : pg->slow_ms);
    sim_push(sim, &item);
}

void sim_pg_start_unit(struct sim *sim, int id, int64_t ms)
{
    struct sim_node *node = sim_node(sim, id);

    if (node->file.incarnation != 0)
        node->pg.guard = true;
    sim_pg_start(sim, id, ms);
}

void pg_ready(struct sim *sim, const struct sim_item *item)
{
    struct sim_pg *pg = &sim->nodes[item->node_id].pg;

    if (pg->state != SIM_PG_STARTING || pg->start_uid != item->uid)
        return;
    if (pg->frozen) {
        struct sim_item again = *item;

        again.at = mono_add(sim->now, 50);
        sim_push(sim, &again);
        return;
    }
    pg->state = SIM_PG_UP;
    if (!pg->replay_paused && (pg->delay_ms == 0 || !pg->in_recovery)) {
        pg->replayed = pg->lsn;
        pg->table = pg->received;
    }
    trace_world(sim, "the PostgreSQL of node%d is ready, %s", item->node_id,
                pg->in_recovery ? "in recovery" : "writable");
    fence_pg_ready(sim, &sim->nodes[item->node_id]);
    check_writable(sim);
}

/* restart_after_crash: the postmaster stays, all sessions end. */
void sim_pg_crash_restart(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "a backend of node%d crashes, PostgreSQL restarts itself", id);
    pg->streaming = false;
    pg->hung = false;
    pg->stuck = false;
    pg->n_sessions = 0;
    sim_pg_start(sim, id, sim_vary(sim, 200, 100, 2000));
    probe_sessions_lost(sim, id);
    check_writable(sim);
}

/* ---- it is promoted -------------------------------------------------------------- */

/* PostgreSQL deletes the guard file itself (G3). */
void pg_promote(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->state != SIM_PG_UP || !pg->in_recovery)
        return;
    CORE_ASSERT(pg->n_regimes < SIM_MAX_REGIMES);
    pg->in_recovery = false;
    pg->guard = false;
    pg->streaming = false;
    pg->replay_paused = false;
    pg->replayed = pg->lsn;
    pg->table = pg->received;
    pg->regimes[pg->n_regimes].uid = ++sim->uid;
    pg->regimes[pg->n_regimes].start = pg->lsn;
    pg->n_regimes++;
    pg->timeline = pg->n_regimes;
    trace_world(sim, "node%d is writable now, timeline %d", id, pg->timeline);
    commit_check(sim, id);
    check_writable(sim);
}

void sim_pg_promote(struct sim *sim, int id)
{
    trace_world(sim, "an operator promotes node%d by hand", id);
    sim->excuse |= SIM_BY_HAND;
    pg_promote(sim, id);
}

/* ---- it is stopped by signals -----------------------------------------------------
 */

void pg_freeze(struct sim *sim, int id, const char *who)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    if (pg->frozen || pg->state == SIM_PG_DOWN)
        return;
    trace_world(sim, "%s of node%d has frozen PostgreSQL", who, id);
    pg->frozen = true;
    sim->stats.freezes++;
    sim->stats.freezes_since_healed += sim->healed;
}

void pg_thaw(struct sim *sim, int id)
{
    struct sim_pg *pg = &sim->nodes[id].pg;

    if (!pg->frozen)
        return;
    trace_world(sim, "the PostgreSQL of node%d goes on", id);
    pg->frozen = false;
    check_writable(sim);
}

/* ---- an operator ------------------------------------------------------------------
 */

static void record_standby(struct sim *sim, int id, int upstream_id)
{
    for (int at = 1; at <= sim->n; at++) {
        struct sim_pg *pg = &sim->nodes[at].pg;
        struct core_member *record = world_record_of(&pg->table, id);

        if (!world_is_writable(sim, at) || pg->state != SIM_PG_UP || record == NULL)
            continue;
        record->role = CORE_ROLE_STANDBY;
        record->upstream_id = upstream_id;
        record->active = true;
        pg->table.version = ++sim->uid;
        pg->received = pg->table;
    }
}

/* As after "pgrmon node rejoin" or pg_rewind and "standby register --force". */
void sim_pg_demote(struct sim *sim, int id, int upstream_id)
{
    struct sim_pg *pg = &sim_node(sim, id)->pg;

    trace_world(sim, "an operator makes node%d a standby of node%d", id, upstream_id);
    pg->frozen = false;
    pg->orphans_until.ms = 0;
    pg->clean = true;
    end(sim, id);
    pg->guard = true;
    pg->in_recovery = true;
    pg->upstream_id = upstream_id;
    if (!world_can_stream(sim, id, upstream_id))
        world_copy_wal(pg, &sim_node(sim, upstream_id)->pg);
    sim_pg_start(sim, id, 100);
    record_standby(sim, id, upstream_id);
}
