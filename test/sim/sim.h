/* sim.h - a cluster in virtual time: the real core on every node, all else pretended.
 *
 *   sim.c       the clocks, the queue of what is under way, the loop
 *   cluster.c   the nodes and what is registered of them
 *   world.h     hosts, the network, PostgreSQL, its replication, boards and commits
 *   shell.h     the daemon around the core, and its sentry
 *   check.h     what must hold after every step; the transcript
 *   operator.h  what people do
 *   scenarios.c, stories.c, member_stories.c   named stories
 *   schedule.c, nemesis.c    random ones
 *
 * Everything is decided by the seed and the calls made; nothing reads a clock. Nodes
 * are named by their id, 1 to SIM_MAX_NODES. Times are virtual milliseconds of the
 * simulation, which no node knows: each has a clock of its own, at its own rate, that
 * begins anew when its host boots. */
#ifndef PGRMON_SIM_H
#define PGRMON_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/core.h"

#define SIM_MAX_NODES    8
#define SIM_MAX_REGIMES  64
#define SIM_MAX_ROWS     128
#define SIM_MAX_SESSIONS 24
#define SIM_MAX_PROBES   256
#define SIM_MAX_PROMISES 256
#define SIM_MAX_QUEUE    2048
#define SIM_MAX_COMMANDS 8

/* The system identifier of every PostgreSQL that is not of another cluster. */
#define SIM_SYSTEM UINT64_C(7000000000000000001)

/* ---- PostgreSQL -------------------------------------------------------------- */

enum sim_pg_state { SIM_PG_DOWN, SIM_PG_STARTING, SIM_PG_UP };

/* Who wrote WAL from where on. Never visible to a daemon: only terms are. */
struct sim_regime {
    uint64_t uid; /* of the promotion */
    uint64_t start;
};

/* A row of pgrmon.term, and where in the WAL it is. */
struct sim_row {
    uint64_t position;
    int64_t term;
    int leader;
    int timeline;
};

/* pgrmon.node, as replicated. */
struct sim_table {
    uint64_t version;        /* of this content, unique in the run */
    int64_t members_version; /* of who votes (M1) */
    struct core_pause pause;
    int n;
    struct core_member v[SIM_MAX_NODES];
};

/* A daemon's session and the note that it left. It may outlive the daemon. */
struct sim_session {
    uint32_t serial;
    int from;
    uint32_t life; /* of the daemon */
    struct mono ends_at;
    struct core_note note; /* phase NONE = none yet */
};

struct sim_pg {
    enum sim_pg_state state;
    bool hung;    /* the kernel accepts connections, nobody answers */
    bool stuck;   /* sessions open, queries get no answer */
    bool rejects; /* wrong password, too many connections */
    bool failing; /* queries end in an error */
    bool frozen;  /* SIGSTOP */
    bool guard;   /* standby.signal: whatever starts it, it comes up read-only */
    bool in_recovery;
    bool clean;                /* down after an orderly shutdown */
    int64_t slow_ms;           /* a start takes no less */
    struct mono orphans_until; /* down, but backends live and acknowledge until then */
    uint64_t system_identifier;
    int timeline;
    uint64_t lsn; /* received and flushed */
    uint64_t replayed;
    bool replay_paused;
    int delay_ms;           /* recovery_min_apply_delay */
    struct mono delayed_at; /* when `delayed_to` was the end of its WAL */
    uint64_t delayed_to;
    struct sim_table delayed_table;
    int reader_ms;   /* a reader blocks a revocation for so long */
    int upstream_id; /* primary_conninfo; 0 = none: cleared by a vote, or a primary */
    bool streaming;  /* a walreceiver, which may not have noticed that nobody sends */
    bool unreceived; /* nothing was received since it started: position understated */
    uint64_t start_uid; /* of the newest start */
    struct mono message_at;
    int n_regimes;
    struct sim_regime regimes[SIM_MAX_REGIMES];
    int n_rows; /* in its WAL, replayed or not */
    struct sim_row rows[SIM_MAX_ROWS];
    struct sim_table table;    /* as replayed */
    struct sim_table received; /* at the end of its WAL */
    int n_sessions;
    struct sim_session board[SIM_MAX_SESSIONS];
};

/* What a promotion or a follow on this node will do, and how slowly. */
struct sim_manner {
    int64_t takes_ms;
    int fails;       /* that many times, then it succeeds */
    int64_t late_ms; /* how much later than its end the core is told */
};

