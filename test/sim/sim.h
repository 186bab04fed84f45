/* sim.h - a cluster in virtual time: the real core on every node, all else pretended.
 *
 *   sim.c    the clock, the queue of what is under way, the loop
 *   world.c  hosts, the network between them, PostgreSQL and its replication
 *   shell.c  the daemon around the core: probes, effects (the twin of daemon/perform.c)
 *   check.c  what must hold after every step
 *   trace.c  the transcript: who decided what, when and why
 *
 * Everything is decided by the seed and the calls made; nothing reads a clock. Nodes
 * are named by their id, 1 to SIM_MAX_NODES. Times are virtual milliseconds. */
#ifndef PGRMON_SIM_H
#define PGRMON_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/core.h"

#define SIM_MAX_NODES   8
#define SIM_MAX_REGIMES 64
#define SIM_MAX_QUEUE   1024

/* The system identifier of every PostgreSQL that is not of another cluster. */
#define SIM_SYSTEM UINT64_C(7000000000000000001)

/* ---- the world --------------------------------------------------------------- */

enum sim_pg_state { SIM_PG_DOWN, SIM_PG_STARTING, SIM_PG_UP };

/* Who wrote WAL from where on. Never visible to a daemon: only terms are. */
struct sim_regime {
    uint64_t uid; /* of the promotion */
    uint64_t start;
};

/* pgrmon.node and pgrmon.term, as replicated. */
struct sim_table {
    uint64_t version; /* of this content, unique in the run */
    int n;
    struct core_member v[SIM_MAX_NODES];
    int64_t term; /* the newest row of pgrmon.term */
    int term_leader;
    int term_timeline;
};

/* What a promotion or a follow on this node will do, and how slowly. */
struct sim_manner {
    int64_t takes_ms;
    int fails;       /* that many times, then it succeeds */
    int64_t late_ms; /* how much later than its end the core is told */
};

struct sim_pg {
    enum sim_pg_state state;
    bool hung;    /* the kernel accepts connections, nobody answers */
    bool stuck;   /* sessions open, queries get no answer */
    bool rejects; /* wrong password, too many connections */
    bool failing; /* queries end in an error */
    bool in_recovery;
    uint64_t system_identifier;
    int timeline;
    uint64_t lsn;
    uint64_t replayed;
    bool replay_paused;
    int upstream_id; /* primary_conninfo; 0 = none */
    bool streaming;  /* a walreceiver, which may not have noticed that nobody sends */
    uint64_t start_uid; /* of the newest start */
    struct mono message_at;
    int n_regimes;
    struct sim_regime regimes[SIM_MAX_REGIMES];
    struct sim_table table;
};

/* What a daemon has to do with one member, and what it was told of it: check.c judges
 * by that, on its own. */
struct sim_peer {
    int64_t interval_ms; /* 0 = not watched */
    struct mono next_at;
    uint32_t generation; /* answers of an older one are dropped */
    bool busy;
    bool held; /* a session is open */

    bool told;
    struct core_observation last;
    struct mono last_at;
    struct mono led_at;   /* when it last gave proof that it may lead; ms 0 = never */
    struct mono wrote_at; /* when it was last writable, with no older term */
    struct mono starting_since;
};

struct sim_daemon {
    bool running;
    uint32_t life; /* what an earlier one began is dropped */
    struct mono stalled_until;
    struct core core;
    struct sim_peer peers[SIM_MAX_NODES + 1]; /* by id */
    struct core_note note;
    bool lead_pending;
    uint64_t table_version; /* as fed */
    int self_probes;
    uint32_t action_id; /* of the action whose end the core was not told yet */
    struct mono action_until;
    struct mono electing_since; /* first since it was content; ms 0 = it is */
    struct mono tick_at;
    struct mono second; /* steps in this virtual second */
    int steps, ticks;
    bool said_many; /* has reported more than one primary */
};

struct sim_node {
    int id; /* 0 = no such node */
    struct core_settings settings;
    int priority;
    int registered_upstream;
    struct sim_pg pg;
    struct sim_daemon daemon;
    struct sim_manner promotion;
    struct sim_manner follow;
    bool host_down;
};

