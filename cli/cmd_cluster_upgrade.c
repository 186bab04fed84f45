/* cmd_cluster_upgrade.c - `cluster upgrade`: bring schema `pgrmon` to this program's
 * version, in one transaction. */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "conninfo.h"
#include "log.h"
#include "queries.h"
#include "schema.h"
#include "session.h"

/* The change must be made where it can be written. An old schema may not tell where. */
static int refuse_standby(PGconn *conn, struct err *err)
{
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    struct err ignored = ERR_INIT;
    const struct node_record *primary = NULL;
    char *shown CLEANUP(cleanup_free) = NULL;

    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "this node is a standby");
    err_detail(err, "the metadata can only be changed on the primary");
    if (session_nodes(conn, &set, &ignored) == EXIT_CODE_SUCCESS)
        primary = nodeset_primary(&set);
    if (primary != NULL) {
        shown = conninfo_redact(primary->conninfo);
        err_hint(err, "execute \"pgrmon cluster upgrade -d '%s'\"", shown);
    } else {
        err_hint(err, "execute \"pgrmon cluster upgrade\" on the primary");
    }
    return EXIT_CODE_BAD_CONFIG;
}

static int is_standby(PGconn *conn, bool *ret_standby, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(conn, &query_server_identity, NULL, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    *ret_standby = query_bool(res, 0, 4);
    return EXIT_CODE_SUCCESS;
}

static int
run_steps(PGconn *conn, const struct sql_upgrade *step, bool dry_run, struct err *err)
{
    int r = query_exec(conn, "BEGIN", err);

    for (; r == 0 && step->text != NULL; step++)
        r = query_exec(conn, step->text, err);
    if (r < 0) {
        err_prefix(err, "could not upgrade the metadata; nothing was changed");
        return EXIT_CODE_DB_QUERY; /* closing the session rolls back */
    }
    return query_exec(conn, dry_run ? "ROLLBACK" : "COMMIT", err) < 0
               ? EXIT_CODE_DB_QUERY
               : EXIT_CODE_SUCCESS;
}

/* Not session_check_schema(): its hint would be this very command. */
static int refuse_version(int version, struct err *err)
{
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "the metadata cannot be upgraded from version %d", version);
    err_detail(err, "this program knows no way from there to version %d",
               QUERY_SCHEMA_VERSION);
    err_hint(err, "execute \"pgrmon cluster upgrade\" of an older pgrmon first");
    return EXIT_CODE_BAD_CONFIG;
}

static int
upgrade(struct cmd_context *context, PGconn *conn, int version, struct err *err)
{
    const struct sql_upgrade *steps = schema_upgrades(version);
    int code;

    if (steps == NULL && version > QUERY_SCHEMA_VERSION)
        return session_check_schema(conn, err);
    if (steps == NULL)
        return refuse_version(version, err);
    if (version == QUERY_SCHEMA_VERSION) {
        log_notice("the metadata is up to date (version %d)", version);
        return EXIT_CODE_SUCCESS;
    }
    code = run_steps(conn, steps, context->line.dry_run, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    log_notice("%s upgraded from version %d to %d",
               context->line.dry_run ? "the metadata can be" : "the metadata was",
               version, QUERY_SCHEMA_VERSION);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    PGconn *conn CLEANUP(session_close) = NULL;
    bool standby = false;
    int version = 0;
    int code = session_open(cmd_conninfo(context), "the node", &conn, err);

    if (code == EXIT_CODE_SUCCESS)
        code = session_schema_version(conn, &version, err);
    if (code == EXIT_CODE_SUCCESS)
        code = is_standby(conn, &standby, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (standby && version < QUERY_SCHEMA_VERSION)
        return refuse_standby(conn, err);
    return upgrade(context, conn, version, err);
}

const struct cmd cmd_cluster_upgrade = {
    .object = "cluster",
    .action = "upgrade",
    .summary = "bring the metadata to the version of this program",
    .details = "Changes schema \"pgrmon\" on the primary, in one transaction. Install "
               "the new\n"
               "pgrmon on every node first.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster upgrade --dry-run",
    .options = CMD_OPT_DRY_RUN,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
