/* session.c - opening sessions, and errors that say what to do. */
#include "session.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "gather.h"
#include "log.h"
#include "notification.h"
#include "queries.h"

#define ACTIVE_PRIMARY_HINT                                                            \
    "see \"pgrmon cluster show\"; if a standby is to take over by hand, execute "      \
    "\"pgrmon standby promote\" there"

void session_close(PGconn **conn)
{
    PQfinish(*conn);
    *conn = NULL;
}

/* A keyword of `conninfo`, or what libpq would take. Freed by the caller. */
static char *part(const char *conninfo, const char *keyword, const char *otherwise)
{
    char *value = conninfo_get(conninfo, keyword);

    return value != NULL ? value : xstrdup(otherwise);
}

/* libpq's own word, for want of a SQLSTATE; its texts are not translated here, since
 * main.c leaves LC_MESSAGES alone. */
static bool needs_password(const struct gather_failure *failure)
{
    return strcmp(failure->sqlstate, "28P01") == 0 ||
           strstr(failure->message, "no password supplied") != NULL;
}

static void hint_rejected(const struct gather_failure *failure,
                          const char *conninfo,
                          struct err *err)
{
    const char *sqlstate = failure->sqlstate;
    char *user CLEANUP(cleanup_free) = part(conninfo, "user", "ROLE");
    char *dbname CLEANUP(cleanup_free) = part(conninfo, "dbname", user);

    if (needs_password(failure))
        err_hint(err,
                 "put the right password for role \"%s\" into the password file "
                 "~/.pgpass as \"HOST:PORT:%s:%s:PASSWORD\", mode 0600",
                 user, dbname, user);
    else if (strcmp(sqlstate, "28000") == 0)
        err_hint(err,
                 "add \"host %s %s ADDRESS/32 scram-sha-256\" to that server's "
                 "pg_hba.conf, or create the role with \"createuser --replication "
                 "%s\", and execute \"SELECT pg_reload_conf()\" there",
                 dbname, user, user);
    else if (strcmp(sqlstate, "3D000") == 0)
        err_hint(err,
                 "create it on the primary with \"createdb -O %s %s\", or name another "
                 "with \"-d\"",
                 user, dbname);
    else if (strcmp(sqlstate, "53300") == 0)
        err_hint(err, "raise \"max_connections\" or end sessions that are not needed");
    else
        err_hint(err, "try \"psql\" with the same host, port, role and database");
}

static void hint_failure(const struct gather_failure *failure,
                         const char *conninfo,
                         struct err *err)
{
    char *host CLEANUP(cleanup_free) = part(conninfo, "host", "/var/run/postgresql");
    char *port CLEANUP(cleanup_free) = part(conninfo, "port", "5432");

    switch (failure->reach) {
    case REACH_STARTING:
        err_hint(err, "wait with \"pg_isready -h %s -p %s\" and try again", host, port);
        return;
    case REACH_REFUSED:
        err_hint(err,
                 "start PostgreSQL there, or correct host and port; \"pg_isready -h %s "
                 "-p %s\" tells whether it listens",
                 host, port);
        return;
    case REACH_SILENT:
        err_hint(err,
                 "check host, network and firewall with \"pg_isready -h %s -p %s\"",
                 host, port);
        return;
    case REACH_UNUSABLE:
        err_hint(err, "correct the connection string");
        return;
    case REACH_UNKNOWN:
        err_hint(err, "check the name server in /etc/resolv.conf");
        return;
    case REACH_REJECTED:
    case REACH_FAILED:
        hint_rejected(failure, conninfo, err);
        return;
    case REACH_OK:
        return;
    }
}

int session_open(const char *conninfo,
                 const char *what,
                 PGconn **ret_conn,
                 struct err *err)
{
    struct gather_failure failure;
    char *shown CLEANUP(cleanup_free) = conninfo_redact(conninfo);

    log_debug("connecting to %s using \"%s\"", what, shown);
    *ret_conn = gather_open(conninfo, &failure);
    if (*ret_conn != NULL)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_DB_CONN, "could not connect to %s", what);
    err_detail(err, "%s\nattempted to connect using:\n  %s", failure.message, shown);
    hint_failure(&failure, conninfo, err);
    return EXIT_CODE_DB_CONN;
}

static int schema_missing(PGconn *conn, struct err *err)
{
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "there is no pgrmon metadata in database \"%s\"", PQdb(conn));
    err_hint(err,
             "register the primary first, by executing \"pgrmon primary register\" "
             "there, or name the right database with \"-d\"");
    return EXIT_CODE_BAD_CONFIG;
}

static int judge_schema(PGconn *conn, int version, struct err *err)
{
    if (version == QUERY_SCHEMA_VERSION)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "the metadata in database \"%s\" is of %s version", PQdb(conn),
                  version < QUERY_SCHEMA_VERSION ? "an older" : "a newer");
    err_detail(err,
               "schema \"pgrmon\" has version %d, this program works with version %d",
               version, QUERY_SCHEMA_VERSION);
    if (version < QUERY_SCHEMA_VERSION)
        err_hint(err, "execute \"pgrmon cluster upgrade\"");
    else
        err_hint(err, "install the newer pgrmon on this host, as on the others");
    return EXIT_CODE_BAD_CONFIG;
}

int session_schema_version(PGconn *conn, int *ret_version, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = NULL;
    char sqlstate[6];

    res = query_run_state(conn, &query_schema_version, NULL, sqlstate, err);
    if (res != NULL && PQntuples(res) == 1) {
        *ret_version = (int)query_int64(res, 0, 0, 0);
        return EXIT_CODE_SUCCESS;
    }
    if (res != NULL || strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0)
        return schema_missing(conn, err);
    err_prefix(err, "could not read the metadata of database \"%s\"", PQdb(conn));
    if (strcmp(sqlstate, "42501") == 0)
        err_hint(err, "connect as the role that owns schema \"pgrmon\", with \"-U\"");
    return EXIT_CODE_DB_QUERY;
}

