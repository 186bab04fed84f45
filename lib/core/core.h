/* core.h - the vocabulary of deciding: what happened (events), what to do (effects).
 *
 * lib/core is pure: no descriptor, clock, heap, log or SQL (test/unit/core_purity.sh
 * lists its undefined symbols). One step takes one event and appends effects; the shell
 * (daemon/, or the simulator in test/sim) performs them and feeds their ends back.
 *
 *     core_init -> core_step(START) -> { core_step(event) | deadline -> TICK }*
 *
 * struct core is plain memory: it can be copied, compared and forked by a test. The
 * rules that it implements are numbered in docs/failover-rules.md; the numbers stand
 * beside the branches. */
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
    bool coming; /* not known yet: a former leader's PostgreSQL is on its way (E9) */
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
    int64_t pause_version;     /* newest pause that it keeps durably (M3); 0 = none, and
                                  with a report */
    bool frozen;               /* own PostgreSQL is stopped by the daemon (L4) */
    bool voiceless;            /* no voter: its state file was lost, or maintenance */
    bool paused; /* it granted that pause, or one before: votes for nobody */
    bool relies; /* a leader that needs no ballots while that is so (M3) */
};

/* A pause as the operator wishes it (table pgrmon.pause). Each wish has a higher
 * version than all before, those of lost regimes included. */
struct core_pause {
    int64_t version; /* 0 = never */
    int64_t ms;      /* 0 = none any more */
};

/* What the text form has room for. */
#define CORE_MAX_NODE_ID 1048575
#define CORE_MAX_TERM    INT64_C(4294967295)
#define CORE_MAX_PAUSE   ((INT64_C(1) << 56) - 1)

/* Nobody is kept from electing for longer than this. */
#define CORE_MAX_PAUSE_MS (7 * 24 * INT64_C(3600000))

/* ---- what is durable (rules D) -------------------------------------------------- */

/* Own part in the term that was promised. */
enum core_duty {
    CORE_DUTY_FOLLOWER,  /* promised to another, or to nobody yet */
    CORE_DUTY_CANDIDATE, /* promised to ourselves, canvassing */
    CORE_DUTY_PROMOTING, /* won, promoting: counts as writable */
    CORE_DUTY_LEADING,   /* the only duty that may lead after a restart (D2) */
    CORE_DUTY_RESIGNED,  /* was ours, never again */
};

/* No primary was ever asked how many copies a commit has: as if it were one (C2). */
#define CORE_COPIES_UNKNOWN CORE_MAX_NODES

/* The promise, kept in a file that is written before anything that depends on it. */
struct core_durable {
    uint32_t incarnation; /* 0 = there is no valid file: no voter (D3) */
    int64_t term;         /* highest term promised; 0 = none yet */
    int leader_id;        /* to whom; 0 = nobody */
    enum core_duty duty;  /* own part in it */
    int64_t lead_term;    /* with duty LEADING: the term that is led; `term` is higher
                             while a renewal is unfinished (L9) */
    bool armed;           /* a quorum has supported that leadership: fenced without */
    bool recorded;     /* that term has its row: after a restart it is said at once */
    bool rested;       /* its daemon was stopped in good order, unfenced (M4) */
    int64_t window_ms; /* largest W ever put into a ballot */
    int64_t members_version; /* of the membership that is stored with it */
    int64_t pause_ms;        /* longest pause granted and not over; 0 = none (M3) */
    int64_t pause_version;   /* newest pause granted, or taken back as its leader */
    int64_t relied_version; /* of a leader: the pause of enough voters that it relies */
    struct core_stamp
        relied_until;       /* on instead of ballots, until when; ms 0 = none, */
    int64_t relied_members; /* and of which voters they are enough, a fingerprint */
    int64_t pair_version;   /* membership that both of two nodes have confirmed (3.8) */
    int copies;   /* k: copies besides the primary's, of the last leader (C2) */
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
    int copies; /* standbys that confirm a commit, by its settings; 0 = none */
    struct core_note note; /* of that node's own daemon */
};

/* Own server processes, as the operating system shows them (lib/fence.h). */
enum core_local {
    CORE_LOCAL_UNKNOWN, /* they cannot be seen: another host or process namespace */
    CORE_LOCAL_RUNNING,
    CORE_LOCAL_FROZEN, /* stopped by pgrmon: this daemon, its sentry, an earlier run */
    CORE_LOCAL_DEAD,   /* the postmaster is gone; others may still acknowledge (F2) */
    CORE_LOCAL_GONE,   /* proved: no process, no shared memory */
};

