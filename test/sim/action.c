/* action.c - what takes long in own PostgreSQL: promote, follow, revoke, record the
 * term (the twin of daemon/perform.c and its children). */
#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

static struct sim_item work_item(const struct sim_node *node,
                                 const struct core_effect *what)
{
    return (struct sim_item){.kind = SIM_WORK,
                             .effect = what->kind,
                             .node_id = node->id,
                             .life = node->daemon.life,
                             .id = what->id,
                             .target_id = what->node_id,
                             .term = what->term,
                             .uid = node->pg.start_uid};
}

/* PostgreSQL stands still: the same again when it may go on. */
static bool is_delayed(struct sim *sim, const struct sim_item *item)
{
    const struct sim_pg *pg = &sim->nodes[item->node_id].pg;
    struct sim_item again = *item;

    if (pg->state == SIM_PG_DOWN || (!pg->frozen && !pg->hung && !pg->stuck))
        return false;
    again.at = mono_add(sim->now, 40);
    sim_push(sim, &again);
    return true;
}

/* ---- promote and follow ------------------------------------------------------------
 */

/* The shell ends it at its deadline, whatever became of it; what it began in PostgreSQL
 * may come true later all the same. */
void action_start(struct sim *sim,
                  struct sim_node *node,
                  const struct core_effect *what)
{
    bool promotion = what->kind == CORE_EFF_PROMOTE;
    struct sim_manner *manner = promotion ? &node->promotion : &node->follow;
    struct sim_item item = work_item(node, what);

    if (node->daemon.action_id != 0 && sim->now.ms < node->daemon.action_until.ms &&
        promotion && node->daemon.action_uid == node->pg.start_uid)
        sim_fail(sim, "node%d starts action %u, but %u has not ended", node->id,
                 what->id, node->daemon.action_id);
    node->daemon.action_id = what->id;
    node->daemon.action_uid = node->pg.start_uid;
    node->daemon.action_until = mono_add(sim->now, what->deadline_ms);
    item.ok = manner->fails == 0;
    if (manner->fails > 0)
        manner->fails--;
    node->daemon.revoke_id = 0; /* a follow ends a revocation that waits for readers */
    item.at = mono_add(sim->now, manner->takes_ms);
    sim_push(sim, &item);
    if (manner->takes_ms > what->deadline_ms)
        shell_tell(sim, &item, false, what->deadline_ms + manner->late_ms);
}

static bool do_follow(struct sim *sim, struct sim_node *node, int target_id)
{
    const struct sim_pg *target = &sim->nodes[target_id].pg;

    if (node->pg.state != SIM_PG_UP || node->pg.hung || !node->pg.in_recovery ||
        !world_reaches(sim, node->id, target_id) || target->state != SIM_PG_UP ||
        target->hung || target->frozen || target->stuck || target->rejects ||
        world_is_paused(sim, target_id))
        return false;
    /* P3: not even pointed at it when the WAL has diverged. */
    if (!world_can_follow(sim, node->id, target_id)) {
        trace_world(sim, "the WAL of node%d has diverged from that of node%d", node->id,
                    target_id);
        return false;
    }
    node->pg.upstream_id = target_id;
    node->pg.streaming = false;
    trace_world(sim, "node%d is pointed at node%d", node->id, target_id);
    return true;
}

/* It cannot be recalled, so it happens even if its daemon is gone; but only to the
 * server that was asked. */
static void promote(struct sim *sim, const struct sim_item *item, bool same)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool ok = item->ok && node->pg.start_uid == item->uid;

    if (ok)
        pg_promote(sim, item->node_id);
    if (!same)
        return;
    ok = ok && world_is_writable(sim, item->node_id);
    shell_tell(sim, item, ok, node->promotion.late_ms);
}

void action_work(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool same = shell_is_ours(node, item) && node->daemon.action_id == item->id &&
                node->daemon.action_until.ms >= sim->now.ms;

    if (is_delayed(sim, item))
        return;
    if (item->effect == CORE_EFF_PROMOTE)
        promote(sim, item, same);
    else if (same) /* a daemon's built-in follow needs the daemon */
        shell_tell(sim, item, item->ok && do_follow(sim, node, item->target_id),
                   node->follow.late_ms);
}

/* ---- revoke (V2) -------------------------------------------------------------------
 */

void action_revoke(struct sim *sim,
                   struct sim_node *node,
                   const struct core_effect *what)
{
    struct sim_item item = work_item(node, what);

    node->daemon.action_id = 0; /* nor does a follow that was given up come after it */
    node->daemon.revoke_id = what->id;
    item.at = mono_add(sim->now, sim_vary(sim, 40, 20, 100) + node->pg.reader_ms);
    item.until = mono_add(sim->now, what->deadline_ms > 0 ? what->deadline_ms : 10000);
    sim_push(sim, &item);
}

/* Its report exists once replay has reached the end of WAL (P2). */
void action_revoked(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    struct sim_pg *pg = &node->pg;
    const struct sim_row *row = world_row(pg);
    struct sim_item done = *item;

    if (!shell_is_ours(node, item) || node->daemon.revoke_id != item->id ||
        is_delayed(sim, item))
        return;
    if (pg->state != SIM_PG_UP || !pg->in_recovery || pg->rejects || pg->failing ||
        sim_mishap(sim, 3) || mono_reached(item->until, sim->now)) {
        shell_tell(sim, item, false, 0);
        return;
    }
    if (pg->upstream_id != 0)
        trace_world(sim, "node%d is cut off from node%d", node->id, pg->upstream_id);
    if ((sim->without & SIM_REVOKE) == 0) {
        pg->upstream_id = 0;
        pg->streaming = false;
    }
    done.report.known = pg->replayed == pg->lsn;
    done.report.term = row == NULL ? 0 : row->term;
    done.report.position.pos = pg->lsn;
    shell_tell(sim, &done, done.report.known, sim_vary(sim, 0, 0, 5));
}

/* ---- record the term (P1, C6)
 * -------------------------------------------------------- */

void action_lead(struct sim *sim, struct sim_node *node, const struct core_effect *what)
{
    struct sim_item item = work_item(node, what);

    item.at = mono_add(sim->now, sim_vary(sim, 5, 2, 50));
    item.until = mono_add(sim->now, 10000);
    sim_push(sim, &item);
}

/* A row that own daemon writes, before its deadline. */
static bool takes_writes(const struct sim *sim, const struct sim_item *item)
{
    const struct sim_pg *pg = &sim->nodes[item->node_id].pg;

    return pg->state == SIM_PG_UP && !pg->in_recovery && !pg->rejects && !pg->failing &&
           !mono_reached(item->until, sim->now);
}

void action_led(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool ok = takes_writes(sim, item);

    if (!shell_is_ours(node, item) || is_delayed(sim, item))
        return;
    shell_tell(sim, item, ok && world_record_lead(sim, node->id, item->term), 0);
}

/* ---- raise the version of the membership (M1)
 * -------------------------------------------------------- */

void action_raise(struct sim *sim,
                  struct sim_node *node,
                  const struct core_effect *what)
{
    struct sim_item item = work_item(node, what);

    item.term = what->members_version;
    item.at = mono_add(sim->now, sim_vary(sim, 5, 2, 50));
    item.until = mono_add(sim->now, 10000);
    sim_push(sim, &item);
}

void action_raised(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool ok = takes_writes(sim, item);

    if (!shell_is_ours(node, item) || is_delayed(sim, item))
        return;
    if (ok)
        world_raise_membership(sim, node->id, item->term);
    shell_tell(sim, item, ok, 0);
}
