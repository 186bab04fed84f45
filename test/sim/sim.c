/* sim.c - virtual time: what is next happens next. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/internal.h"
#include "shell.h"
#include "world.h"

/* Virtual time begins here: 0 means "never" in some places. */
#define EPOCH_MS 1000

/* ---- chance ------------------------------------------------------------------ */

/* splitmix64 (public domain, Sebastiano Vigna): small, and any seed will do. */
static uint64_t next_random(struct sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t sim_random(struct sim *sim, int64_t low, int64_t high)
{
    return low + (int64_t)(next_random(sim) % (uint64_t)(high - low + 1));
}

bool sim_chance(struct sim *sim, int percent)
{
    return sim_random(sim, 1, 100) <= percent;
}

int64_t sim_vary(struct sim *sim, int64_t usual, int64_t low, int64_t high)
{
    return sim->chaos ? sim_random(sim, low, high) : usual;
}

bool sim_mishap(struct sim *sim, int percent)
{
    return sim->chaos && sim_chance(sim, percent);
}

/* ---- clocks ------------------------------------------------------------------ */

struct mono sim_clock_at(const struct sim_node *node, struct mono at)
{
    const struct sim_clock *clock = &node->clock;
    int64_t passed_ms = mono_diff(at, clock->booted);

    return (struct mono){clock->began_at +
                         passed_ms * (1000000 + clock->ppm) / 1000000};
}

struct mono sim_when(const struct sim_node *node, struct mono local)
{
    const struct sim_clock *clock = &node->clock;
    int64_t rate = 1000000 + clock->ppm, passed_ms;

    /* Far away is never: nothing is simulated for a year. */
    if (local.ms > INT64_C(31536000000))
        return MONO_NEVER;
    passed_ms = local.ms - clock->began_at;
    passed_ms = passed_ms <= 0 ? 0 : (passed_ms * 1000000 + rate - 1) / rate;
    return mono_add(clock->booted, passed_ms);
}

/* ---- the queue --------------------------------------------------------------- */

static bool before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at.ms != b->at.ms ? a->at.ms < b->at.ms : a->seq < b->seq;
}

void sim_push(struct sim *sim, const struct sim_item *item)
{
    struct sim_item *heap = sim->queue;
    int i = sim->n_queue++;

    CORE_ASSERT(sim->n_queue <= SIM_MAX_QUEUE);
    heap[i] = *item;
    heap[i].seq = sim->seq++;
    for (int up; i > 0 && before(&heap[i], &heap[up = (i - 1) / 2]); i = up) {
        struct sim_item swap = heap[i];

        heap[i] = heap[up];
        heap[up] = swap;
    }
}

static struct sim_item pop(struct sim *sim)
{
    struct sim_item *heap = sim->queue;
    struct sim_item top = heap[0];
    int i = 0;

    heap[0] = heap[--sim->n_queue];
    for (;;) {
        int least = i;
        struct sim_item swap;

        for (int child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < sim->n_queue && before(&heap[child], &heap[least]))
                least = child;
        if (least == i)
            return top;
        swap = heap[i];
        heap[i] = heap[least];
        heap[least] = swap;
        i = least;
    }
}

void sim_later(struct sim *sim,
               int64_t ms,
               void (*call)(struct sim *sim, int a, int b),
               int a,
               int b)
{
    struct sim_item item = {
        .at = mono_add(sim->now, ms), .kind = SIM_CALL, .call = call, .a = a, .b = b};

    sim_push(sim, &item);
}

/* ---- begin and end ----------------------------------------------------------- */

struct sim *sim_new(uint64_t seed, FILE *trace)
{
    struct sim *sim = calloc(1, sizeof *sim);

    CORE_ASSERT(sim != NULL);
    sim->random = seed;
    sim->now.ms = EPOCH_MS;
    sim->stream_ms = 250;
    sim->next_stream.ms = EPOCH_MS;
    sim->linger_ms = 3000;
    sim->latency_min_ms = 4;
    sim->latency_max_ms = 4;
    sim->trace = trace;
    return sim;
}

void sim_free(struct sim *sim)
{
    free(sim);
}

/* ---- the loop ---------------------------------------------------------------- */

static void work(struct sim *sim, const struct sim_item *item)
{
    switch (item->effect) {
    case CORE_EFF_PROMOTE:
    case CORE_EFF_FOLLOW:
        action_work(sim, item);
        break;
    case CORE_EFF_REVOKE:
        action_revoked(sim, item);
        break;
    case CORE_EFF_LEAD:
        action_led(sim, item);
        break;
    case CORE_EFF_RAISE:
        action_raised(sim, item);
        break;
    case CORE_EFF_SAVE:
        store_saved(sim, item);
        break;
    default:
        fence_work(sim, item);
        break;
    }
}

static bool is_of_host(enum sim_item_kind kind)
{
    return kind != SIM_CALL && kind != SIM_PROBE;
}

