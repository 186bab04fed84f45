/* pgconn_private.h - shared by pgconn.c (the session) and pgconn_connect.c (getting
 * one). */
#ifndef PGRMON_PGCONN_PRIVATE_H
#define PGRMON_PGCONN_PRIVATE_H

#include <locale.h>

#include "mono.h"
#include "pgconn.h"
#include "pgconn_params.h"
#include "pgconn_verdict.h"
#include "resolve.h"

enum pgconn_state {
    STATE_CLOSED,
    STATE_RESOLVING,
    STATE_CONNECTING,
    STATE_SETTING_UP,
    STATE_IDLE,
    STATE_BUSY,
};

struct pgconn {
    struct ev_loop *loop;
    struct resolve *resolve;
    locale_t c_locale; /* for libpq's messages, see pgconn_verdict.h */
    enum pgconn_state state;
    PGconn *pg; /* from connecting on */

    ev_io io;            /* libpq's socket */
    ev_timer timer;      /* deadline of the present step */
    ev_timer post_timer; /* an answer to give from the loop */

    /* The request under way. */
    pgconn_cb *cb; /* NULL when there is none */
    void *arg;
    int64_t deadline_ms; /* as the caller gave it, for the message */
    struct mono deadline;
    PGresult *result; /* of a statement; the first error wins */

    /* Connecting. */
    struct pgconn_params params;
    bool replication;
    bool verbose;
    struct resolve_lookup *lookup;
    int target;
    int address; /* of that target */
    int n_addresses;
    char *addresses[RESOLVE_MAX_ADDRESSES]; /* NULL: the target says it all */
    ConnStatusType stage;                   /* last one seen before a failure */

    /* What has been learnt from failed attempts; also the answer that is posted. */
    enum reach reach;
    char sqlstate[SQLSTATE_SIZE];
    char *message; /* "" is NULL */

    /* The open session. */
    bool pooled;
    pgconn_cb *loss_cb;
    void *loss_arg;
    pgconn_notify_cb *notify_cb;
    void *notify_arg;
    char notice_sqlstate[SQLSTATE_SIZE]; /* the last notice: why we are thrown out */
    char *notice;
};

/*
 * pgconn.c
 */

/* Start the present step's deadline anew. */
void pgconn_arm_timer(struct pgconn *conn, int64_t ms);

/* Watch libpq's socket, which may be another one after each PQconnectPoll(). */
void pgconn_watch(struct pgconn *conn, int events);

/* Drop the libpq connection only. */
void pgconn_drop_session(struct pgconn *conn);

/* Close, and answer with what has been learnt, from the loop. */
void pgconn_post_failure(struct pgconn *conn);

/* Call back with an answer; `conn` may be gone afterwards. Clears `result`. */
void pgconn_deliver(struct pgconn *conn,
                    enum reach reach,
                    PGresult *result,
                    const char *sqlstate,
                    const char *message);

void pgconn_become_idle(struct pgconn *conn);
void pgconn_drop_notice(struct pgconn *conn);

/*
 * pgconn_connect.c
 */

/* What has been learnt from failed attempts: nothing yet, or one more. */
void pgconn_forget_failure(struct pgconn *conn);
void pgconn_learn(struct pgconn *conn,
                  enum reach reach,
                  const char *sqlstate,
                  const char *message);

/* Begin with the first host of conn->params. */
void pgconn_try_first_target(struct pgconn *conn);

/* The socket is ready while connecting. */
void pgconn_on_connecting(struct pgconn *conn);

/* The attempt under way failed. The next address is tried, or the failure answered. */
void pgconn_attempt_failed(struct pgconn *conn,
                           enum reach reach,
                           const char *sqlstate,
                           const char *message);

/* The same; libpq's message says how. */
void pgconn_attempt_failed_in_libpq(struct pgconn *conn);

/* Its deadline has passed. */
void pgconn_attempt_timed_out(struct pgconn *conn);

/* The setup statement is done. Takes `result`. */
void pgconn_setup_done(struct pgconn *conn, PGresult *result);

void pgconn_drop_addresses(struct pgconn *conn);

/* PQresultStatus() is one of the successes. */
bool pgconn_is_success(const PGresult *result);

#endif
