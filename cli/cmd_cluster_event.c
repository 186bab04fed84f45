/* cmd_cluster_event.c - `cluster event`: what happened, newest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "queries.h"
#include "render.h"
#include "session.h"

#define DEFAULT_LIMIT 20

/* Columns of query_events. */
enum {
    EVENT_ID,
    NODE_ID,
    NODE_NAME,
    EVENT,
    SUCCESSFUL,
    TIMESTAMP,
    DETAILS,
    TIMESTAMP_ISO
};

static const char *text(const PGresult *res, int row, int column)
{
    const char *value = query_text(res, row, column);

    return value != NULL ? value : "";
}

/* A table has one line per row. */
static char *one_line(const char *details)
{
    char *copy = xstrdup(details);

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    return copy;
}

static void print_table(const PGresult *res, bool compact)
{
    static const char *const wide[] = {"Node ID",   "Name",    "Event", "OK",
                                       "Timestamp", "Details", NULL};
    static const char *const narrow[] = {"Node ID", "Name",      "Event",
                                         "OK",      "Timestamp", NULL};
    struct render_table *table = render_table_new(compact ? narrow : wide, -1);

    for (int i = 0; i < PQntuples(res); i++) {
        char *details CLEANUP(cleanup_free) = one_line(text(res, i, DETAILS));
        bool ok = query_bool(res, i, SUCCESSFUL);
        const char *cells[] = {text(res, i, NODE_ID),   text(res, i, NODE_NAME),
                               text(res, i, EVENT),     ok ? "t" : "f",
                               text(res, i, TIMESTAMP), details};

        (void)render_table_add(table, cells, -1, ok ? NULL : "red");
    }
    render_table_print(table, stdout, render_wants_color(stdout));
    render_table_free(table);
}

/* repmgr's fields, without details; quoted only where a field needs it. */
static void print_csv(const PGresult *res)
{
    static const int columns[] = {NODE_ID, NODE_NAME, EVENT, SUCCESSFUL, TIMESTAMP};

    for (int i = 0; i < PQntuples(res); i++)
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            render_csv_field(stdout, text(res, i, columns[k]), false);
            (void)fputc(k + 1 < sizeof columns / sizeof columns[0] ? ',' : '\n',
                        stdout);
        }
}

/* [ { "id", "node_id", "node_name" | null, "event", "successful", "timestamp" (ISO
 * 8601, UTC), "details" | null } ], newest first. */
static void print_json(const PGresult *res)
{
    json_t *events = json_array();

    for (int i = 0; i < PQntuples(res); i++) {
        json_t *event =
            json_pack("{s:I, s:I, s:o, s:o, s:b, s:o, s:o}", "id",
                      (json_int_t)query_int64(res, i, EVENT_ID, 0), "node_id",
                      (json_int_t)query_int64(res, i, NODE_ID, 0), "node_name",
                      render_json_text(query_text(res, i, NODE_NAME)), "event",
                      render_json_text(query_text(res, i, EVENT)), "successful",
                      (int)query_bool(res, i, SUCCESSFUL), "timestamp",
                      render_json_text(query_text(res, i, TIMESTAMP_ISO)), "details",
                      render_json_text(query_text(res, i, DETAILS)));

        if (json_array_append_new(events, event) != 0)
            err_out_of_memory();
    }
    render_json_print(events, stdout);
}

static PGresult *read_events(PGconn *conn, const struct cmd_line *line, struct err *err)
{
    char limit[16];
    char node_id[16];
    const char *params[4] = {NULL, NULL, line->node_name, line->event};

    if (!line->all) {
        (void)snprintf(limit, sizeof limit, "%d",
                       line->limit > 0 ? line->limit : DEFAULT_LIMIT);
        params[0] = limit;
    }
    if (line->node_id > 0) {
        (void)snprintf(node_id, sizeof node_id, "%d", line->node_id);
        params[1] = node_id;
    }
    return query_run(conn, &query_events, params, err);
}

static int run(struct cmd_context *context, struct err *err)
{
    const struct cmd_line *line = &context->line;
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    PGconn *conn CLEANUP(session_close) = NULL;
    PGresult *res CLEANUP(query_clear) = NULL;
    int code = session_open_any(context, &conn, &set, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    res = read_events(conn, line, err);
    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    if (line->json)
        print_json(res);
    else if (line->csv)
        print_csv(res);
    else if (PQntuples(res) == 0)
        log_notice("no matching events found");
    else
        print_table(res, line->compact);
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_cluster_event = {
    .object = "cluster",
    .action = "event",
    .summary = "list what happened in the cluster",
    .details =
        "Newest first, from the local node's copy of the metadata (or that of any\n"
        "node named by -d, -h). --compact and --csv leave the details out.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster event\n"
                "pgrmon cluster event --node-name=node2 --limit=5\n"
                "pgrmon cluster event --event=standby_promote --all --json",
    .options = CMD_OPT_FORMAT | CMD_OPT_COMPACT | CMD_OPT_EVENTS | CMD_OPT_NODE,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
