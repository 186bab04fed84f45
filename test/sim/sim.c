/* sim.c - virtual time: what is next happens next. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

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

/* ---- the cluster ------------------------------------------------------------- */

struct sim *sim_new(uint64_t seed, FILE *trace)
{
    struct sim *sim = calloc(1, sizeof *sim);

    CORE_ASSERT(sim != NULL);
    sim->random = seed;
    sim->now.ms = EPOCH_MS;
    sim->stream_ms = 250;
    sim->next_stream.ms = EPOCH_MS;
    sim->latency_min_ms = 4;
    sim->latency_max_ms = 4;
    sim->trace = trace;
    return sim;
}

void sim_free(struct sim *sim)
{
    free(sim);
}

struct sim_node *sim_node(struct sim *sim, int id)
{
    CORE_ASSERT(id > 0 && id <= sim->n && sim->nodes[id].id == id);
    return &sim->nodes[id];
}

/* 3 attempts, 2 seconds apart: a window of 6 s, so a beat of 300 ms. */
struct sim_node *sim_add(struct sim *sim, int id, int upstream_id, int priority)
{
    struct sim_node *node = &sim->nodes[id];

    CORE_ASSERT(id > 0 && id <= SIM_MAX_NODES && node->id == 0);
    sim->n = id > sim->n ? id : sim->n;
    node->id = id;
    node->priority = priority;
    node->registered_upstream = upstream_id;
    node->settings = (struct core_settings){
        .self_id = id,
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = CORE_CHECK_PING,
        .reconnect_attempts = 3,
        .reconnect_interval_ms = 2000,
        .beat_ms = 300,
        .startup_patience_ms = 60000,
        .promote_deadline_ms = 20000,
        .follow_deadline_ms = 20000,
    };
    (void)snprintf(node->settings.self_name, sizeof node->settings.self_name, "node%d",
                   id);
    node->promotion.takes_ms = 200;
    node->follow.takes_ms = 100;
    node->pg = (struct sim_pg){
        .state = SIM_PG_UP,
        .in_recovery = upstream_id != 0,
        .system_identifier = SIM_SYSTEM,
        .timeline = 1,
        .lsn = 0x3000000,
        .replayed = 0x3000000,
        .upstream_id = upstream_id,
        .n_regimes = 1,
        .regimes = {{.uid = 0, .start = 0}},
    };
    return node;
}

static void register_all(struct sim *sim, struct sim_table *table)
{
    table->version = ++sim->uid;
    table->term = 1;
    table->term_timeline = 1;
    for (int id = 1; id <= sim->n; id++) {
        const struct sim_node *node = &sim->nodes[id];
        struct core_member *member = &table->v[table->n];

        if (node->id == 0)
            continue;
        table->n++;
        member->id = id;
        memcpy(member->name, node->settings.self_name, sizeof member->name);
        member->role =
            node->registered_upstream == 0 ? CORE_ROLE_PRIMARY : CORE_ROLE_STANDBY;
        member->upstream_id = node->registered_upstream;
        member->priority = node->priority;
        member->active = true;
        member->voting = true;
        if (member->role == CORE_ROLE_PRIMARY)
            table->term_leader = id;
    }
}

void sim_start(struct sim *sim)
{
    struct sim_table table = {0};

    register_all(sim, &table);
    trace_start(sim);
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0)
            sim->nodes[id].pg.table = table;
    for (int id = 1; id <= sim->n; id++)
        if (sim->nodes[id].id != 0)
            sim_daemon_start(sim, id);
}

/* ---- the loop ---------------------------------------------------------------- */

static void dispatch(struct sim *sim, const struct sim_item *item)
{
    switch (item->kind) {
    case SIM_ANSWER:
        shell_answer(sim, item);
        break;
    case SIM_WORK:
        shell_work(sim, item);
        break;
    case SIM_DONE:
        shell_done(sim, item);
        break;
    case SIM_PG_READY:
        world_pg_ready(sim, item);
        break;
    case SIM_CALL:
        item->call(sim, item->a, item->b);
        break;
    }
}

/* A daemon that its host does not run sleeps over its timers. */
static struct mono not_before(const struct sim_daemon *daemon, struct mono at)
{
    return at.ms < daemon->stalled_until.ms ? daemon->stalled_until : at;
}

/* The first timer of any daemon. `*ret_peer` is 0 for the core's own deadline. */
static struct mono
next_timer(struct sim *sim, struct sim_node **ret_node, int *ret_peer)
{
    struct mono first = MONO_NEVER;

    for (int id = 1; id <= sim->n; id++) {
        struct sim_daemon *daemon = &sim->nodes[id].daemon;

        if (!daemon->running)
            continue;
        for (int peer = 0; peer <= sim->n; peer++) {
            struct mono at = peer == 0 ? daemon->tick_at : daemon->peers[peer].next_at;

            if (peer != 0 && daemon->peers[peer].interval_ms == 0)
                continue;
            at = not_before(daemon, at);
            if (at.ms >= first.ms)
                continue;
            first = at;
            *ret_node = &sim->nodes[id];
            *ret_peer = peer;
        }
    }
    return first;
}

static void fire(struct sim *sim, struct sim_node *node, int peer)
{
    struct core_event tick = {.kind = CORE_EV_TICK};

    if (peer == 0) {
        shell_feed(sim, node, &tick);
        return;
    }
    node->daemon.peers[peer].next_at =
        mono_add(sim->now, node->daemon.peers[peer].interval_ms);
    shell_probe(sim, node, peer, false);
}

/* The next thing that happens, at `end` at the latest. False when nothing does. */
static bool advance(struct sim *sim, struct mono end)
{
    struct sim_node *node = NULL;
    int peer = 0;
    struct mono timer = next_timer(sim, &node, &peer);
    struct mono queued = sim->n_queue > 0 ? sim->queue[0].at : MONO_NEVER;
    struct mono first = mono_min(mono_min(timer, queued), sim->next_stream);

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
        fire(sim, node, peer);
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