/* ---- a node ------------------------------------------------------------------ */

/* CLOCK_BOOTTIME of a host. */
struct sim_clock {
    struct mono booted; /* when, in virtual time */
    int64_t began_at;   /* what it showed then */
    int ppm;            /* how much too fast it runs */
};

/* What a daemon has to do with one member, and what it was told of it: check.c judges
 * by that, on its own. */
struct sim_peer {
    int64_t interval_ms; /* 0 = not watched */
    struct mono next_at;
    uint32_t generation; /* answers of an older one are dropped */
    uint32_t session;    /* held there; 0 = none */
    bool busy;
    bool again; /* the note has changed since this probe was sent */

    bool told;
    struct core_observation last;
    struct mono last_at;
};

struct sim_daemon {
    bool running;
    uint32_t life; /* what an earlier one began is dropped */
    struct mono stalled_until;
    struct core core;
    struct sim_peer peers[SIM_MAX_NODES + 1]; /* by id */
    uint64_t table_version;                   /* as fed */
    int self_probes;
    uint32_t action_id; /* of the action whose end the core was not told yet */
    struct mono action_until;
    uint64_t action_uid; /* of the server's start that it was begun on */
    uint32_t save_id;    /* of the write under way; 0 = none */
    struct core_durable saving;
    uint32_t revoke_id;     /* of the revocation under way; 0 = none, or given up */
    uint32_t start_id;      /* of the start of PostgreSQL under way; 0 = none */
    enum core_local looked; /* own processes, as last told */
    struct mono look_at;    /* when they are looked at next */
    struct mono tick_at;
    struct mono second; /* steps in this virtual second */
    int steps, ticks;
    struct mono leave_until; /* it is being stopped in good order; ms 0 = it is not */
    bool said_many;          /* has reported more than one primary */
    bool said_twin;          /* has reported that two daemons have its id */
};

/* The daemon's tiny child: it lives on when the daemon does not (L7). Its deadlines are
 * of its node's clock. */
struct sim_sentry {
    bool alive;
    bool froze, killed; /* these deadlines were acted on */
    struct mono freeze_at, kill_at;
};

/* What a voter wrote down, over its whole life. */
struct sim_promise {
    int64_t term;
    int leader_id;
};

struct sim_node {
    int id; /* 0 = no such node */
    struct core_settings settings;
    int priority;
    int registered_upstream;
    struct sim_clock clock;
    struct sim_pg pg;
    struct sim_daemon daemon;
    struct sim_sentry sentry;
    struct core_durable file;   /* the state file; incarnation 0 = none */
    struct core_durable former; /* what it was before the newest write */
    struct sim_table stored;    /* the members that it holds, n = 0: none */
    struct sim_manner promotion;
    struct sim_manner follow;
    uint32_t lost_incarnation; /* of a file that was lost */
    int twin_of; /* it is a copy of that node, and has its id (D3); 0 = none */
    bool loose;  /* its leader's daemon was stopped in good order: unfenced (M4) */
    bool host_down;
    bool mute;                /* registered without a vote, at the start */
    bool spare;               /* not registered at the start */
    bool named;               /* in synchronous_standby_names, wherever that is */
    struct mono paused_until; /* the whole host; its clock runs on */
    int init_percent;         /* how often init restarts a dead PostgreSQL */
    int fence_fails;          /* so many kills fail, then they succeed */
    int freeze_ms;            /* how much longer than usual stopping processes takes */
    int save_fails;

    /* For check.c. */
    struct mono unaware_until; /* after a pause: the sentry has not run yet (3.9) */
    struct mono loose_until;   /* after a stop in good order: ballots get a moment */
    int64_t won_term;          /* of its newest promotion */
    int n_promises;
    struct sim_promise promises[SIM_MAX_PROMISES];
    int supported_id; /* by its newest note that supports another */
    struct mono supported_at;
    int64_t supported_window_ms;
};

/* ---- the queue --------------------------------------------------------------- */

enum sim_item_kind {
    SIM_PROBE,    /* a query takes effect where it is asked */
    SIM_ANSWER,   /* a probe's end reaches the daemon */
    SIM_WORK,     /* an effect with an id takes effect */
    SIM_DONE,     /* the core is told of its end */
    SIM_LOOK,     /* the daemon looks at its server's processes */
    SIM_PG_READY, /* startup is over */
    SIM_CALL,     /* a fault of a schedule begins or ends */
};

