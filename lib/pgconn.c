/* pgconn.c - asynchronous libpq on libev (PostgreSQL manual, section 34.4).
 *
 *   closed -> resolving -> connecting -> setting up -> idle <-> busy
 *                ^             |
 *                +-- next host or address     (these: pgconn_connect.c)
 *
 * A statement that outlives its deadline is not cancelled by PQcancel(), which blocks
 * (and on a dead host for long). The session is closed instead; the server notices
 * within a second (client_connection_check_interval, PostgreSQL 14 and later) or by the
 * statement_timeout that every session of ours has. */
#include "pgconn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pgconn_private.h"

/*
 * Watchers.
 */

void pgconn_arm_timer(struct pgconn *conn, int64_t ms)
{
    ev_timer_stop(conn->loop, &conn->timer);
    ev_now_update(conn->loop); /* the loop may have been busy for a while */
    ev_timer_set(&conn->timer, ms < 0 ? 0. : (double)ms / 1000., 0.);
    ev_timer_start(conn->loop, &conn->timer);
}

/* Watch libpq's socket, which may be another one after each PQconnectPoll(). */
void pgconn_watch(struct pgconn *conn, int events)
{
    ev_io_stop(conn->loop, &conn->io);
    if (events == 0 || PQsocket(conn->pg) < 0)
        return;
    ev_io_set(&conn->io, PQsocket(conn->pg), events);
    ev_io_start(conn->loop, &conn->io);
}

void pgconn_drop_session(struct pgconn *conn)
{
    ev_io_stop(conn->loop, &conn->io);
    ev_timer_stop(conn->loop, &conn->timer);
    PQclear(conn->result);
    conn->result = NULL;
    /* Says goodbye without blocking: the socket is in non-blocking mode. */
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->pooled = false;
}

/* Everything but the answer that is being made. */
static void become_closed(struct pgconn *conn)
{
    pgconn_drop_session(conn);
    resolve_cancel(conn->lookup);
    conn->lookup = NULL;
    pgconn_drop_addresses(conn);
    pgconn_params_deinit(&conn->params);
    conn->state = STATE_CLOSED;
}

/*
 * Answers.
 */

/* Call back. The callback may free `conn`: nothing of it is touched afterwards. */
void pgconn_deliver(struct pgconn *conn,
                    enum reach reach,
                    PGresult *result,
                    const char *sqlstate,
                    const char *message)
{
    struct pgconn_answer answer = {
        .reach = reach, .result = result, .sqlstate = sqlstate};
    pgconn_cb *cb = conn->cb;
    void *arg = conn->arg;
    char *text CLEANUP(cleanup_free) = pgconn_tidy(message);

    answer.message = text;
    conn->cb = NULL;
    ev_timer_stop(conn->loop, &conn->timer);
    if (cb != NULL)
        cb(conn, arg, &answer);
    PQclear(result);
}

static void on_post(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pgconn *conn = timer->data;
    char *message CLEANUP(cleanup_free) = conn->message;
    char sqlstate[SQLSTATE_SIZE];

    (void)loop;
    (void)revents;
    conn->message = NULL;
    (void)memcpy(sqlstate, conn->sqlstate, sizeof sqlstate);
    pgconn_deliver(conn, conn->reach, NULL, sqlstate, message == NULL ? "" : message);
}

/* Close, and answer with what has been learnt, from the loop. */
void pgconn_post_failure(struct pgconn *conn)
{
    become_closed(conn);
    ev_timer_stop(conn->loop, &conn->post_timer);
    ev_timer_set(&conn->post_timer, 0., 0.);
    ev_timer_start(conn->loop, &conn->post_timer);
}

/* The session is over: in the middle of a request its callback hears it, between
 * requests the one for losses. */
static void lose(struct pgconn *conn, enum reach reach, const char *message)
{
    char sqlstate[SQLSTATE_SIZE];
    char *text CLEANUP(cleanup_free) = NULL;

    text = xasprintf("%s%s%s", conn->notice == NULL ? "" : conn->notice,
                     conn->notice == NULL ? "" : "\n", message);
    (void)memcpy(sqlstate, conn->notice_sqlstate, sizeof sqlstate);
    if (conn->state == STATE_IDLE) {
        conn->cb = conn->loss_cb;
        conn->arg = conn->loss_arg;
    }
    become_closed(conn);
    pgconn_deliver(conn, reach, NULL, sqlstate, text);
}

/*
 * Statements.
 */

void pgconn_drop_notice(struct pgconn *conn)
{
    free(conn->notice);
    conn->notice = NULL;
    conn->notice_sqlstate[0] = '\0';
}

void pgconn_become_idle(struct pgconn *conn)
{
    conn->state = STATE_IDLE;
    ev_timer_stop(conn->loop, &conn->timer);
    pgconn_watch(conn, EV_READ);
}