int session_check_schema(PGconn *conn, struct err *err)
{
    int version = 0;
    int code = session_schema_version(conn, &version, err);

    return code != EXIT_CODE_SUCCESS ? code : judge_schema(conn, version, err);
}

int session_nodes(PGconn *conn, struct nodeset *ret_set, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = query_run(conn, &query_nodes, NULL, err);

    if (res == NULL || query_decode_nodes(res, ret_set, err) < 0)
        return EXIT_CODE_DB_QUERY;
    return EXIT_CODE_SUCCESS;
}

int session_open_any(struct cmd_context *context,
                     PGconn **ret_conn,
                     struct nodeset *ret_set,
                     struct err *err)
{
    PGconn *conn = NULL;
    bool witness = context->config.type == CONFIG_NODE_WITNESS;
    int code = session_open(cmd_conninfo(context),
                            context->source_conninfo != NULL ? "the given node"
                            : witness ? "any data node of \"conninfo\""
                                      : "the local node",
                            &conn, err);

    if (code != EXIT_CODE_SUCCESS) {
        if (context->source_conninfo == NULL && !witness)
            err_hint(
                err,
                "start PostgreSQL here, or ask another node with \"-h HOST -U ROLE "
                "-d DATABASE\"");
        return code;
    }
    code = session_check_schema(conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(conn, ret_set, err);
    if (code != EXIT_CODE_SUCCESS || ret_conn == NULL)
        session_close(&conn);
    if (ret_conn != NULL)
        *ret_conn = conn;
    return code;
}

/* "node \"node1\" (ID: 1): in recovery" and so on, a line each, for the DETAIL. */
static void
list_answers(const struct nodeset *set, const struct gathered *answers, struct err *err)
{
    char text[sizeof err->detail] = "";
    size_t used = 0;

    for (int i = 0; i < set->n && used < sizeof text; i++) {
        const struct gathered *a = &answers[i];
        int n = snprintf(text + used, sizeof text - used, "%snode \"%s\" (ID: %d): %s",
                         i > 0 ? "\n" : "", set->v[i].name, set->v[i].id,
                         set->v[i].role == CORE_ROLE_WITNESS ? "is a witness"
                         : a->seen.reach != REACH_OK         ? a->message
                         : a->seen.in_recovery               ? "is a standby"
                                                             : "is a primary");

        used += n > 0 ? (size_t)n : 0;
    }
    err_detail(err, "%s", text);
}

/* Index of the only node out of recovery; -1 with `*ret_n` saying how many there are.
 */
static int only_primary(int n, const struct gathered *answers, int *ret_n)
{
    int found = -1;

    *ret_n = 0;
    for (int i = 0; i < n; i++)
        if (answers[i].seen.reach == REACH_OK && !answers[i].seen.in_recovery) {
            found = i;
            (*ret_n)++;
        }
    return *ret_n == 1 ? found : -1;
}

static int no_primary(const struct nodeset *set,
                      const struct gathered *answers,
                      int n_primaries,
                      struct err *err)
{
    int code;

    if (n_primaries == 0)
        code = err_set(err, EXIT_CODE_DB_CONN, "no node is a reachable primary");
    else
        code = err_set(err, EXIT_CODE_BAD_CONFIG,
                       "%d nodes are primaries (split brain)", n_primaries);
    list_answers(set, answers, err);
    if (n_primaries == 0)
        err_hint(err, ACTIVE_PRIMARY_HINT);
    else
        err_hint(err,
                 "decide which one holds the data to keep, and stop the others with "
                 "\"pg_ctl stop -D DIRECTORY\"");
    return code;
}

int session_open_primary(struct cmd_context *context,
                         PGconn **ret_conn,
                         struct nodeset *ret_set,
                         int *ret_node_id,
                         struct err *err)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    char what[CORE_NAME_SIZE + 48];
    int n_primaries;
    int code;
    int i;

    code = session_open_any(context, NULL, ret_set, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    gather_probe(ret_set, answers);
    i = only_primary(ret_set->n, answers, &n_primaries);
    if (i < 0)
        return no_primary(ret_set, answers, n_primaries, err);
    *ret_node_id = ret_set->v[i].id;
    (void)snprintf(what, sizeof what, "primary node \"%s\" (ID: %d)",
                   ret_set->v[i].name, ret_set->v[i].id);
    code = session_open(ret_set->v[i].conninfo, what, ret_conn, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    code = session_nodes(*ret_conn, ret_set, err); /* the copy that is surely current */
    if (code != EXIT_CODE_SUCCESS)
        session_close(ret_conn);
    return code;
}

void session_event(struct cmd_context *context,
                   PGconn *primary,
                   int node_id,
                   const char *event,
                   bool successful,
                   const char *details)
{
    char id[16];
    char *safe CLEANUP(cleanup_free) = conninfo_redact(details);
    const char *params[] = {id, event, successful ? "true" : "false", safe, NULL};
    const char *timestamp = NULL;
    struct err err = ERR_INIT;
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", node_id);
    res = query_run(primary, &query_record_event, params, &err);
    if (res == NULL) {
        err_prefix(&err, "could not record event \"%s\"", event);
        log_err(LOG_LEVEL_WARNING, &err);
    } else {
        timestamp = query_text(res, 0, 1);
    }
    notification_run(context, node_id, event, successful,
                     timestamp != NULL ? timestamp : "", safe);
}
