/* replconn.c - see replconn.h. */
#include "replconn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "conninfo.h"
#include "gather.h"
#include "mono.h"
#include "pgconn_verdict.h"
#include "queries.h"
#include "session.h"

static void deinit_params(struct conninfo_params *params)
{
    conninfo_params_deinit(params);
}

/* Drive the asynchronous connect, so that the deadline is ours and the failure carries
 * its SQLSTATE (postgres-facts 10). */
static bool connect_by(PGconn *conn, struct mono deadline)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQsocket(conn),
                            .events =
                                state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int64_t left = mono_diff(deadline, mono_now());

        if (left <= 0)
            return false;
        if (poll(&fd, 1, (int)left) > 0)
            state = PQconnectPoll(conn);
    }
    (void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    return PQstatus(conn) == CONNECTION_OK;
}

/* Our address as the server sees it, NATs aside; "" on a socket. */
static void local_address(PGconn *beside, char *buf, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    const void *raw = NULL;

    buf[0] = '\0';
    if (beside == NULL ||
        getsockname(PQsocket(beside), (struct sockaddr *)&address, &length) != 0)
        return;
    if (address.ss_family == AF_INET)
        raw = &((const struct sockaddr_in *)&address)->sin_addr;
    else if (address.ss_family == AF_INET6)
        raw = &((const struct sockaddr_in6 *)&address)->sin6_addr;
    if (raw != NULL)
        (void)inet_ntop(address.ss_family, raw, buf, (socklen_t)size);
}

static void hint_no_entry(PGconn *beside, const char *user, struct err *err)
{
    char address[INET6_ADDRSTRLEN];

    local_address(beside, address, sizeof address);
    if (beside != NULL && address[0] == '\0')
        err_hint(err,
                 "add \"local replication %s peer\" (or \"trust\") to that server's "
                 "pg_hba.conf and execute \"SELECT pg_reload_conf()\" there",
                 user);
    else
        err_hint(err,
                 "add \"host replication %s %s/%d scram-sha-256\" to that server's "
                 "pg_hba.conf and execute \"SELECT pg_reload_conf()\" there",
                 user, address[0] != '\0' ? address : "ADDRESS",
                 strchr(address, ':') != NULL ? 128 : 32);
}

static void
hint(const char *sqlstate, const char *conninfo, PGconn *beside, struct err *err)
{
    char *user CLEANUP(cleanup_free) = conninfo_get(conninfo, "user");
    const char *name = user != NULL ? user : "ROLE";

    if (strcmp(sqlstate, "28000") == 0)
        hint_no_entry(beside, name, err);
    else if (strcmp(sqlstate, "28P01") == 0)
        err_hint(
            err,
            "put the right password for role \"%s\" into the password file "
            "~/.pgpass (or \"passfile\") as \"HOST:PORT:replication:%s:PASSWORD\", "
            "mode 0600",
            name, name);
    else if (strcmp(sqlstate, "42501") == 0)
        err_hint(err, "execute \"ALTER ROLE %s REPLICATION\" on the primary", name);
    else if (strcmp(sqlstate, "53300") == 0)
        err_hint(err, "raise \"max_wal_senders\" there and restart it");
    else
        err_hint(err, "see the log of that server");
}

static int refused(PGconn *conn,
                   const char *conninfo,
                   const char *what,
                   PGconn *beside,
                   struct err *err)
{
    char *shown CLEANUP(cleanup_free) = conninfo_redact(conninfo);
    char *message CLEANUP(cleanup_free) = pgconn_tidy(PQerrorMessage(conn));
    char sqlstate[SQLSTATE_SIZE] = "";

    (void)pgconn_verdict(PQerrorMessage(conn), CONNECTION_MADE, sqlstate);
    (void)err_set(err, EXIT_CODE_DB_CONN,
                  "could not open a replication connection to %s", what);
    err_detail(err, "%s\nattempted to connect using \"%s\"",
               message[0] != '\0' ? message : "no answer in time", shown);
    hint(sqlstate, conninfo, beside, err);
    return EXIT_CODE_DB_CONN;
}

int replconn_open(const char *conninfo,
                  const char *what,
                  PGconn *beside,
                  PGconn **ret,
                  struct err *err)
{
    const struct conninfo_change changes[] = {
        {"replication", "true"},
        {"options",     NULL  }
    };
    struct conninfo_params params CLEANUP(deinit_params) = CONNINFO_PARAMS_NULL;
    struct mono deadline = mono_add(mono_now(), gather_deadline_ms(conninfo));
    PGconn *conn CLEANUP(session_close) = NULL;

    *ret = NULL;
    if (conninfo_params_init(&params, conninfo, changes, 2, err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    conn = PQconnectStartParams(params.keywords, params.values, 0);
    if (conn == NULL)
        err_out_of_memory();
    if (!connect_by(conn, deadline))
        return refused(conn, conninfo, what, beside, err);
    *ret = conn;
    conn = NULL;
    return EXIT_CODE_SUCCESS;
}

/* A replication command and its one row. */
static PGresult *command(PGconn *conn, const char *text, struct err *err)
{
    PGresult *res = PQexec(conn, text);
    char *message CLEANUP(cleanup_free) = NULL;

    if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1)
        return res;
    message = pgconn_tidy(PQerrorMessage(conn));
    (void)err_set(err, EXIT_CODE_DB_QUERY, "replication command \"%s\" failed", text);
    err_detail(err, "%s", message);
    PQclear(res);
    return NULL;
}

int replconn_identify(PGconn *conn, struct replication_end *ret, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = command(conn, "IDENTIFY_SYSTEM", err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    ret->system_identifier = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    ret->timeline = (int)query_int64(res, 0, 1, 0);
    ret->position = query_lsn(res, 0, 2);
    return EXIT_CODE_SUCCESS;
}

int replconn_history(PGconn *conn, int timeline, char **ret, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = NULL;
    char text[48];

    *ret = NULL;
    if (timeline <= 1)
        return EXIT_CODE_SUCCESS;
    (void)snprintf(text, sizeof text, "TIMELINE_HISTORY %d", timeline);
    res = command(conn, text, err);
    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    *ret = xstrdup(PQgetvalue(res, 0, 1));
    return EXIT_CODE_SUCCESS;
}