/* ---- the queue --------------------------------------------------------------- */

enum sim_item_kind {
    SIM_ANSWER,   /* a probe's end reaches the daemon */
    SIM_WORK,     /* a promotion or follow takes effect in PostgreSQL */
    SIM_DONE,     /* the core is told of its end */
    SIM_PG_READY, /* startup is over */
    SIM_CALL,     /* a fault of a schedule begins or ends */
};

struct sim;

struct sim_item {
    struct mono at;
    uint64_t seq; /* order among equals */
    enum sim_item_kind kind;
    int node_id;
    uint32_t life;
    struct core_observation seen; /* SIM_ANSWER */
    uint32_t generation;
    uint32_t id; /* SIM_WORK, SIM_DONE */
    int target_id;
    bool promotion;
    bool ok;
    uint64_t uid; /* SIM_PG_READY: of this start */
    void (*call)(struct sim *sim, int a, int b);
    int a, b;
};

/* What is counted over a run, for summaries. */
struct sim_stats {
    uint64_t steps;
    int promotions;
    int failovers;
    int two_writable; /* moments at which a second node became writable */
};

struct sim {
    uint64_t random;
    struct mono now;
    struct mono next_stream;
    int64_t stream_ms;
    uint64_t seq;
    uint64_t uid;
    int64_t latency_min_ms, latency_max_ms;
    int lag_percent; /* how often a standby gets nothing in a step of replication */
    struct sim_node nodes[SIM_MAX_NODES + 1];       /* by id; [0] unused */
    int n;                                          /* highest id */
    bool cut[SIM_MAX_NODES + 1][SIM_MAX_NODES + 1]; /* [from][to] cannot connect */
    bool foreign_hand; /* somebody restarted or promoted behind pgrmon's back */
    int n_queue;
    struct sim_item queue[SIM_MAX_QUEUE]; /* a heap */
    struct core_effects effects;
    FILE *trace; /* NULL = no transcript */
    struct sim_stats stats;
    bool failed;
    char failure[512];
};

/* ---- sim.c ------------------------------------------------------------------- */

/* A cluster without nodes. `trace` (may be NULL) stays the caller's. */
struct sim *sim_new(uint64_t seed, FILE *trace);
void sim_free(struct sim *sim);

/* A node whose upstream is registered as `upstream_id`; 0: the primary. Change its
 * settings before sim_start(). */
struct sim_node *sim_add(struct sim *sim, int id, int upstream_id, int priority);

/* Register all nodes, start PostgreSQL and the daemons. */
void sim_start(struct sim *sim);

/* Let `ms` pass, or less when something was found that must not be. */
void sim_run(struct sim *sim, int64_t ms);

/* Let time pass until `id`'s daemon is in `state`; a failure when `bound_ms` is over.
 */
void sim_until(struct sim *sim, int id, enum core_state state, int64_t bound_ms);

/* Put `item` into the queue (copied; `seq` is given here). */
void sim_push(struct sim *sim, const struct sim_item *item);

/* Call `call` in `ms`. */
void sim_later(struct sim *sim,
               int64_t ms,
               void (*call)(struct sim *sim, int a, int b),
               int a,
               int b);

/* A random number from `low` to `high`, both included. */
int64_t sim_random(struct sim *sim, int64_t low, int64_t high);
bool sim_chance(struct sim *sim, int percent);

/* The node with `id`; it must be there. */
struct sim_node *sim_node(struct sim *sim, int id);

/* ---- world.c: what happens to hosts, network and PostgreSQL ------------------ */

