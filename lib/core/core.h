/* core.h - the vocabulary of deciding: what happened (events), what to do (effects).
 *
 * lib/core is pure: no descriptor, clock, heap, log or SQL (test/unit/core_purity.sh
 * lists its undefined symbols). One step takes one event and appends effects; the shell
 * (daemon/, or the simulator in test/sim) performs them and feeds their ends back.
 *
 *     core_init -> core_step(START) -> { core_step(event) | deadline -> core_step(TICK)
 * }*
 *
 * struct core is plain memory: it can be copied, compared and forked by a test. The
 * rules that it implements are numbered in docs/failover-rules.md; the numbers stand
 * beside the branches. Notes, promises, leases and fencing (design.md section 3) will
 * join here. */
#ifndef PGRMON_CORE_H
#define PGRMON_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/reach.h"
#include "lsn.h"
#include "mono.h"

/* Fixed limits; the shell refuses clusters that do not fit. */
#define CORE_MAX_NODES   32
#define CORE_NAME_SIZE   64
#define CORE_MAX_EFFECTS 192

/* ---- what is known ------------------------------------------------------------- */

enum core_role {
    CORE_ROLE_UNKNOWN,
    CORE_ROLE_PRIMARY,
    CORE_ROLE_STANDBY,
    CORE_ROLE_WITNESS,
};

/* A node's record in the metadata (table pgrmon.node). */
struct core_member {
    int id; /* > 0 */
    char name[CORE_NAME_SIZE];
    enum core_role role; /* as registered; reality may differ */
    int upstream_id;     /* as registered, 0 = none */
    int priority;        /* 0 = never promoted */
    bool active;         /* false: failed; still asked, and counted by Q1 */
    bool voting;
};

/* A moment on one node's own clock (CLOCK_BOOTTIME). It begins anew when the host
 * boots, so stamps of different boots are never compared (N4, postgres-facts 21). */
struct core_stamp {
    uint32_t boot; /* CORE_BOOT_BITS of the boot id; meaningless when ms is 0 */
    int64_t ms;    /* 0 = none */
};

#define CORE_BOOT_BITS 14

/* What a node's WAL is worth (P2): it exists only once the walreceiver is gone for
 * good, the end of local WAL is established and replay has reached it. */
struct core_report {
    bool known;
    int64_t term; /* highest row of its pgrmon.term */
    struct lsn position;
};

/* What a daemon says of itself on the boards (rules N; lib/note.h has the text form).
 */
enum core_phase {
    CORE_PHASE_NONE,    /* no daemon seen there */
    CORE_PHASE_LEAD,    /* its PostgreSQL is the primary, writable or frozen by it */
    CORE_PHASE_RENEW,   /* leads, and canvasses for the higher term of this note (L9) */
    CORE_PHASE_FOLLOW,  /* supports its leader: a ballot */
    CORE_PHASE_ASK,     /* has no fresh sign of a leader, supports nobody */
    CORE_PHASE_CANVASS, /* a candidate for this term, supports itself */
    CORE_PHASE_VOTE,    /* granted a candidate: a ballot */
    CORE_PHASE_PROMOTE, /* a candidate that has won and promotes its PostgreSQL */
    CORE_PHASE_RESIGNED, /* led, or canvassed for, this term and never will again */
    CORE_PHASE_PASS,   /* supports nobody and will not lead: manual, promotion failed */
    CORE_PHASE_PAUSED, /* granted a pause: votes for nobody (M3) */
};

struct core_note {
    enum core_phase phase;
    int node_id;             /* who wrote it, 1 to CORE_MAX_NODE_ID */
    int64_t term;            /* of the phase: led, followed, canvassed, resigned */
    struct core_stamp stamp; /* when it was written */
    int leader_id;           /* whom it supports; 0 = nobody */
    struct core_stamp echo; /* newest stamp of that one, read before this was written */
    struct core_report report; /* of own WAL */
    int64_t window_ms;         /* W of who wrote it */
    int64_t members_version;   /* newest membership that it keeps durably (M1) */
    uint32_t incarnation;      /* of its state directory (D3) */
    bool frozen;               /* own PostgreSQL is stopped by the daemon (L4) */
    bool voiceless;            /* no voter: its state file was lost, or maintenance */
};

/* What the text form has room for. */
#define CORE_MAX_NODE_ID 1048575
#define CORE_MAX_TERM    INT64_C(4294967295)

/* ---- what is durable (rules D) -------------------------------------------------- */

/* Own part in the term that was promised. */
enum core_duty {
    CORE_DUTY_FOLLOWER,  /* promised to another, or to nobody yet */
    CORE_DUTY_CANDIDATE, /* promised to ourselves, canvassing */
    CORE_DUTY_PROMOTING, /* won, promoting: counts as writable */
    CORE_DUTY_LEADING,   /* the only duty that may lead after a restart (D2) */
    CORE_DUTY_RESIGNED,  /* was ours, never again */
};

