/* pgconn_connect.c - from a conninfo to an open session.
 *
 * Hosts and their addresses are tried one after the other, each with its share of the
 * deadline, so that a silent first one does not eat the time of the second. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pgconn_private.h"

static void try_next_target(struct pgconn *conn);
static void try_address(struct pgconn *conn);

void pgconn_forget_failure(struct pgconn *conn)
{
    conn->reach = REACH_UNKNOWN;
    conn->sqlstate[0] = '\0';
    free(conn->message);
    conn->message = NULL;
}

/* Add one failed attempt to what has been learnt. */
void pgconn_learn(struct pgconn *conn,
                  enum reach reach,
                  const char *sqlstate,
                  const char *message)
{
    char *all;

    if (conn->message == NULL ||
        pgconn_verdict_better(conn->reach, reach) != conn->reach) {
        conn->reach = reach;
        (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", sqlstate);
    }
    all = xasprintf("%s%s%s", conn->message == NULL ? "" : conn->message,
                    conn->message == NULL ? "" : "\n", message);
    free(conn->message);
    conn->message = all;
}

void pgconn_drop_addresses(struct pgconn *conn)
{
    for (int i = 0; i < RESOLVE_MAX_ADDRESSES; i++) {
        free(conn->addresses[i]);
        conn->addresses[i] = NULL;
    }
    conn->n_addresses = 0;
}

static int64_t remaining_ms(const struct pgconn *conn)
{
    return mono_diff(conn->deadline, mono_now());
}

static const struct pgconn_target *present_target(const struct pgconn *conn)
{
    return &conn->params.targets[conn->target];
}

/* An equal share of what is left for each attempt that is left, as far as they are
 * known: hosts that are still to be looked up count once. */
static int64_t share_ms(const struct pgconn *conn)
{
    int attempts = conn->params.n_targets - conn->target - 1;

    attempts +=
        conn->n_addresses > conn->address ? conn->n_addresses - conn->address : 1;
    return remaining_ms(conn) / attempts;
}

void pgconn_attempt_failed(struct pgconn *conn,
                           enum reach reach,
                           const char *sqlstate,
                           const char *message)
{
    char *text CLEANUP(cleanup_free) = xstrdup(message); /* may be libpq's own */

    pgconn_learn(conn, reach, sqlstate, text);
    pgconn_drop_session(conn);
    conn->address++;
    if (reach == REACH_REJECTED || reach == REACH_FAILED) {
        pgconn_post_failure(conn); /* it is there; libpq does not look further either */
    } else if (remaining_ms(conn) <= 0) {
        pgconn_post_failure(conn);
    } else if (conn->address < conn->n_addresses) {
        try_address(conn);
    } else {
        conn->target++;
        try_next_target(conn);
    }
}

/* libpq failed: its own words decide. */
void pgconn_attempt_failed_in_libpq(struct pgconn *conn)
{
    const char *message = PQerrorMessage(conn->pg);
    char sqlstate[SQLSTATE_SIZE];
    enum reach reach = pgconn_verdict(message, conn->stage, sqlstate);

    pgconn_attempt_failed(conn, reach, sqlstate, message);
}

/* The deadline of one attempt. */
void pgconn_attempt_timed_out(struct pgconn *conn)
{
    const struct pgconn_target *target = present_target(conn);
    const char *address = conn->addresses[conn->address];
    char *text CLEANUP(cleanup_free) = NULL;

    if (address == NULL)
        address = target->hostaddr;
    text = xasprintf("no answer in time from server at \"%s\"%s%s%s, port %s",
                     target->host != NULL ? target->host
                     : address != NULL    ? address
                                          : "local socket",
                     address != NULL ? " (" : "", address != NULL ? address : "",
                     address != NULL ? ")" : "",
                     target->port != NULL ? target->port : "default");
    pgconn_attempt_failed(conn, REACH_SILENT, "", text);
}

static void on_resolved(void *arg, const struct resolve_answer *answer)
{
    struct pgconn *conn = arg;

    conn->lookup = NULL;
    if (answer->code < 0) {
        conn->n_addresses = 0;
        /* A name without an address leads nowhere; a name server that does not answer
         * says nothing of the host. */
        pgconn_attempt_failed(conn,
                              answer->code == -ENOENT ? REACH_SILENT : REACH_UNKNOWN,
                              "", answer->message);
        return;
    }
    for (int i = 0; i < answer->n_addresses; i++)
        conn->addresses[i] = xstrdup(answer->addresses[i]);
    conn->n_addresses = answer->n_addresses;
    try_address(conn);
}

static void try_next_target(struct pgconn *conn)
{
    const struct pgconn_target *target;

    pgconn_drop_addresses(conn);
    conn->address = 0;
    if (conn->target == conn->params.n_targets) {
        pgconn_post_failure(conn);
        return;
    }
    target = present_target(conn);
    if (!target->is_name) {
        conn->n_addresses = 1;
        try_address(conn);
        return;
    }
    /* Half of the share: if no name server answers, a remembered address is tried in
     * the other half. */
    conn->state = STATE_RESOLVING;
    conn->lookup = resolve_start(conn->resolve, target->host, share_ms(conn) / 2 + 1,
                                 on_resolved, conn);
}

void pgconn_try_first_target(struct pgconn *conn)
{
    conn->target = 0;
    try_next_target(conn);
}

/* Notices that libpq would print to standard error. The last one is why the server ends
 * the session: a FATAL that arrives between statements comes as a notice, and only the
 * end of file after it is the loss (postgres-facts 11). */
static void on_notice(void *arg, const PGresult *result)
{
    struct pgconn *conn = arg;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    free(conn->notice);
    conn->notice = text == NULL ? NULL : xstrdup(text);
    (void)snprintf(conn->notice_sqlstate, sizeof conn->notice_sqlstate, "%s",
                   sqlstate == NULL ? "" : sqlstate);
}

static void try_address(struct pgconn *conn)
{
    locale_t before = uselocale(conn->c_locale);

    conn->pg = pgconn_params_start(&conn->params, present_target(conn),
                                   conn->addresses[conn->address]);
    (void)uselocale(before);
    conn->state = STATE_CONNECTING;
    conn->stage = CONNECTION_NEEDED;
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        pgconn_attempt_failed_in_libpq(conn);
        return;
    }
    /* Now, before the server can have said anything: then its refusal ends in its
     * SQLSTATE, which does not depend on lc_messages (postgres-facts 10). */
    (void)PQsetErrorVerbosity(conn->pg,
                              conn->verbose ? PQERRORS_VERBOSE : PQERRORS_SQLSTATE);
    (void)PQsetNoticeReceiver(conn->pg, on_notice, conn);
    pgconn_arm_timer(conn, share_ms(conn));
    pgconn_watch(conn, EV_WRITE); /* as the manual says, as if it had asked for that */
}