/* PG_DIAG_SEVERITY_NONLOCALIZED of an error that ends the session. */
static bool is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity != NULL &&
           (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static void statement_failed(struct pgconn *conn, PGresult *result)
{
    const char *field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    char *text CLEANUP(cleanup_free) = xstrdup(PQresultErrorMessage(result));
    char sqlstate[SQLSTATE_SIZE];

    (void)snprintf(sqlstate, sizeof sqlstate, "%s", field == NULL ? "" : field);
    /* A failure without SQLSTATE is libpq's own: the connection broke. */
    if (is_fatal(result) || field == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        PQclear(result);
        pgconn_drop_notice(conn);
        (void)memcpy(conn->notice_sqlstate, sqlstate, sizeof sqlstate);
        lose(conn, pgconn_verdict_of_loss(text), text);
        return;
    }
    PQclear(result);
    pgconn_become_idle(conn);
    pgconn_deliver(conn, REACH_FAILED, NULL, sqlstate, text);
}

static void give_notifications(struct pgconn *conn)
{
    PGnotify *notify;

    while ((notify = PQnotifies(conn->pg)) != NULL) {
        if (conn->notify_cb != NULL)
            conn->notify_cb(conn->notify_arg, notify->relname, notify->extra);
        PQfreemem(notify);
    }
}

static void statement_done(struct pgconn *conn)
{
    PGresult *result = conn->result;

    conn->result = NULL;      /* never NULL before: libpq gives at least one */
    give_notifications(conn); /* libpq has them; no event of the socket will say so */
    if (conn->state == STATE_SETTING_UP) {
        pgconn_setup_done(conn, result);
    } else if (!pgconn_is_success(result)) {
        statement_failed(conn, result);
    } else {
        pgconn_become_idle(conn);
        pgconn_deliver(conn, REACH_OK, result, "", "");
    }
}

/* Keep one result: the first that failed, else the last. */
static void keep_result(struct pgconn *conn, PGresult *result)
{
    if (conn->result != NULL && !pgconn_is_success(conn->result)) {
        PQclear(result);
        return;
    }
    PQclear(conn->result);
    conn->result = result;
}

/* Fetch what has arrived. Returns true when the statement is complete. */
static bool collect(struct pgconn *conn)
{
    while (!PQisBusy(conn->pg)) {
        PGresult *result = PQgetResult(conn->pg);
        ExecStatusType status = PQresultStatus(result);

        if (result == NULL)
            return true;
        keep_result(conn, result);
        /* COPY would go on for ever and nobody here speaks it: neither a success nor an
         * SQLSTATE, so the session ends. */
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
            status == PGRES_COPY_BOTH)
            return true;
    }
    return false;
}

static void session_broke(struct pgconn *conn)
{
    char *text CLEANUP(cleanup_free) = xstrdup(PQerrorMessage(conn->pg));

    if (conn->state == STATE_SETTING_UP)
        pgconn_attempt_failed(conn, pgconn_verdict_of_loss(text), "", text);
    else
        lose(conn, pgconn_verdict_of_loss(text), text);
}

/* A statement is under way and something came. The callback may free `conn`. */
static void on_statement(struct pgconn *conn, bool consumed)
{
    if (consumed) {
        if (collect(conn))
            statement_done(conn);
        return;
    }
    /* The end of file. An error that came before it explains it; a success without the
     * server's "ready for query" is none. */
    (void)collect(conn);
    if (conn->result != NULL && !pgconn_is_success(conn->result))
        statement_done(conn);
    else
        session_broke(conn);
}

static void on_session(struct pgconn *conn, int revents)
{
    locale_t before = uselocale(conn->c_locale);
    bool consumed = (revents & EV_READ) == 0 || PQconsumeInput(conn->pg) == 1;
    int flushed = PQflush(conn->pg); /* 1: not all; -1: the next read says why */

    (void)uselocale(before);
    if (flushed == 0 && (revents & EV_WRITE) != 0)
        pgconn_watch(conn, EV_READ);
    if (conn->state != STATE_IDLE) {
        on_statement(conn, consumed);
        return;
    }
    give_notifications(conn); /* has libpq parse what came, notices too */
    if (!consumed)
        session_broke(conn);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pgconn *conn = io->data;

    (void)loop;
    if (conn->state == STATE_CONNECTING)
        pgconn_on_connecting(conn);
    else
        on_session(conn, revents);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pgconn *conn = timer->data;
    char *text CLEANUP(cleanup_free) = NULL;

    (void)loop;
    (void)revents;
    if (conn->state != STATE_BUSY) {
        pgconn_attempt_timed_out(conn);
        return;
    }
    text = xasprintf("no answer to a query within %" PRId64 " ms", conn->deadline_ms);
    pgconn_drop_notice(conn);
    lose(conn, REACH_SILENT, text);
}

/*
 * Interface.
 */