/* ---- settings ------------------------------------------------------------------- */

enum core_failover { CORE_FAILOVER_MANUAL, CORE_FAILOVER_AUTOMATIC };
enum core_quorum { CORE_QUORUM_AUTO, CORE_QUORUM_MAJORITY };
enum core_fencing { CORE_FENCING_FREEZE, CORE_FENCING_STOP, CORE_FENCING_OFF };

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
    int64_t hot_ms;              /* how often the own board is read in an election */
    enum core_fencing fencing;   /* OFF also where processes cannot be signalled */
    bool keep_on_quorum_loss;    /* primary_on_quorum_loss = continue */
    bool keep_on_daemon_loss;    /* on_daemon_loss = keep: an answer is evidence (L2) */
    bool restart_on_crash;       /* crash_action = restart */
    bool witness;                /* no PostgreSQL here */
    uint32_t boot;               /* bits of the boot id, CORE_BOOT_BITS */
};

/* ---- state ---------------------------------------------------------------------- */

/* State is changed by core_become() alone (core.c). */
enum core_state {
    CORE_STARTING,   /* own PostgreSQL or own record not seen yet */
    CORE_PRIMARY,    /* own PostgreSQL is the primary */
    CORE_STANDBY,    /* following, all well */
    CORE_SUSPECTING, /* upstream or primary does not answer; counting attempts */
    CORE_ELECTING,   /* surveying all members, deciding again and again */
    CORE_CANVASSING, /* a candidate: asking for ballots (C1, C2) */
    CORE_PROMOTING,  /* own PostgreSQL is being promoted */
    CORE_FOLLOWING,  /* own PostgreSQL is being pointed at another upstream */
    CORE_RESIGNING,  /* own PostgreSQL is being ended, then the term is given up (L6) */
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
    CORE_WHY_CATCH_UP,        /* the furthest may not lead: we fetch its WAL first */
    /* ends of actions */
    CORE_WHY_PROMOTED,
    CORE_WHY_PROMOTE_FAILED,
    CORE_WHY_FOLLOWED,
    CORE_WHY_FOLLOW_FAILED,
    CORE_WHY_UPSTREAM_GONE, /* cascade: upstream lost, primary alive: re-attach */
    CORE_WHY_MANY_LEADERS,  /* two members of one cluster out of recovery */
    /* ballots and leases */
    CORE_WHY_RESIGNED,        /* the leader resigned: no need to wait */
    CORE_WHY_PROMISED,        /* our promise to the old leader is not over (V1) */
    CORE_WHY_SUPPORTED,       /* too few support nobody (E6) */
    CORE_WHY_NO_REPORT,       /* what our WAL is worth is not established (P2) */
    CORE_WHY_NO_STATE,        /* no valid state file: no voter (D3) */
    CORE_WHY_CANVASS,         /* asking for ballots */
    CORE_WHY_VOTED,           /* we granted a candidate */
    CORE_WHY_AWAITED,         /* whom we support is waited for */
    CORE_WHY_RENEWED,         /* the same leader under a higher term (L9) */
    CORE_WHY_LOST_CANVASS,    /* too few ballots, or another is better: given up (C4) */
    CORE_WHY_WON,             /* ballots and reports of enough (C2) */
    CORE_WHY_LEASE,           /* a quorum supports us (L1) */
    CORE_WHY_LEASE_LOST,      /* it does not any more (L4) */
    CORE_WHY_LEASE_OVER,      /* not for a whole window (L6) */
    CORE_WHY_TOO_LONG_FROZEN, /* more than half of the last three windows (L5) */
    CORE_WHY_CRASHED,         /* own PostgreSQL died */
    CORE_WHY_STOPPED,         /* own PostgreSQL was stopped by somebody, for a window */
    CORE_WHY_HUNG,            /* own PostgreSQL did not answer for half a window (L3) */
    CORE_WHY_GUARDED,         /* own PostgreSQL came up read-only (G1) */
    CORE_WHY_LATER_LEADER,    /* another leads a later term (L8) */
    CORE_WHY_UNLEASED,        /* own PostgreSQL is writable without a lease */
    CORE_WHY_DETACHED,        /* own standby gets no WAL from its upstream */
    CORE_WHY_TWIN,            /* another daemon writes in the name of this node (D3) */
    CORE_WHY_LEADER_STOPPED,  /* the leader answers, but its daemon gives no sign */
    CORE_WHY_PAUSED,          /* we granted a pause (M3) */
    CORE_WHY_UNPAUSED,        /* that is over, or was taken back */
    CORE_WHY_RELIES,          /* enough voters granted one: no lease is needed */
    CORE_WHY_RELIES_NO_MORE,  /* it is again */
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

/* ---- events --------------------------------------------------------------------- */

enum core_event_kind {
    CORE_EV_START,    /* once, first */
    CORE_EV_TICK,     /* core_deadline() was reached */
    CORE_EV_MEMBERS,  /* the node table was read; an empty set means: not there */
    CORE_EV_OBSERVED, /* a probe ended, self included */
    CORE_EV_DONE,     /* an effect with an id ended */
    CORE_EV_SETTINGS, /* a reload changed settings */
    CORE_EV_STOP,     /* the daemon is stopped in good order (M4) */
    CORE_EV_LOCAL,    /* own server processes were looked at, or changed */
};

/* Everything pointed to stays the caller's and is read during the step only. */
struct core_event {
    enum core_event_kind kind;
    struct mono now;
    const struct core_note
        *notes; /* OBSERVED: all that lay on that board; may be NULL */
    int n_notes;
    union {
        struct { /* START: what the state file holds; incarnation 0 = there is none */
            struct core_durable durable;
            uint64_t random;            /* a seed */
            uint64_t system_identifier; /* of the state file; 0 = unknown */
            struct mono lease_until; /* of the former run, of this boot; ms 0 = none */
        } start;
        struct {
            const struct core_member *v;
            int n;
            int64_t version; /* M1 */
            struct core_pause pause;
        } members;
        struct core_observation observed;
        struct {
            uint32_t id;
            bool ok;
            struct core_report report; /* of a revocation */
        } done;
        struct core_settings settings;
        struct {
            bool handover; /* own PostgreSQL is being stopped: resign once it is */
        } stop;
        struct {
            enum core_local local;
            bool clean; /* DEAD, GONE: pg_control says "shut down" */
        } local;
    };
};

/* ---- effects -------------------------------------------------------------------- */

enum core_effect_kind {
    CORE_EFF_WATCH,    /* probe `node_id` every `interval_ms`; 0 = stop and close */
    CORE_EFF_PROBE,    /* probe `node_id` now, on a new session */
    CORE_EFF_PROMOTE,  /* `id`: promote own PostgreSQL; ends in CORE_EV_DONE */
    CORE_EFF_FOLLOW,   /* `id`: point own PostgreSQL at `node_id`; CORE_EV_DONE */
    CORE_EFF_LEAD,     /* `id`: record the term we lead (`term`) in pgrmon.term */
    CORE_EFF_RAISE,    /* `id`: a version above `members_version` for our table (M1) */
    CORE_EFF_NOTE,     /* what we say has changed: post it now on every watched board */
    CORE_EFF_SAVE,     /* `id`: make `durable` durable; CORE_EV_DONE after the fsync */
    CORE_EFF_LEASE,    /* the sentry freezes at `freeze_at`, kills at `kill_at` (L7) */
    CORE_EFF_FREEZE,   /* `id`: stop every process of own PostgreSQL (L4) */
    CORE_EFF_THAW,     /* `id`: continue them (L5) */
    CORE_EFF_KILL,     /* `id`: guard on disk, end them, prove it (L6) */
    CORE_EFF_START_PG, /* `id`: start own PostgreSQL, guarded: read-only */
    CORE_EFF_REVOKE,   /* `id`: cut own PostgreSQL off, report its WAL (V2) */
    CORE_EFF_ENTER,    /* state changed from `from` to `state` because of `why` */
    CORE_EFF_REPORT,   /* tell people: `message` about `why` */
    CORE_EFF_EVENT,    /* record `record` in pgrmon.event and notify */
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
    CORE_SAY_VOTED,           /* a ballot was granted: `why` */
    CORE_SAY_LEASE,           /* frozen, thawed, resigned: `why` */
    CORE_SAY_NO_STATE,        /* no valid state file: this node does not vote */
    CORE_SAY_TWIN,            /* two daemons use the id of this node */
    CORE_SAY_DAEMON_SILENT,   /* the leader's PostgreSQL answers, its daemon does not */
    CORE_SAY_PAUSE,           /* a pause begins or ends: `why`, seconds in `a` */
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
    CORE_REC_FROZEN,
    CORE_REC_THAWED,
    CORE_REC_RESIGNED,
    CORE_REC_RENEWED,
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
    int64_t term;
    int64_t members_version;
    struct core_durable durable;
    struct mono freeze_at, kill_at; /* MONO_NEVER = do not */
    struct core_note note;
    struct core_why why;
};

struct core_effects {
    int n;
    struct core_effect v[CORE_MAX_EFFECTS];
};

/* ---- what is remembered ---------------------------------------------------------- */

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

/* What is known of one member's daemon from its notes, whichever board they lay on. */
struct core_peer {
    struct core_note note;    /* the newest; phase NONE = none seen */
    struct mono at;           /* when it was first seen, by our clock */
    bool advanced;            /* this run has seen its stamp change (N5) */
    struct core_stamp other;  /* of a note of another boot, not yet believed */
    struct mono other_at;     /* when that was seen to be new */
    bool board_read;          /* this run has read its board, if it has one */
    int64_t resigned_term;    /* the highest term that it gave up for good */
    struct core_note sign;    /* its newest as a leader or candidate: what we echo */
    struct mono sign_at;      /* when that was seen to advance; ms 0 = never */
    int64_t ballot_term;      /* of its newest ballot for us; 0 = none */
    struct mono ballot_echo;  /* when we wrote what it echoes, by our clock */
    int64_t ballot_window_ms; /* its W then */
    struct core_report ballot_report;