void sim_pg_kill(struct sim *sim, int id);
/* Start it as it was; it says "starting up" for `ms`. */
void sim_pg_start(struct sim *sim, int id, int64_t ms);
/* Make it a standby of `upstream_id`, restarted at once; 0: none. By an operator. */
void sim_pg_demote(struct sim *sim, int id, int upstream_id);
/* Promote it now, not by pgrmon. */
void sim_pg_promote(struct sim *sim, int id);
/* PostgreSQL, daemon and network of a host gone, and back. */
void sim_host_crash(struct sim *sim, int id);
void sim_host_boot(struct sim *sim, int id, int pg_start_ms);
/* `from` cannot open or keep connections to `to` any more. */
void sim_cut(struct sim *sim, int from, int to);
void sim_heal(struct sim *sim, int from, int to);
/* Both ways, with everybody. */
void sim_isolate(struct sim *sim, int id);
void sim_rejoin_network(struct sim *sim, int id);
/* An administrator changes the table on the primary. */
void sim_set_priority(struct sim *sim, int id, int priority);

/* The network and the host of `to` let `from` speak to it. */
bool world_reaches(const struct sim *sim, int from, int to);
/* Both are the same cluster and `id` could stream from `upstream_id`. */
bool world_can_stream(const struct sim *sim, int id, int upstream_id);
/* One step of replication and of writing clients. */
void world_stream(struct sim *sim);
void world_promote(struct sim *sim, int id);
/* pgrmon.record_promotion() and the upstream of a node, as sql/ and queries.c have it.
 * False when there is nobody to write to. */
bool world_record_lead(struct sim *sim, int id);
bool world_record_upstream(struct sim *sim, int id, int upstream_id);
void world_pg_ready(struct sim *sim, const struct sim_item *item);
/* What a probe of `to` by `from` finds now, and how long it takes. */
struct core_observation
world_probe(struct sim *sim, int from, int to, int64_t *ret_takes_ms);
/* How many accept writes, counting those that nobody reaches. */
int world_n_writable(const struct sim *sim);
bool world_is_writable(const struct sim *sim, int id);

/* ---- shell.c: the daemon around the core ------------------------------------- */

void sim_daemon_start(struct sim *sim, int id);
void sim_daemon_stop(struct sim *sim, int id);
/* It is not scheduled by its host for `ms`. */
void sim_daemon_stall(struct sim *sim, int id, int64_t ms);
/* A reload with changed settings. */
void sim_daemon_reload(struct sim *sim, int id);

void shell_feed(struct sim *sim, struct sim_node *node, struct core_event *event);
void shell_answer(struct sim *sim, const struct sim_item *item);
void shell_work(struct sim *sim, const struct sim_item *item);
void shell_done(struct sim *sim, const struct sim_item *item);
void shell_probe(struct sim *sim, struct sim_node *node, int target_id, bool anew);
/* A session to `id` broke: who held one asks again. */
void shell_sessions_lost(struct sim *sim, int id);

/* ---- check.c ----------------------------------------------------------------- */

/* Something happened that must not; the first one is kept and ends the run. */
void sim_fail(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void check_told(struct sim *sim,
                struct sim_node *node,
                const struct core_observation *seen);
void check_step(struct sim *sim, struct sim_node *node, const struct core_event *event);
void check_promotion(struct sim *sim, struct sim_node *node);
void check_follow(struct sim *sim, struct sim_node *node, int target_id);
/* After all faults are healed and a bound is over; nodes whose PostgreSQL is down are
 * left out. */
void check_stable(struct sim *sim);
/* `id` gets its WAL from `leader_id`, and its daemon is content with that. */
void check_follow_chain(struct sim *sim, int id, int leader_id);

/* ---- trace.c ----------------------------------------------------------------- */

/* A line about the world. */
void trace_world(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of the scenario's author: what is shown here. */
void sim_say(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void trace_effect(struct sim *sim,
                  const struct sim_node *node,
                  const struct core_effect *effect);
void trace_start(struct sim *sim);

/* ---- scenarios.c, schedule.c ------------------------------------------------- */

struct sim_scenario {
    const char *name;
    const char *about;
    void (*play)(struct sim *sim);
};

extern const struct sim_scenario sim_scenarios[];
extern const int sim_n_scenarios;

/* One random cluster with random faults, from `seed` alone. The caller frees it. */
struct sim *schedule_run(uint64_t seed, FILE *trace);

#endif