struct pgconn *pgconn_new(struct ev_loop *loop, struct resolve *resolve)
{
    struct pgconn *conn = xcalloc(1, sizeof *conn);

    conn->loop = loop;
    conn->resolve = resolve;
    conn->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    conn->params = (struct pgconn_params)PGCONN_PARAMS_NULL;
    ev_init(&conn->io, on_io);
    ev_init(&conn->timer, on_timer);
    ev_init(&conn->post_timer, on_post);
    conn->io.data = conn->timer.data = conn->post_timer.data = conn;
    return conn;
}

void pgconn_close(struct pgconn *conn)
{
    ev_timer_stop(conn->loop, &conn->post_timer);
    become_closed(conn);
    pgconn_forget_failure(conn);
    pgconn_drop_notice(conn);
    conn->cb = NULL;
}

void pgconn_free(struct pgconn *conn)
{
    if (conn == NULL)
        return;
    pgconn_close(conn);
    freelocale(conn->c_locale);
    free(conn);
}

static void
accept_request(struct pgconn *conn, int64_t deadline_ms, pgconn_cb *cb, void *arg)
{
    assert(conn->cb == NULL && cb != NULL); /* one request at a time: our bug */
    conn->cb = cb;
    conn->arg = arg;
    conn->deadline_ms = deadline_ms;
    conn->deadline = mono_add(mono_now(), deadline_ms);
    pgconn_forget_failure(conn);
    pgconn_drop_notice(conn);
}

void pgconn_connect(struct pgconn *conn,
                    const char *conninfo,
                    const struct pgconn_options *options,
                    int64_t deadline_ms,
                    pgconn_cb *cb,
                    void *arg)
{
    struct err err = ERR_INIT;

    assert(conn->state == STATE_CLOSED);
    accept_request(conn, deadline_ms, cb, arg);
    conn->replication = options->replication;
    conn->verbose = options->verbose_errors;
    if (pgconn_params_init(&conn->params, conninfo, options, &err) < 0) {
        pgconn_learn(conn, REACH_UNUSABLE, "", err.text);
        if (err.detail[0] != '\0')
            pgconn_learn(conn, REACH_UNUSABLE, "", err.detail);
        pgconn_post_failure(conn);
        return;
    }
    pgconn_try_first_target(conn);
}

void pgconn_query(struct pgconn *conn,
                  const char *sql,
                  int n_params,
                  const char *const *params,
                  int64_t deadline_ms,
                  pgconn_cb *cb,
                  void *arg)
{
    int sent;

    accept_request(conn, deadline_ms, cb, arg);
    if (conn->state == STATE_CLOSED) {
        pgconn_learn(conn, REACH_REFUSED, "", "the session was lost before");
        pgconn_post_failure(conn);
        return;
    }
    assert(conn->state == STATE_IDLE);
    /* A walsender knows only the simple protocol. */
    sent =
        conn->replication && n_params == 0
            ? PQsendQuery(conn->pg, sql)
            : PQsendQueryParams(conn->pg, sql, n_params, NULL, params, NULL, NULL, 0);
    if (sent != 1) {
        pgconn_learn(conn, pgconn_verdict_of_loss(PQerrorMessage(conn->pg)), "",
                     PQerrorMessage(conn->pg));
        pgconn_post_failure(conn);
        return;
    }
    conn->state = STATE_BUSY;
    pgconn_arm_timer(conn, deadline_ms);
    pgconn_watch(conn, EV_READ | EV_WRITE);
}

void pgconn_on_loss(struct pgconn *conn, pgconn_cb *cb, void *arg)
{
    conn->loss_cb = cb;
    conn->loss_arg = arg;
}

void pgconn_on_notify(struct pgconn *conn, pgconn_notify_cb *cb, void *arg)
{
    conn->notify_cb = cb;
    conn->notify_arg = arg;
}

bool pgconn_is_idle(const struct pgconn *conn)
{
    return conn->state == STATE_IDLE;
}

bool pgconn_is_closed(const struct pgconn *conn)
{
    return conn->state == STATE_CLOSED && conn->cb == NULL;
}

bool pgconn_is_pooled(const struct pgconn *conn)
{
    return conn->pooled;
}

int pgconn_server_version(const struct pgconn *conn)
{
    if (conn->state != STATE_IDLE && conn->state != STATE_BUSY)
        return 0;
    return PQserverVersion(conn->pg);
}

PGconn *pgconn_release(struct pgconn *conn)
{
    PGconn *pg = conn->pg;

    assert(conn->state == STATE_IDLE);
    ev_io_stop(conn->loop, &conn->io);
    conn->pg = NULL;
    become_closed(conn);
    (void)PQsetnonblocking(pg, 0);
    return pg;
}

PGconn *pgconn_raw(struct pgconn *conn)
{
    return conn->state == STATE_IDLE || conn->state == STATE_BUSY ? conn->pg : NULL;
}
