/* queries_run.c - running statements and blocking, for the CLI; building some. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "queries.h"

void query_clear(PGresult **res)
{
    PQclear(*res);
    *res = NULL;
}

/* Take what the server or libpq says of a failure; it may quote a conninfo. */
static void fail(PGconn *conn, const PGresult *res, const char *what, struct err *err)
{
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    char *text CLEANUP(cleanup_free) =
        conninfo_redact(primary != NULL ? primary : PQerrorMessage(conn));

    text[strcspn(text, "\n")] = '\0';
    (void)err_set(err, -EIO, "%s failed", what);
    err_detail(err, "%s", text[0] != '\0' ? text : "the connection was lost");
    if (detail != NULL) {
        char *more CLEANUP(cleanup_free) = conninfo_redact(detail);

        err_detail(err, "%s\n%s", text, more);
    }
}

static bool succeeded(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
           status == PGRES_EMPTY_QUERY;
}

PGresult *query_run_state(PGconn *conn,
                          const struct query *query,
                          const char *const *params,
                          char ret_sqlstate[static 6],
                          struct err *err)
{
    char what[96];
    const char *sqlstate;
    PGresult *res;

    ret_sqlstate[0] = '\0';
    (void)snprintf(what, sizeof what, "query \"%s\"", query->name);
    if (PQstatus(conn) == CONNECTION_OK && PQserverVersion(conn) < query->min_version) {
        (void)err_set(err, -EPROTO, "%s needs PostgreSQL %d or later", what,
                      query->min_version / 10000);
        return NULL;
    }
    res = PQexecParams(conn, query->text, query->n_params, NULL, params, NULL, NULL, 0);
    if (succeeded(res))
        return res;
    sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL)
        (void)snprintf(ret_sqlstate, 6, "%s", sqlstate);
    fail(conn, res, what, err);
    PQclear(res);
    return NULL;
}

PGresult *query_run(PGconn *conn,
                    const struct query *query,
                    const char *const *params,
                    struct err *err)
{
    char sqlstate[6];

    return query_run_state(conn, query, params, sqlstate, err);
}

int query_exec(PGconn *conn, const char *text, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = PQexec(conn, text);

    if (succeeded(res))
        return 0;
    fail(conn, res, "statement", err);
    return -EIO;
}

char *query_build_alter_system(PGconn *conn, const char *name, const char *value)
{
    char *literal, *text;

    if (name[0] == '\0' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] != '\0')
        return NULL;
    if (value == NULL)
        return xasprintf("ALTER SYSTEM RESET %s", name);
    literal = PQescapeLiteral(conn, value, strlen(value));
    if (literal == NULL)
        return NULL;
    text = xasprintf("ALTER SYSTEM SET %s = %s", name, literal);
    PQfreemem(literal);
    return text;
}
