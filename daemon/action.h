/* action.h - a promotion or a follow: several steps, one deadline, one end.
 *
 * The core has one action under way at most. It ends exactly once, by action_end(),
 * which may be called from anywhere: the core hears of it from the loop. */
#ifndef PGRMOND_ACTION_H
#define PGRMOND_ACTION_H

#include "daemon.h"
#include "mono.h"

struct lineage;

struct action {
    struct daemon *daemon;
    uint32_t id; /* of the effect, for CORE_EV_DONE */
    int node_id; /* whom we follow */
    struct mono deadline;
    struct pgconn *conn;                 /* own PostgreSQL */
    struct pgconn *remote;               /* follow: the new upstream */
    struct child *child;                 /* the command under way, or NULL */
    ev_timer timer;                      /* the next step, or the end */
    void (*step)(struct action *action); /* when the timer fires */
    void (*then)(struct action *action); /* when the session or command is there */
    struct pgconn *connecting;           /* conn or remote, while it connects */
    char *conninfo;                      /* of that session */
    bool ended;
    bool ok;
    char *text[2]; /* follow: statements still to run on own PostgreSQL */
    int n_text;
    void (*unblocked)(struct action *action); /* promote: see unblock.h */
    struct mono patience;    /* promote: with a restore_command under way */
    char *restore_command;   /* to be put back; NULL = nothing */
    bool restore_by_reset;   /* by ALTER SYSTEM RESET */
    struct lineage *lineage; /* follow: see lineage.h */
};

/* A new action for `effect`, replacing one that never ended. */
struct action *action_new(struct daemon *daemon, const struct core_effect *effect);

/* Release; its callbacks are not called any more. NULL is fine. */
void action_free(struct action *action);

/* What is left until the deadline, at least 1 ms. */
int64_t action_left_ms(const struct action *action);
bool action_expired(const struct action *action);

/* Run `step` from the loop in `ms`. */
void action_later(struct action *action, int64_t ms, void (*step)(struct action *));

/* End it; the core is told from the loop, and the action released. */
void action_end(struct action *action, bool ok);

/* Open the session to own PostgreSQL or to the new upstream; `then` runs once it is
 * there, tried again until the deadline. */
void action_connect(struct action *action,
                    struct pgconn *conn,
                    const char *conninfo,
                    void (*then)(struct action *));

/* Run a configured shell command with its placeholders (%n %a %c of `other_id`); `then`
 * runs when it exits with 0, the action fails otherwise. */
void action_command(struct action *action,
                    const char *name,
                    const char *text,
                    int other_id,
                    void (*then)(struct action *));

#endif