static void dispatch(struct sim *sim, const struct sim_item *item)
{
    if (is_of_host(item->kind) && world_is_paused(sim, item->node_id)) {
        struct sim_item again = *item;

        again.at =
            mono_add(sim->nodes[item->node_id].paused_until, sim_random(sim, 0, 20));
        sim_push(sim, &again);
        return;
    }
    switch (item->kind) {
    case SIM_PROBE:
        probe_arrive(sim, item);
        break;
    case SIM_ANSWER:
        probe_answer(sim, item);
        break;
    case SIM_WORK:
        work(sim, item);
        break;
    case SIM_DONE:
        shell_done(sim, item);
        break;
    case SIM_LOOK:
        if (shell_is_ours(&sim->nodes[item->node_id], item))
            fence_look(sim, &sim->nodes[item->node_id], true);
        break;
    case SIM_PG_READY:
        pg_ready(sim, item);
        break;
    case SIM_CALL:
        item->call(sim, item->a, item->b);
        break;
    }
}

enum timer_kind { TIMER_TICK, TIMER_PEER, TIMER_LOOK, TIMER_SENTRY };

struct timer {
    struct mono at;
    enum timer_kind kind;
    struct sim_node *node;
    int peer;
};

/* A timer of a host that stands still fires when it goes on. */
static void consider(struct timer *first,
                     struct sim_node *node,
                     enum timer_kind kind,
                     struct mono at,
                     int peer)
{
    if (at.ms < node->paused_until.ms)
        at = mono_add(node->paused_until, kind == TIMER_SENTRY ? 5 : 1);
    if (kind != TIMER_SENTRY && at.ms < node->daemon.stalled_until.ms)
        at = node->daemon.stalled_until;
    if (at.ms < first->at.ms)
        *first = (struct timer){at, kind, node, peer};
}

/* The first timer of any daemon or sentry. */
static struct timer next_timer(struct sim *sim)
{
    struct timer first = {.at = MONO_NEVER};

    for (int id = 1; id <= sim->n; id++) {
        struct sim_node *node = &sim->nodes[id];
        struct sim_daemon *daemon = &node->daemon;

        if (node->sentry.alive)
            consider(&first, node, TIMER_SENTRY, fence_sentry_at(node), 0);
        if (!daemon->running)
            continue;
        consider(&first, node, TIMER_TICK, daemon->tick_at, 0);
        consider(&first, node, TIMER_LOOK, daemon->look_at, 0);
        for (int peer = 1; peer <= sim->n; peer++)
            if (daemon->peers[peer].interval_ms != 0)
                consider(&first, node, TIMER_PEER, daemon->peers[peer].next_at, peer);
    }
    return first;
}

static void fire(struct sim *sim, const struct timer *timer)
{
    struct core_event tick = {.kind = CORE_EV_TICK};
    struct sim_peer *peer = &timer->node->daemon.peers[timer->peer];

    switch (timer->kind) {
    case TIMER_TICK:
        shell_feed(sim, timer->node, &tick);
        break;
    case TIMER_PEER:
        peer->next_at = mono_add(sim->now, peer->interval_ms);
        probe_send(sim, timer->node, timer->peer, false);
        break;
    case TIMER_LOOK:
        fence_look(sim, timer->node, true);
        break;
    case TIMER_SENTRY:
        fence_sentry(sim, timer->node);
        break;
    }
}

/* The next thing that happens, at `end` at the latest. False when nothing does. */
static bool advance(struct sim *sim, struct mono end)
{
    struct timer timer = next_timer(sim);
    struct mono queued = sim->n_queue > 0 ? sim->queue[0].at : MONO_NEVER;
    struct mono first = mono_min(mono_min(timer.at, queued), sim->next_stream);

    if (first.ms > end.ms) {
        sim->now = end;
        return false;
    }
    if (first.ms > sim->now.ms)
        sim->now = first;
    if (sim->next_stream.ms <= first.ms) {
        sim->next_stream = mono_add(sim->now, sim->stream_ms);
        world_stream(sim);
    } else if (queued.ms <= first.ms) {
        struct sim_item item = pop(sim);

        dispatch(sim, &item);
    } else {
        fire(sim, &timer);
    }
    return true;
}

void sim_run(struct sim *sim, int64_t ms)
{
    struct mono end = mono_add(sim->now, ms);

    while (!sim->failed && advance(sim, end))
        ;
}

void sim_until(struct sim *sim, int id, enum core_state state, int64_t bound_ms)
{
    struct mono end = mono_add(sim->now, bound_ms);

    while (!sim->failed && sim_node(sim, id)->daemon.core.state != state)
        if (!advance(sim, end)) {
            sim_fail(sim, "node%d does not get there in %lld ms", id,
                     (long long)bound_ms);
            return;
        }
}