/* The first statement of a session: settings that older servers do not know and would
 * refuse in the start-up packet, and whose process we really talk to. */
static const char *setup_sql(int version)
{
    if (version >= 170000)
        return "SELECT pg_catalog.pg_backend_pid(),"
               " pg_catalog.set_config('idle_session_timeout', '0', false),"
               " pg_catalog.set_config('client_connection_check_interval', '1s', "
               "false),"
               " pg_catalog.set_config('transaction_timeout', '0', false)";
    if (version >= 140000)
        return "SELECT pg_catalog.pg_backend_pid(),"
               " pg_catalog.set_config('idle_session_timeout', '0', false),"
               " pg_catalog.set_config('client_connection_check_interval', '1s', "
               "false)";
    return "SELECT pg_catalog.pg_backend_pid()";
}

static void connected(struct pgconn *conn)
{
    (void)PQsetnonblocking(conn->pg, 1);
    (void)PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
    pgconn_drop_notice(conn);
    if (conn->replication) {
        pgconn_become_idle(conn);
        pgconn_deliver(conn, REACH_OK, NULL, "", "");
        return;
    }
    conn->state = STATE_SETTING_UP;
    if (PQsendQuery(conn->pg, setup_sql(PQserverVersion(conn->pg))) != 1) {
        pgconn_attempt_failed_in_libpq(conn);
        return;
    }
    pgconn_arm_timer(conn, remaining_ms(conn));
    pgconn_watch(conn, EV_READ | EV_WRITE);
}

void pgconn_on_connecting(struct pgconn *conn)
{
    locale_t before = uselocale(conn->c_locale);
    PostgresPollingStatusType status;

    /* libpq may close the socket in there and open another with the same number. */
    ev_io_stop(conn->loop, &conn->io);
    conn->stage = PQstatus(conn->pg);
    status = PQconnectPoll(conn->pg);
    (void)uselocale(before);
    if (PQstatus(conn->pg) != CONNECTION_BAD)
        conn->stage = PQstatus(conn->pg);
    switch (status) {
    case PGRES_POLLING_READING:
        pgconn_watch(conn, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        pgconn_watch(conn, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        connected(conn);
        break;
    default:
        pgconn_attempt_failed_in_libpq(conn);
    }
}

bool pgconn_is_success(const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        return true;
    default:
        return false;
    }
}

void pgconn_setup_done(struct pgconn *conn, PGresult *result)
{
    if (!pgconn_is_success(result)) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        if (sqlstate == NULL)
            sqlstate = "";
        pgconn_attempt_failed(conn,
                              pgconn_verdict_of_sqlstate(sqlstate) == REACH_STARTING
                                  ? REACH_STARTING /* it stops just now */
                                  : REACH_FAILED,
                              sqlstate, PQresultErrorMessage(result));
        PQclear(result);
        return;
    }
    /* A pooler invents the key data of the start-up; the process tells the truth. */
    conn->pooled = atoi(PQgetvalue(result, 0, 0)) != PQbackendPID(conn->pg);
    PQclear(result);
    pgconn_become_idle(conn);
    pgconn_deliver(conn, REACH_OK, NULL, "", "");
}
