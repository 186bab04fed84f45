/* store.c - the state file: written aside, fsynced, renamed (the twin of
 * daemon/store.c). */
#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "sim.h"

static void
write_file(struct sim *sim, struct sim_node *node, const struct core_durable *what)
{
    check_file(sim, node, what);
    node->former = node->file;
    node->file = *what;
}

void store_save(struct sim *sim, struct sim_node *node, const struct core_effect *what)
{
    struct sim_item item = {.kind = SIM_WORK,
                            .effect = CORE_EFF_SAVE,
                            .node_id = node->id,
                            .life = node->daemon.life,
                            .id = what->id};
    int64_t ms = sim_vary(sim, 5, 1, 20);

    if (node->daemon.save_id != 0)
        sim_fail(sim, "node%d writes its file while it is being written", node->id);
    if (sim_mishap(sim, 3))
        ms = 300;
    node->daemon.save_id = what->id;
    node->daemon.saving = what->durable;
    item.at = mono_add(sim->now, ms);
    sim_push(sim, &item);
}

/* What fails may be on disk all the same. */
void store_saved(struct sim *sim, const struct sim_item *item)
{
    struct sim_node *node = &sim->nodes[item->node_id];
    bool ok = node->save_fails == 0;

    if (!shell_is_ours(node, item) || node->daemon.save_id != item->id)
        return;
    node->daemon.save_id = 0;
    if (!ok)
        node->save_fails--;
    if (ok || sim_chance(sim, 50))
        write_file(sim, node, &node->daemon.saving);
    if (!ok)
        trace_world(sim, "node%d cannot write its state file", node->id);
    shell_tell(sim, item, ok, sim_vary(sim, 0, 0, 3));
}

void store_interrupt(struct sim *sim, struct sim_node *node)
{
    if (node->daemon.save_id != 0 && sim_mishap(sim, 50))
        write_file(sim, node, &node->daemon.saving);
    node->daemon.save_id = 0;
    if ((sim->without & SIM_FSYNC) != 0 && node->former.incarnation != 0)
        node->file = node->former;
}

void sim_lose_file(struct sim *sim, int id)
{
    trace_world(sim, "the state file of node%d is lost", id);
    sim_node(sim, id)->lost_incarnation = sim_node(sim, id)->file.incarnation;
    sim_node(sim, id)->file = (struct core_durable){0};
    sim_node(sim, id)->stored.n = 0;
}