/* The promise, kept in a file that is written before anything that depends on it. */
struct core_durable {
    uint32_t incarnation;    /* 0 = there is no valid file: no voter (D3) */
    int64_t term;            /* highest term promised; 0 = none yet */
    int leader_id;           /* to whom; 0 = nobody */
    enum core_duty duty;     /* own part in it */
    int64_t window_ms;       /* largest W ever put into a ballot */
    int64_t members_version; /* of the membership that is stored with it */
    int64_t pause_ms;        /* longest pause granted and not over; 0 = none (M3) */
    int64_t stream_term;     /* the term that our PostgreSQL streams under */
    int copies;   /* k: copies besides the primary's, of the last leader (E4) */
    bool revoked; /* primary_conninfo was cleared by a vote (V2) */
};

/* One probe's result: a fact, not a conclusion. Fields after `connected` are meaningful
 * only with REACH_OK. */
struct core_observation {
    int node_id;
    enum reach reach;
    bool connected; /* a new session was opened by this probe, whatever came after */
    bool in_recovery;
    uint64_t system_identifier;
    int timeline;
    int64_t term;        /* highest in its pgrmon.term, 0 = none */
    struct lsn position; /* primary: end of WAL; standby: max(received, replayed) */
    struct lsn replayed; /* standby only */
    bool replay_paused;
    bool receiver_streaming; /* a walreceiver with status "streaming" */
    int64_t receiver_age_ms; /* since its last message from the sender; -1 = none */
    struct core_note note;   /* of that node's own daemon */
};

/* ---- settings ------------------------------------------------------------------- */

enum core_failover { CORE_FAILOVER_MANUAL, CORE_FAILOVER_AUTOMATIC };
enum core_quorum { CORE_QUORUM_AUTO, CORE_QUORUM_MAJORITY };

/* What proves that a server lives, while we suspect it (connection_check_type). An
 * error that the server itself reports is an answer with each of them (rule F2). */
enum core_check {
    CORE_CHECK_PING,       /* a session could be opened, or was refused in protocol */
    CORE_CHECK_CONNECTION, /* the same; repmgr's name for it */
    CORE_CHECK_QUERY,      /* the probe's statement was answered */
};

struct core_settings {
    int self_id;
    char self_name[CORE_NAME_SIZE];
    enum core_failover failover;
    enum core_quorum quorum;
    enum core_check check;
    int reconnect_attempts;
    int64_t reconnect_interval_ms;
    int64_t beat_ms;             /* design.md section 2, Timing */
    int64_t startup_patience_ms; /* how long "starting up" counts as alive */
    int64_t promote_deadline_ms; /* promote_check_timeout */
    int64_t follow_deadline_ms;  /* standby_follow_timeout */
    int64_t status_interval_ms;  /* log_status_interval */
};

/* ---- state ---------------------------------------------------------------------- */

/* State is changed by core_become() alone (core.c). */
enum core_state {
    CORE_STARTING,   /* own PostgreSQL or own record not seen yet */
    CORE_PRIMARY,    /* own PostgreSQL is the primary */
    CORE_STANDBY,    /* following, all well */
    CORE_SUSPECTING, /* upstream or primary does not answer; counting attempts */
    CORE_ELECTING,   /* surveying all members, deciding again and again */
    CORE_PROMOTING,  /* own PostgreSQL is being promoted */
    CORE_FOLLOWING,  /* own PostgreSQL is being pointed at another upstream */
};

/* Why: every decision carries one, worded once by reason.c for the log, the events
 * table, `pgrmon cluster explain` and the test transcripts. */
