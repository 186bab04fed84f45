/* host.c - hosts and the network fail and return. */
#include "check.h"
#include "shell.h"
#include "sim.h"
#include "world.h"

void sim_host_crash(struct sim *sim, int id)
{
    struct sim_node *node = sim_node(sim, id);
    struct sim_pg *pg = &node->pg;

    trace_world(sim, "the host of node%d loses power", id);
    node->host_down = true;
    node->paused_until.ms = 0;
    sim_daemon_stop(sim, id);
    node->sentry = (struct sim_sentry){0};
    pg->state = SIM_PG_DOWN;
    pg->streaming = false;
    pg->frozen = false;
    pg->hung = false;
    pg->stuck = false;
    pg->clean = false;
    pg->orphans_until.ms = 0;
    pg->n_sessions = 0;
    check_writable(sim);
}

static void start_daemon(struct sim *sim, int id, int unused)
{
    (void)unused;
    if (!sim->nodes[id].host_down)
        sim_daemon_start(sim, id);
}

/* Another boot: another clock, and another boot id, so that its stamps cannot be taken
 * for those of the former. */
void sim_host_boot(struct sim *sim, int id, int pg_start_ms, int daemon_ms)
{
    struct sim_node *node = sim_node(sim, id);

    trace_world(sim, "the host of node%d boots", id);
    node->host_down = false;
    if ((sim->without & SIM_BOOT_ID) == 0)
        node->settings.boot = (node->settings.boot * 5 + 77) % (1U << CORE_BOOT_BITS);
    node->clock.booted = sim->now;
    node->clock.began_at = sim_vary(sim, 20, 5, 3000);
    if (!node->settings.witness)
        sim_pg_start_unit(sim, id, pg_start_ms);
    if (daemon_ms > 0)
        sim_later(sim, daemon_ms, start_daemon, id, 0);
    else
        sim_daemon_start(sim, id);
}

/* The instants after it goes on and before the sentry has run are not covered (3.9). */
void sim_host_pause(struct sim *sim, int id, int64_t ms)
{
    struct sim_node *node = sim_node(sim, id);

    trace_world(sim, "the host of node%d stands still for %lld ms", id, (long long)ms);
    node->paused_until = mono_add(sim->now, ms);
    node->unaware_until = mono_add(node->paused_until, 150);
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