/* What a command does to the membership. */
enum member_change { MEMBER_ADD, MEMBER_REMOVE, MEMBER_REST, MEMBER_RETURN };

/* One that runs. */
struct sim_command {
    bool running;
    enum member_change change;
    int id, from; /* about whom, on whose host */
    int primary_id;
    uint64_t start_uid;   /* of the primary's server */
    uint64_t position;    /* of its WAL when the command began */
    struct sim_table set; /* the membership that it has checked */
    struct mono deadline;
};

struct sim;

struct sim_item {
    struct mono at;
    uint64_t seq; /* order among equals */
    enum sim_item_kind kind;
    enum core_effect_kind effect; /* SIM_WORK, SIM_DONE */
    int node_id;
    uint32_t life; /* of the daemon that began it */
    uint32_t id;   /* 0: begun by the sentry */
    int target_id;
    int probe; /* its place in sim->probes */
    bool ok;
    uint64_t uid; /* of a start of PostgreSQL */
    int64_t term;
    struct mono until;
    struct core_report report;
    void (*call)(struct sim *sim, int a, int b);
    int a, b;
};

/* A probe under way. */
struct sim_probe {
    bool used;
    bool given_up; /* by the daemon: it takes effect all the same */
    bool answered;
    int n_items;         /* that refer to it */
    uint32_t generation; /* of the daemon's peer */
    uint32_t session;
    bool anew; /* on a session of its own */
    struct mono deadline;
    struct core_note note; /* to be posted; phase NONE = nothing */
    struct core_observation seen;
    int n_notes;
    struct core_note notes[SIM_MAX_SESSIONS];
};

/* What a world may be without, to see that its absence is found: sim --without NAME. */
enum sim_part {
    SIM_FENCE = 1,     /* freezing and killing do nothing, and say that they did */
    SIM_SENTRY = 2,    /* it never acts */
    SIM_GUARD = 4,     /* a former primary comes up writable */
    SIM_FSYNC = 8,     /* the newest write is lost in a crash */
    SIM_REVOKE = 16,   /* nobody is cut off, and it is said that they were */
    SIM_BOOT_ID = 32,  /* stamps of all boots look alike */
    SIM_RATE = 64,     /* clocks run at up to half or twice the rate of others */
    SIM_VERSION = 128, /* a command does not see that another was quicker (M1) */
};

/* What is counted over a run, for summaries. */
struct sim_stats {
    uint64_t steps;
    int promotions;
    int failovers;
    int renewals;
    int freezes;
    int kills;
    int guarded;      /* a former primary came up read-only */
    int lead_notes;   /* terms that were led */
    int two_writable; /* moments of two writable nodes that are not covered (3.9) */
    int late_probes;  /* that took effect after they were given up */
    int canvasses;    /* begun */
    int follows;
    int cuts;          /* revocations begun */
    int rivals;        /* more than one primary was reported */
    int64_t outage_ms; /* nobody was writable */
    int freezes_since_healed;
    int64_t leaderless_ms; /* after all was healed: until somebody was writable */
};

/* Why a run may have two writable nodes (3.9). */
enum sim_excuse {
    SIM_BY_HAND = 1,   /* somebody promoted or restarted behind pgrmon's back */
    SIM_TWO_NODES = 2, /* no majority exists */
    SIM_UNFENCED = 4,  /* by setting, or daemon and sentry were killed together */
    SIM_COPIED = 8,    /* a machine was copied, state file and all */
};