enum core_reason {
    CORE_WHY_NONE,
    /* starting */
    CORE_WHY_NO_LOCAL,     /* own PostgreSQL does not answer */
    CORE_WHY_NO_RECORD,    /* no record of this node */
    CORE_WHY_WRONG_SYSTEM, /* own PostgreSQL belongs to another cluster */
    /* monitoring */
    CORE_WHY_LOCAL_PRIMARY, /* own PostgreSQL is out of recovery */
    CORE_WHY_LOCAL_STANDBY, /* own PostgreSQL is in recovery */
    CORE_WHY_LOST,          /* no answer from upstream or primary */
    CORE_WHY_BACK,          /* it answers again */
    CORE_WHY_ATTEMPTS_OVER, /* reconnect_attempts made, window passed */
    /* verdicts of an election (quorum.c, rank.c) */
    CORE_WHY_SURVEY,          /* answers are still awaited */
    CORE_WHY_LEADER_FOUND,    /* somebody leads: follow */
    CORE_WHY_STALE_LEADER,    /* out of recovery, but of an older term: not followed */
    CORE_WHY_STILL_VISIBLE,   /* another member still sees the lost primary */
    CORE_WHY_STILL_STREAMING, /* own walreceiver hears from the lost primary */
    CORE_WHY_NO_QUORUM,       /* too few members answer */
    CORE_WHY_MANUAL,          /* failover = manual */
    CORE_WHY_SELF_DOWN,       /* own PostgreSQL does not answer: cannot be candidate */
    CORE_WHY_SELF_PRIORITY,   /* own priority is 0 */
    CORE_WHY_NO_CANDIDATE,    /* nobody may be promoted */
    CORE_WHY_OTHER_BETTER,    /* another is the candidate: waiting for it */
    CORE_WHY_BEING_PROMOTED,  /* another is being promoted: waiting for it */
    CORE_WHY_ONLY_CANDIDATE,  /* promote: nobody else can */
    CORE_WHY_BEST_CANDIDATE,  /* promote: won the ranking */
    CORE_WHY_BACKOFF,         /* last promotion failed; waiting before the next */
    /* ends of actions */
    CORE_WHY_PROMOTED,
    CORE_WHY_PROMOTE_FAILED,
    CORE_WHY_FOLLOWED,
    CORE_WHY_FOLLOW_FAILED,
    CORE_WHY_UPSTREAM_GONE, /* cascade: upstream lost, primary alive: re-attach */
    CORE_WHY_MANY_LEADERS,  /* two members of one cluster out of recovery */
};

/* The ranking rule that decided between two candidates (P4). */
enum core_rank_rule {
    CORE_RANK_SAME,     /* same node */
    CORE_RANK_TERM,     /* P4.1 higher term in its WAL */
    CORE_RANK_POSITION, /* P4.2 further in the WAL */
    CORE_RANK_PRIORITY, /* P4.3 higher priority */
    CORE_RANK_ID,       /* P4.4 lowest node id */
};

/* A reason with what its sentence needs. */
struct core_why {
    enum core_reason reason;
    int node_id; /* the other party, 0 = none */
    int a, b;    /* counts: answered of voting; attempt of attempts */
    enum core_rank_rule rule;
    struct lsn lsn;
    int64_t term;
};

/* What the core believes of one member. */
struct core_view {
    struct core_observation seen; /* the newest observation */
    struct mono seen_at;          /* when; meaningful when seen.reach != UNKNOWN */
    struct mono answered_at;      /* last answer that proves life; ms 0 = never */
    struct mono starting_since;   /* first of the current run of 57P03; ms 0 = none */
    uint64_t system_identifier;   /* of its last answer; 0 = it never answered */
    bool fresh;                   /* observed since the current survey began */
    bool reported;                /* what is odd about it has been said */
    bool passed_over;             /* as a candidate: waited for in vain (E9) */
    int64_t watch_ms;             /* interval that the shell was told */
};

struct core {
    struct core_settings settings;
    enum core_state state;
    struct core_why why; /* of the newest change of state or verdict */
    struct mono since;   /* of the newest change of state */
    struct mono now;     /* of the newest event */

    int n_members; /* self is always one of them, recorded or not */
    struct core_member members[CORE_MAX_NODES];
    struct core_view views[CORE_MAX_NODES]; /* same index as members */
    bool asked;    /* the node table was read once, whatever it held */
    bool recorded; /* self has a record */

    uint64_t system_identifier; /* of the cluster; 0 until first seen */
    int upstream_id;            /* whom own PostgreSQL streams from; 0 = nobody */
    int primary_id;             /* whom we believe to lead; 0 = nobody */
    int64_t term;               /* highest seen anywhere */
    struct mono term_at;        /* since when we know it */

    int suspect_id;           /* whom we suspect, while suspecting or electing */
    struct mono first_missed; /* since when nobody who may lead has answered (E4) */
    int attempt;              /* of reconnect_attempts */
    struct mono next_attempt;

    struct mono survey_at;     /* when the current survey began */
    int awaited_id;            /* the better candidate that we wait for; 0 = none */
    struct mono awaited_since; /* since when */
    struct mono backoff_until; /* no promotion or follow before */

    uint32_t action_id; /* of the promotion or follow under way; 0 = none */
    uint32_t last_id;   /* the newest id given out */
    int action_node_id; /* whom we follow */
    struct mono action_deadline;

    bool local_up; /* what was last said of own PostgreSQL */
    bool waiting_said;
    struct core_note note; /* as last posted */
    struct mono next_status;
};

/* ---- events --------------------------------------------------------------------- */

