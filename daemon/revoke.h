/* revoke.h - make sure that own PostgreSQL acknowledges no WAL any more, and tell what
 * its WAL is worth (rules V2, P2; postgres-facts 3 and 4).
 *
 *   primary_conninfo = ''  ->  no walreceiver, and none can come  ->  the end of the
 * WAL is known, and replayed  ->  the report
 *
 * An object of its own, beside daemon->action: a vote may revoke when a follow was just
 * cancelled. The change is durable; it lasts until a follow sets primary_conninfo. */
#ifndef PGRMOND_REVOKE_H
#define PGRMOND_REVOKE_H

#include "daemon.h"

struct revoke;

/* Why a revocation failed, or why there is no report. */
enum revoke_why {
    REVOKE_DONE,        /* neither */
    REVOKE_NO_SESSION,  /* own PostgreSQL did not answer */
    REVOKE_NOT_STANDBY, /* it is not in recovery */
    REVOKE_REFUSED,     /* it refused a statement: privileges, schema */
    REVOKE_BLOCKED,     /* primary_conninfo cannot be cleared */
    REVOKE_RECEIVER,    /* a walreceiver is left */
    REVOKE_CONFLICT,    /* replay waits for a reader that could not be ended */
    REVOKE_PAUSED,      /* no report: replay is paused before the end */
    REVOKE_LATE,        /* no report: the end was not replayed in time (a delay) */
    REVOKE_UNKNOWN_END, /* no report: the end of the WAL could not be found out */
};

/* How it ended. Valid during the callback. */
struct revoke_end {
    bool ok; /* revoked, proved: no acknowledgement comes from here */
    enum revoke_why why;
    const char *text;          /* of `why`, "" when done; no password in it */
    struct core_report report; /* known only with `ok`; may be unknown with `ok` */
    int64_t took_ms;
};

typedef void revoke_cb(void *arg, uint32_t id, const struct revoke_end *end);

/* Start, bounded by `deadline_ms`. The callback is called exactly once, from the loop;
 * the handle is gone then. On a failure primary_conninfo may be cleared nevertheless.
 * Never NULL. */
struct revoke *revoke_start(
    struct daemon *daemon, uint32_t id, int64_t deadline_ms, revoke_cb *cb, void *arg);

/* Forget it; its callback is not called. What was changed stays changed. NULL is fine.
 */
void revoke_cancel(struct revoke *revoke);

/* "not standby" */
const char *revoke_why_name(enum revoke_why why);

#endif