struct sim {
    uint64_t random;
    struct mono now;
    struct mono next_stream;
    int64_t stream_ms;
    uint64_t seq;
    uint64_t uid;
    uint32_t serial;
    unsigned without; /* of enum sim_part */
    bool chaos;       /* what takes time takes a random time */
    int64_t latency_min_ms, latency_max_ms;
    int lag_percent;   /* how often a standby gets nothing in a step of replication */
    int slow_percent;  /* how often a query takes effect late */
    int64_t linger_ms; /* how long a session stays whose client vanished silently */
    int copies;        /* that confirm a commit, besides the primary's */
    bool healing;      /* nothing strikes any more */
    int64_t longest_pause_ms;                       /* that was ever wished for */
    struct sim_node nodes[SIM_MAX_NODES + 1];       /* by id; [0] unused */
    int n;                                          /* highest id */
    bool cut[SIM_MAX_NODES + 1][SIM_MAX_NODES + 1]; /* [from][to] cannot connect */
    int n_changes;   /* of the membership that the schedule holds */
    unsigned excuse; /* of enum sim_excuse */
    bool two;        /* nodes are writable at this moment */
    bool healed;
    int n_queue;
    struct sim_item queue[SIM_MAX_QUEUE]; /* a heap */
    struct sim_probe probes[SIM_MAX_PROBES];
    int free_probe; /* where to look for a free one */
    int n_acks;     /* up to where each regime acknowledged commits */
    struct sim_regime acks[SIM_MAX_REGIMES];
    int n_led; /* who said "lead" for which term */
    struct sim_promise led[SIM_MAX_PROMISES];
    struct sim_command commands[SIM_MAX_COMMANDS];
    struct core_effects effects;
    int stepping; /* the node whose core digests an event; 0 = none */
    FILE *trace;  /* NULL = no transcript */
    struct sim_stats stats;
    bool failed;
    bool trapped; /* by an assertion */
    char failure[768];
};

/* ---- sim.c ------------------------------------------------------------------- */

/* A cluster without nodes. `trace` (may be NULL) stays the caller's. */
struct sim *sim_new(uint64_t seed, FILE *trace);
void sim_free(struct sim *sim);

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
/* The same under chaos; in a told story always `usual`, or never. */
int64_t sim_vary(struct sim *sim, int64_t usual, int64_t low, int64_t high);
bool sim_mishap(struct sim *sim, int percent);

/* What the clock of `node` shows at `at`, and when it will show `local`. */
struct mono sim_clock_at(const struct sim_node *node, struct mono at);
struct mono sim_when(const struct sim_node *node, struct mono local);

/* ---- cluster.c --------------------------------------------------------------- */

/* `service pause` for `ms`, 0: `service unpause`, on whoever leads. False: nobody does.
 */
bool sim_service_pause(struct sim *sim, int64_t ms);

/* A node whose upstream is registered as `upstream_id`; 0: the primary. Change its
 * settings before sim_start(). */
struct sim_node *sim_add(struct sim *sim, int id, int upstream_id, int priority);

/* A daemon without PostgreSQL. */
struct sim_node *sim_add_witness(struct sim *sim, int id);

/* What `pgrmon ... register` would write of it. */
struct core_member cluster_record(const struct sim_node *node);

/* Register all nodes but spare ones, start PostgreSQL and the daemons. */
void sim_start(struct sim *sim);

/* The node with `id`; it must be there. */
struct sim_node *sim_node(struct sim *sim, int id);

/* ---- scenarios.c, stories.c, rule_stories.c, story.c, schedule.c, nemesis.c ------ */

struct sim_scenario {
    const char *name;
    const char *about;
    void (*play)(struct sim *sim);
};

extern const struct sim_scenario sim_scenarios[];
extern const int sim_n_scenarios;
extern const struct sim_scenario sim_stories[];
extern const int sim_n_stories;
extern const struct sim_scenario sim_member_stories[];
extern const int sim_n_member_stories;
extern const struct sim_scenario sim_rule_stories[];
extern const int sim_n_rule_stories;

/* All stories, in the order of --list: of scenarios.c, stories.c, member_stories.c and
 * rule_stories.c. NULL behind the last. */
const struct sim_scenario *story_at(int i);

/* One random cluster with random faults, from `seed` alone, not run yet. The caller
 * frees it. */
struct sim *schedule_new(uint64_t seed, FILE *trace, unsigned without);
void schedule_play(struct sim *sim);

/* One fault, and when it ends. */
void nemesis_strike(struct sim *sim, int unused_a, int unused_b);
/* Somebody wants a pause, a longer one, or none any more. */
void nemesis_pause(struct sim *sim, int unused_a, int unused_b);
/* All faults end; what only a human can repair is repaired. */
void nemesis_heal(struct sim *sim);
/* Who can be followed: writable, of the highest term. 0 = nobody. */
int nemesis_rightful(const struct sim *sim);
/* An operator makes every node that cannot follow `leader_id` its standby. */
void nemesis_rejoin(struct sim *sim, int leader_id);

#endif
