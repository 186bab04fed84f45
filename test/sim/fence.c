/* fence.c - own server processes: looked at, frozen, thawed, killed, started; by the
 * daemon, or by its sentry when nothing is heard of the daemon (L7). */
#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

/* How often the daemon looks anyway. */
#define LOOK_MS 1000

/* ---- looking ------------------------------------------------------------------ */

void fence_look(struct sim *sim, struct sim_node *node, bool anyhow)
{
    struct core_event event = {.kind = CORE_EV_LOCAL};

    node->daemon.look_at = mono_add(sim->now, LOOK_MS);
    if (node->settings.witness && node->daemon.running)
        probe_read_table(sim, node);
    if (node->settings.witness || !node->daemon.running)
        return;
    event.local.local = pg_local(sim, node->id);
    event.local.clean = node->pg.clean && node->pg.state == SIM_PG_DOWN;
    if (!anyhow && event.local.local == node->daemon.looked)
        return;
    node->daemon.looked = event.local.local;
    shell_feed(sim, node, &event);
}

/* A pidfd tells of the postmaster's death at once. */
void fence_look_soon(struct sim *sim, int id)
{
    struct sim_item item = {.kind = SIM_LOOK,
                            .node_id = id,
                            .life = sim->nodes[id].daemon.life,
                            .at = mono_add(sim->now, sim_vary(sim, 1, 0, 3))};

    if (sim->nodes[id].daemon.running)
        sim_push(sim, &item);
}

/* ---- the daemon's own hand ------------------------------------------------------- */

static void begin(struct sim *sim,
                  const struct sim_node *node,
                  enum core_effect_kind kind,
                  uint32_t id)
{
    struct sim_item item = {.kind = SIM_WORK,
                            .effect = kind,
                            .node_id = node->id,
                            .life = node->daemon.life,
                            .id = id,
                            .uid = node->pg.start_uid,
                            .at = mono_add(sim->now, sim_vary(sim, 15, 5, 50))};

    if (kind == CORE_EFF_FREEZE)
        item.at = mono_add(item.at, node->freeze_ms);
    sim_push(sim, &item);
}

/* SIGCONT has its effect with the first process; SIGSTOP with the last. */
void fence_start(struct sim *sim,
                 struct sim_node *node,
                 enum core_effect_kind kind,
                 uint32_t id)
{
    if (kind == CORE_EFF_THAW)
        pg_thaw(sim, node->id);
    if (kind == CORE_EFF_KILL)
        node->daemon.action_id = 0; /* what is promoted is ended with it */
    begin(sim, node, kind, id);
}

static bool kill_all(struct sim *sim, struct sim_node *node, const char *who)
{
    if ((sim->without & SIM_FENCE) != 0)
        return true;
    if (node->fence_fails > 0) {
        node->fence_fails--;
        node->pg.guard = true;
        trace_world(sim, "%s of node%d cannot prove that PostgreSQL is gone", who,
                    node->id);
        return false;
    }
    pg_end(sim, node->id, who);
    return true;
}

/* The sentry's hand is its own: it has no id, and asks for no daemon. */
void fence_work(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    const char *who = item->id == 0 ? "the sentry" : "pgrmond";
    bool ok = true;

    if (item->id != 0 ? !shell_is_ours(node, item) : !node->sentry.alive)
        return;
    if (item->effect == CORE_EFF_FREEZE) {
        ok = node->pg.state != SIM_PG_DOWN && node->pg.start_uid == item->uid;
        if (ok && (sim->without & SIM_FENCE) == 0)
            pg_freeze(sim, node->id, who);
    } else if (item->effect == CORE_EFF_KILL) {
        ok = kill_all(sim, node, who);
        if (!ok && item->id == 0)
            begin(sim, node, CORE_EFF_KILL, 0);
    }
    if (item->id == 0)
        return;
    shell_tell(sim, item, ok, 0);
}

void fence_start_pg(struct sim *sim,
                    struct sim_node *node,
                    const struct core_effect *what)
{
    struct sim_pg *pg = &node->pg;
    struct sim_item work = {.kind = SIM_WORK,
                            .effect = CORE_EFF_START_PG,
                            .node_id = node->id,
                            .life = node->daemon.life,
                            .id = what->id};

    pg->guard = true;
    node->daemon.start_id = what->id;
    if (pg->state == SIM_PG_DOWN && !pg_has_orphans(sim, pg) && !sim_mishap(sim, 10))
        sim_pg_start(sim, node->id, sim_vary(sim, 300, 200, 3000));
    else if (pg->state != SIM_PG_STARTING)
        shell_tell(sim, &work, pg->state == SIM_PG_UP, 200);
}

void fence_pg_ready(struct sim *sim, struct sim_node *node)
{
    struct sim_item work = {.kind = SIM_WORK,
                            .effect = CORE_EFF_START_PG,
                            .node_id = node->id,
                            .life = node->daemon.life,
                            .id = node->daemon.start_id};

    if (node->daemon.running && work.id != 0)
        shell_tell(sim, &work, true, 1);
}

/* ---- the sentry ---------------------------------------------------------------------
 */

void fence_lease(struct sim *sim, struct sim_node *node, const struct core_effect *what)
{
    (void)sim;
    /* on_daemon_loss = keep: it ends with its daemon (L7). */
    node->sentry = (struct sim_sentry){.alive = !node->settings.keep_on_daemon_loss,
                                       .freeze_at = what->freeze_at,
                                       .kill_at = what->kill_at};
}

struct mono fence_sentry_at(const struct sim_node *node)
{
    const struct sim_sentry *sentry = &node->sentry;

    if (!sentry->froze)
        return sim_when(node, mono_min(sentry->freeze_at, sentry->kill_at));
    return sentry->killed ? MONO_NEVER : sim_when(node, sentry->kill_at);
}

void fence_sentry(struct sim *sim, struct sim_node *node)
{
    struct sim_sentry *sentry = &node->sentry;
    struct mono now = sim_clock_at(node, sim->now);

    if ((sim->without & SIM_SENTRY) != 0) {
        sentry->froze = true;
        sentry->killed = true;
        return;
    }
    if (!sentry->killed && mono_reached(sentry->kill_at, now)) {
        sentry->froze = true;
        sentry->killed = true;
        begin(sim, node, CORE_EFF_KILL, 0);
        return;
    }
    sentry->froze = true;
    if (node->pg.state != SIM_PG_DOWN && !node->pg.frozen)
        begin(sim, node, CORE_EFF_FREEZE, 0);
}