    int64_t pause_version; /* granted and not over, by its newest note; 0 = none (M3) */
    struct mono pause_from; /* not granted yet then, by our clock; ms 0 = unknown */
    struct mono pause_echo; /* of its newest ballot for us, while it grows */
    int64_t pause_term; /* in which it supports us with that pause; 0 = it does not */
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
    struct core_peer peers[CORE_MAX_NODES]; /* same index as members */
    int64_t members_version;                /* of the membership in use (M1) */
    bool asked;    /* the node table was read once, whatever it held */
    bool recorded; /* self has a record */

    uint64_t system_identifier; /* of the cluster; 0 until first seen */
    int upstream_id;            /* whom own PostgreSQL streams from; 0 = nobody */
    int primary_id;             /* whom we believe to lead; 0 = nobody */
    int64_t term;               /* highest seen anywhere */
    struct mono term_at;        /* since when we know it */

    int suspect_id;           /* whom we suspect, while suspecting or electing */
    struct mono first_missed; /* since when nobody who may lead has answered (E4) */
    struct mono noticed_at;   /* when that was noticed, of the suspect (E5) */
    struct mono
        woke_at; /* when this daemon went on after it stood still; ms 0 = never */
    int attempt; /* of reconnect_attempts */
    struct mono next_attempt;

