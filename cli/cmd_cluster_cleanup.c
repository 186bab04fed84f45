/* cmd_cluster_cleanup.c - `cluster cleanup`: shorten the monitoring history. */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "queries.h"
#include "session.h"

/* The node named on the line, 0 = all; -1 with `err` filled when there is none such. */
static int
named_node(const struct cmd_line *line, const struct nodeset *set, struct err *err)
{
    const struct node_record *record;

    if (line->node_id == 0 && line->node_name == NULL)
        return 0;
    /* History outlives a registration: an id may be that of a node that is gone. */
    if (line->node_id > 0)
        return line->node_id;
    record = nodeset_find_name(set, line->node_name);
    if (record != NULL)
        return record->id;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "no node \"%s\" is registered",
                  line->node_name);
    err_hint(err, "see \"pgrmon cluster show\", or name it with --node-id");
    return -1;
}

static int clean(
    PGconn *conn, int keep_days, int node_id, char details[static 128], struct err *err)
{
    PGresult *res CLEANUP(query_clear) = NULL;
    char keep[32];
    char id[16];
    const char *params[] = {keep, node_id > 0 ? id : NULL};

    (void)snprintf(keep, sizeof keep, "%d days", keep_days);
    (void)snprintf(id, sizeof id, "%d", node_id);
    res = query_run(conn, &query_cleanup_history, params, err);
    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    (void)snprintf(details, 128,
                   "%s rows of the monitoring history older than %d days removed",
                   PQcmdTuples(res), keep_days);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    const struct cmd_line *line = &context->line;
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    PGconn *conn CLEANUP(session_close) = NULL;
    char details[128];
    int primary_id;
    int node_id;
    int code;

    if (line->keep_days < 0) {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG, "how much history to keep is missing");
        err_hint(err, "execute for instance \"pgrmon cluster cleanup -k 30\"");
        return EXIT_CODE_BAD_CONFIG;
    }
    code = session_open_primary(context, &conn, &set, &primary_id, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    node_id = named_node(line, &set, err);
    if (node_id < 0)
        return EXIT_CODE_BAD_CONFIG;
    code = clean(conn, line->keep_days, node_id, details, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    session_event(context, conn, primary_id, "cluster_cleanup", true, details);
    log_notice("%s", details);
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_cluster_cleanup = {
    .object = "cluster",
    .action = "cleanup",
    .summary = "remove old rows of the monitoring history",
    .details =
        "Works on the primary, from any node. The daemons keep the history short by\n"
        "themselves when monitoring_history_retention is set.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster cleanup -k 30\n"
                "pgrmon cluster cleanup --keep-history=0 --node-id=3",
    .options = CMD_OPT_KEEP | CMD_OPT_NODE,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
