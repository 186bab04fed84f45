/* daemon.h - the shell around the core: events in, effects out.
 *
 *   probe.c   a PostgreSQL's answers     -> CORE_EV_OBSERVED
 *   members.c the node table             -> CORE_EV_MEMBERS
 *   promote.c, follow.c an action's end  -> CORE_EV_DONE
 *   daemon.c  feeds core_step() and hands its effects to perform.c
 *   record.c  events, states, history    -> the metadata, hooks
 *
 * Nothing here compares an LSN, a priority or an age. */
#ifndef PGRMOND_DAEMON_H
#define PGRMOND_DAEMON_H

#include <ev.h>

#include "config.h"
#include "core/core.h"
#include "link.h"
#include "node.h"
#include "note.h"
#include "state.h"

struct probe;
struct action;
struct child;
struct fencing;
struct guarding;
struct revoke;
struct startpg;
struct store;

/* Ends of effects that wait to be told to the core from the loop. */
struct daemon_done {
    uint32_t id;
    bool ok;
    struct core_report report;
};

#define DAEMON_MAX_DONE 16

struct daemon {
    struct ev_loop *loop;
    struct resolve *resolve;
    struct config config;
    const char *log_level; /* of the command line, which wins; may be NULL; borrowed */
    const char *drift;     /* the setting that was last said to differ, or NULL */
    int exit_code;

    struct core core;
    bool stepping; /* inside core_step() and its effects */

    struct nodeset nodes;
    struct probe *probes[CORE_MAX_NODES]; /* in no order, NULL-terminated by n_probes */
    int n_probes;

    struct state state;      /* as last written or read */
    struct store *store;     /* its writer; NULL = no voice */
    int lock_fd;             /* of the state directory, -1 = none */
    struct fencing *fencing; /* NULL = not done here */
    struct guarding *guarding;
    struct revoke *revoke;   /* under way, or NULL */
    struct startpg *startpg; /* a start of PostgreSQL under way, or NULL */
    struct daemon_done done[DAEMON_MAX_DONE];
    int n_done;
    ev_timer done_timer;

    struct link *local;    /* own PostgreSQL */
    struct link *primary;  /* where the metadata is written */
    struct action *action; /* the promotion or follow under way, or NULL */
    uint32_t lead_id;      /* of the recording of our term, 0 = none */
    int64_t lead_term;
    uint32_t raise_id; /* of the raising of the membership's version, 0 = none */
    const char *lead_reason;
    struct child *hooks[8]; /* notification commands under way */

    ev_timer core_timer;
    ev_timer members_timer;
    ev_timer state_timer;
    ev_timer cleanup_timer;
    ev_timer watchdog_timer;
    ev_timer shutdown_timer;
    ev_signal sigterm, sigint, sighup;
    bool ready_said;
    void (*on_ready)(void *arg); /* the first probe ended; may be NULL */
    void *on_ready_arg;
    bool stopping;
    bool handover;         /* our term is given up on the way */
    struct child *leaving; /* PostgreSQL is being stopped, or NULL */
    struct mono stop_deadline;
};

/* Make one of `config` (taken over) on the default loop. `log_level` may be NULL. */
struct daemon *
daemon_new(struct ev_loop *loop, struct config *config, const char *log_level);

/* Open the state directory and start the sentry; before daemon_start(). 0, or
 * STATE_E_LOCKED with the reason when another daemon uses the directory. */
int daemon_open(struct daemon *daemon, struct err *err) PGRMON_MUST_CHECK;

/* Begin to watch. Until then `on_ready` may be set. */
void daemon_start(struct daemon *daemon);

/* Close everything and release. NULL is fine. */
void daemon_free(struct daemon *daemon);

/* Give the core an event (its `now` is filled in here) and perform what it wants. Must
 * not be called while effects are being performed: actions report from the loop. */
void daemon_feed(struct daemon *daemon, struct core_event *event);

/* Tell the core from the loop that the effect `id` ended; `report` of a revocation,
 * else NULL. May be called from anywhere. */
void daemon_done(struct daemon *daemon,
                 uint32_t id,
                 bool ok,
                 const struct core_report *report);

/* The note to be posted now, in text form: for the query that is sent next. */
const char *daemon_note(struct daemon *daemon, char buf[static NOTE_TEXT_SIZE]);

/* The settings that the core decides by. */
struct core_settings daemon_core_settings(const struct daemon *daemon);

/* How long a probe on a held session, and one on a new session, may take: one beat, and
 * two (design.md section 2: a slow one is overtaken rather than waited for). */
int64_t daemon_beat_ms(const struct daemon *daemon);

/* ---- perform.c --------------------------------------------------------------------
 */

/* Do what one effect says. Exhaustive: whatever the core can ask for is done here. */
void perform(struct daemon *daemon, const struct core_effect *effect);

/* ---- members.c --------------------------------------------------------------------
 */

/* Read the node table now; the answer becomes CORE_EV_MEMBERS. */
void members_read(struct daemon *daemon);

/* Give the core its share of the records that are known. */
void members_feed(struct daemon *daemon);

/* Point the link for writing at whom the core takes for the primary. */
void members_retarget(struct daemon *daemon);

/* The conninfo of a node: our own setting for ourselves, else its record's; NULL when
 * there is none. */
const char *members_conninfo(const struct daemon *daemon, int node_id);

/* ---- record.c ---------------------------------------------------------------------
 */

/* Record an event in pgrmon.event and run event_notification_command. `other_id` is the
 * other party (placeholders %p %a %c), 0 = none. */
void record_event(struct daemon *daemon,
                  const char *event,
                  bool successful,
                  int other_id,
                  const char *details);

/* Record the term that we lead (rule P1); ends in daemon_done(). */
void record_lead(struct daemon *daemon, uint32_t id, int64_t term);

/* Give the membership a version above `version` if its own is smaller (rule M1); ends in
 * daemon_done(). */
void record_membership(struct daemon *daemon, uint32_t id, int64_t version);

/* Record the live state of this node (pgrmon.node_state), and a row of history when
 * monitoring_history is on. */
void record_state(struct daemon *daemon);
void record_history(struct daemon *daemon);

/* Record that this node follows `upstream_id`. */
void record_upstream(struct daemon *daemon, int upstream_id);

/* Throw history away that is older than monitoring_history_retention. */
void record_cleanup(struct daemon *daemon);

/* True while notification commands run; end them. */
bool record_busy(const struct daemon *daemon);
void record_stop(struct daemon *daemon);

/* ---- promote.c, follow.c -----------------------------------------------------------
 */

/* Start the action that `effect` asks for; ends in action_done(). */
void promote_start(struct daemon *daemon, const struct core_effect *effect);
void follow_start(struct daemon *daemon, const struct core_effect *effect);

#endif