    struct mono survey_at;     /* when the current survey began */
    int awaited_id;            /* the better candidate that we wait for; 0 = none */
    struct mono awaited_since; /* since when */
    struct mono backoff_until; /* no promotion or follow before */

    bool catching_up; /* own PostgreSQL streams from one that may not lead (E10) */
    struct lsn catch_up_to;
    struct mono catch_up_until; /* ms 0 = not tried in this election */

    uint32_t action_id;   /* of the promotion or follow under way; 0 = none */
    uint32_t last_id;     /* the newest id given out */
    int action_node_id;   /* whom we follow */
    int action_leader_id; /* who led then; a cascade follows another */
    struct mono action_deadline;

    /* The promise (ballot.c). */
    struct core_durable durable; /* what the file holds */
    struct core_durable wanted;  /* what is being written */
    uint32_t save_id;            /* of the write under way; 0 = none */
    struct mono save_after;      /* the next try, after one that failed */
    bool save_failed;            /* the newest write did: it is repeated */
    bool detached;               /* own standby gets no WAL, for a window */
    struct mono streamed_at;     /* when its walreceiver was last seen streaming */
    struct lsn stalled_at;       /* where its WAL ended then */
    int follow_failures;         /* in a row */
    bool followed;               /* pointed at a leader since the revocation */
    struct mono promise_until;   /* no ballot for another before (V1) */
    struct mono canvass_until;   /* our canvass is given up then (C4) */
    struct mono canvass_after;   /* no canvass before: a random pause (C4) */
    uint64_t random;
    struct core_stamp posted; /* of our newest note */
    struct core_stamp twin;   /* of a note in our name that we did not write (D3) */
    struct mono twin_at;      /* when that was seen to advance; ms 0 = never */
    struct mono twin_said;
    int64_t top_term; /* highest in any note */