enum core_event_kind {
    CORE_EV_START,    /* once, first */
    CORE_EV_TICK,     /* core_deadline() was reached */
    CORE_EV_MEMBERS,  /* the node table was read; an empty set means: not there */
    CORE_EV_OBSERVED, /* a probe ended, self included */
    CORE_EV_DONE,     /* an effect with an id ended */
    CORE_EV_SETTINGS, /* a reload changed settings */
};

/* Everything pointed to stays the caller's and is read during the step only. */
struct core_event {
    enum core_event_kind kind;
    struct mono now;
    union {
        struct {
            const struct core_member *v;
            int n;
        } members;
        struct core_observation observed;
        struct {
            uint32_t id;
            bool ok;
        } done;
        struct core_settings settings;
    };
};

/* ---- effects -------------------------------------------------------------------- */

enum core_effect_kind {
    CORE_EFF_WATCH,   /* probe `node_id` every `interval_ms`; 0 = stop and close */
    CORE_EFF_PROBE,   /* probe `node_id` now, on a new session */
    CORE_EFF_PROMOTE, /* `id`: promote own PostgreSQL; ends in CORE_EV_DONE */
    CORE_EFF_FOLLOW,  /* `id`: point own PostgreSQL at `node_id`; CORE_EV_DONE */
    CORE_EFF_LEAD,    /* record the term we lead, if it is not recorded yet */
    CORE_EFF_NOTE,    /* post `note` on every board from now on */
    CORE_EFF_ENTER,   /* state changed from `from` to `state` because of `why` */
    CORE_EFF_REPORT,  /* tell people: `message` about `why` */
    CORE_EFF_EVENT,   /* record `record` in pgrmon.event and notify */
};

/* What to tell people; worded by reason.c. */
enum core_message {
    CORE_SAY_MONITORING,   /* "monitoring connection to upstream node ..." */
    CORE_SAY_LOST,         /* "unable to connect to upstream node ..." */
    CORE_SAY_ATTEMPT,      /* "checking state of node 1, 1 of 3 attempts" */
    CORE_SAY_SLEEPING,     /* "sleeping 10 seconds until next reconnection attempt" */
    CORE_SAY_RECONNECTED,  /* "reconnected to upstream node ... after N attempts" */
    CORE_SAY_GAVE_UP,      /* "unable to reconnect to node 1 after 3 attempts" */
    CORE_SAY_VERDICT,      /* `why` of an election */
    CORE_SAY_LOCAL_LOST,   /* own PostgreSQL does not answer */
    CORE_SAY_LOCAL_BACK,   /* own PostgreSQL answers again */
    CORE_SAY_WAITING,      /* starting: `why` says what for */
    CORE_SAY_ALIVE,        /* a failed probe that proves life: `reach` */
    CORE_SAY_STATUS,       /* every log_status_interval */
    CORE_SAY_PRIMARY_MODE, /* "switching to primary monitoring mode" */
    CORE_SAY_MONITOR_PRIMARY, /* "monitoring cluster primary ..." */
    CORE_SAY_ACTION_FAILED,   /* promotion or follow failed */
};

/* Rows of pgrmon.event written by the daemon. */
enum core_record {
    CORE_REC_LOCAL_DISCONNECT,
    CORE_REC_LOCAL_RECONNECT,
    CORE_REC_UPSTREAM_DISCONNECT,
    CORE_REC_UPSTREAM_RECONNECT,
    CORE_REC_FAILOVER_PROMOTE,
    CORE_REC_PROMOTE_ERROR,
    CORE_REC_FAILOVER_FOLLOW,
    CORE_REC_FOLLOW_ERROR,
    CORE_REC_MANY_PRIMARIES,
    CORE_REC_LOCAL_PROMOTED,
};

struct core_effect {
    enum core_effect_kind kind;
    int node_id;
    uint32_t id;
    int64_t interval_ms;
    int64_t deadline_ms;
    enum core_state from, state;
    enum core_message message;
    enum core_record record;
    bool successful;
    enum reach reach;
    struct core_note note;
    struct core_why why;
};

struct core_effects {
    int n;
    struct core_effect v[CORE_MAX_EFFECTS];
};

/* ---- functions ------------------------------------------------------------------ */

/* Begin with `settings` (copied). */
void core_init(struct core *core, const struct core_settings *settings);

/* Digest one event; `effects` is emptied first. Total: every event in every state. */
void core_step(struct core *core,
               const struct core_event *event,
               struct core_effects *effects);

/* When to send CORE_EV_TICK if nothing else happens. */
struct mono core_deadline(const struct core *core);

/* The member with `id`, or NULL. */
const struct core_member *core_member(const struct core *core, int id);

/* The view of the member with `id`, or NULL. */
const struct core_view *core_view(const struct core *core, int id);

#endif