    /* Pauses (pause.c). */
    struct core_pause pause;  /* as last read */
    struct mono pause_until;  /* own promise not to vote, while pause_ms says so */
    struct mono relied_until; /* no ballots needed until then; ms 0 = they are */
    bool pause_said, relied_said;
    bool local_lost; /* while leading: its PostgreSQL was gone, or read-only */

    /* Own WAL's report (ballot.c, V2). */
    struct core_report report;
    uint32_t revoke_id;       /* of the revocation under way; 0 = none */
    struct mono revoke_after; /* the next try, after one that failed */

    /* Own server processes, and what is done to them (lease.c). */
    enum core_local local;
    bool local_clean;          /* gone after an orderly shutdown */
    struct mono local_gone_at; /* since when the postmaster is dead; ms 0 = it is not */
    bool local_writable;       /* its processes may acknowledge commits */
    enum core_effect_kind fence_kind; /* of the action under way */
    uint32_t fence_id;                /* 0 = none */
    struct mono fence_after;          /* the next try, after one that failed */
    uint32_t start_id;                /* of a start of PostgreSQL under way; 0 = none */
    struct mono start_after;
    int start_tries;
    bool restarted;          /* crash_action = restart: was done in this leadership */
    bool stopping;           /* the daemon is, in good order */
    bool handing_over;       /* own PostgreSQL is stopped for that */
    bool start_wanted;       /* we ended it, so we start it again, read-only */
    uint32_t lead_id;        /* of the recording of our term under way; 0 = none */
    bool lead_recorded;      /* our term has its row (C6) */
    struct mono lead_after;  /* the next try, after one that failed */
    uint32_t raise_id;       /* of the raising of the membership's version; 0 = none */
    int64_t raising;         /* above which version */
    int64_t raised;          /* above which one it is, in this leadership */
    struct mono raise_after; /* the next try, after one that failed */
    int64_t claim_term; /* what the WAL of a claim is worth: its newest term row, */
    struct lsn claim_position; /* and its end */
    bool claiming; /* canvassing for a PostgreSQL that is writable already */
    enum core_reason resign_why;
    bool led; /* what was resigned then was led, not only canvassed or promoted for */
    struct mono inherited_until; /* the lease of the former run (D2); ms 0 = none */
    struct mono armed_at;   /* when a quorum of daemons was first seen, or this one had
                               stood still (keep): ballots get a moment; ms 0 = never */
    struct mono lead_since; /* of this leadership in this run */
    struct mono outvoted_at; /* when the membership last changed under a valid lease */
    struct mono frozen_since; /* ms 0 = not frozen */
    struct mono thawed_at;    /* ms 0 = never */
    bool freeze_said;         /* that it is frozen, whoever did it; not yet: thawed */
    int64_t frozen_ms;        /* sum of freezes, decaying (L5) */
    struct mono frozen_at;    /* when that sum was last brought up to date */
    struct mono lease_told;   /* freeze_at as last told to the sentry */
    int64_t renew_term;       /* canvassed beside our leadership; 0 = none (L9) */

    bool local_up; /* what was last said of own PostgreSQL */
    bool waiting_said;
    struct core_note note; /* as last asked to be posted: its content, not its stamps */
    struct mono next_status;
};

/* ---- functions ------------------------------------------------------------------ */

/* Begin with `settings` (copied). */
void core_init(struct core *core, const struct core_settings *settings);

/* Digest one event; `effects` is emptied first. Total: every event in every state. */
void core_step(struct core *core,
               const struct core_event *event,
               struct core_effects *effects);

/* M1: whether a node table of this membership version is to be used. One that is older
 * than what this node has confirmed is not: own PostgreSQL may be behind. */
bool core_is_news(const struct core *core, int64_t members_version);

/* The note to be posted now: its stamps are those of `now`, and a note that supports
 * somebody extends our promise from here (L2). Call it right before each posting, never
 * during a step, and post what it gives or nothing. */
struct core_note core_post(struct core *core, struct mono now);

/* When to send CORE_EV_TICK if nothing else happens. */
struct mono core_deadline(const struct core *core);

/* The member with `id`, or NULL. */
const struct core_member *core_member(const struct core *core, int id);

/* The view of the member with `id`, or NULL. */
const struct core_view *core_view(const struct core *core, int id);

#endif
