/* node_view.c - reading what node_view.h declares. */
#include "node_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "queries.h"
#include "session.h"

/* Columns of query_node_facts, query_archive_facts and query_slots. */
enum {
    FACT_STANDBY = 0,
    FACT_VERSION = 1,
    FACT_DATA_DIRECTORY = 3,
    FACT_SYSTEM_IDENTIFIER = 4,
    FACT_TIMELINE = 5,
    FACT_POSITION = 6,
    FACT_REPLAYED = 7,
    FACT_LAG_MS = 8,
    FACT_PAUSED = 9,
    FACT_ARCHIVE_MODE = 10,
    FACT_ARCHIVE_COMMAND = 11,
    FACT_MAX_WAL_SENDERS = 12,
    FACT_WAL_SENDERS = 13,
    FACT_MAX_SLOTS = 14,
    FACT_RECEIVER_HOST = 19,
    FACT_RECEIVER_PORT = 20,
    FACT_PENDING_RESTART = 23,
    ARCHIVE_READY = 2,
    ARCHIVE_FAILING = 8,
    SLOT_NAME = 0,
    SLOT_TYPE = 1,
    SLOT_ACTIVE = 2,
};

static void copy_text(char *to, size_t size, const PGresult *res, int row, int column)
{
    const char *value = query_text(res, row, column);

    (void)snprintf(to, size, "%s", value != NULL ? value : "");
}

static void decode_facts(const PGresult *res, struct node_view *view)
{
    const char *host = query_text(res, 0, FACT_RECEIVER_HOST);

    view->in_recovery = query_bool(res, 0, FACT_STANDBY);
    copy_text(view->version, sizeof view->version, res, 0, FACT_VERSION);
    copy_text(view->data_directory, sizeof view->data_directory, res, 0,
              FACT_DATA_DIRECTORY);
    copy_text(view->system_identifier, sizeof view->system_identifier, res, 0,
              FACT_SYSTEM_IDENTIFIER);
    view->timeline = (int)query_int64(res, 0, FACT_TIMELINE, 0);
    view->received = query_lsn(res, 0, FACT_POSITION);
    view->replayed = query_lsn(res, 0, FACT_REPLAYED);
    view->lag_ms = query_int64(res, 0, FACT_LAG_MS, -1);
    view->replay_paused = query_bool(res, 0, FACT_PAUSED);
    copy_text(view->archive_mode, sizeof view->archive_mode, res, 0, FACT_ARCHIVE_MODE);
    copy_text(view->archive_command, sizeof view->archive_command, res, 0,
              FACT_ARCHIVE_COMMAND);
    view->max_wal_senders = query_int64(res, 0, FACT_MAX_WAL_SENDERS, 0);
    view->wal_senders = query_int64(res, 0, FACT_WAL_SENDERS, 0);
    view->max_slots = query_int64(res, 0, FACT_MAX_SLOTS, 0);
    view->pending_restart = query_int64(res, 0, FACT_PENDING_RESTART, 0);
    if (host != NULL)
        (void)snprintf(view->receiver, sizeof view->receiver, "%.250s:%lld", host,
                       (long long)query_int64(res, 0, FACT_RECEIVER_PORT, 0));
}

static void decode_slots(const PGresult *res, struct node_view *view)
{
    view->n_slots = PQntuples(res);
    view->slots = xcalloc((unsigned long)view->n_slots + 1, sizeof *view->slots);
    for (int i = 0; i < view->n_slots; i++) {
        const char *type = query_text(res, i, SLOT_TYPE);

        copy_text(view->slots[i].name, sizeof view->slots[i].name, res, i, SLOT_NAME);
        view->slots[i].physical = type != NULL && strcmp(type, "physical") == 0;
        view->slots[i].active = query_bool(res, i, SLOT_ACTIVE);
    }
}

static int read_server(PGconn *conn, struct node_view *view, struct err *err)
{
    const char *all[] = {NULL};
    PGresult *facts CLEANUP(query_clear) =
        query_run(conn, &query_node_facts, NULL, err);
    PGresult *archive CLEANUP(query_clear) = NULL;
    PGresult *slots CLEANUP(query_clear) = NULL;
    PGresult *size CLEANUP(query_clear) = NULL;

    if (facts != NULL)
        archive = query_run(conn, &query_archive_facts, NULL, err);
    if (archive != NULL)
        slots = query_run(conn, &query_slots, all, err);
    if (slots != NULL)
        size = query_run(conn, &query_database_size, NULL, err);
    if (size == NULL)
        return EXIT_CODE_DB_QUERY;
    decode_facts(facts, view);
    decode_slots(slots, view);
    view->archive_ready = query_int64(archive, 0, ARCHIVE_READY, -1);
    view->archive_failing = query_bool(archive, 0, ARCHIVE_FAILING);
    copy_text(view->size, sizeof view->size, size, 0, 1);
    return EXIT_CODE_SUCCESS;
}

/* Only those whose answers are needed: a node that has nothing to do with this one must
 * not delay it. `asked` shares the strings of view->set. */
static void ask_neighbours(struct node_view *view)
{
    const struct node_record *primary = nodeset_primary(&view->set);
    struct nodeset asked = NODESET_INIT;
    struct gathered answers[3];
    int upstream_index = -1;
    int primary_index = -1;

    asked.v[asked.n++] = *view->self;
    if (view->upstream != NULL) {
        upstream_index = asked.n;
        asked.v[asked.n++] = *view->upstream;
    }
    if (primary == view->self)
        primary_index = 0;
    else if (primary != NULL && primary == view->upstream)
        primary_index = upstream_index;
    else if (primary != NULL) {
        primary_index = asked.n;
        asked.v[asked.n++] = *primary;
    }
    gather_probe(&asked, answers);
    view->self_answer = answers[0];
    if (upstream_index >= 0)
        view->upstream_answer = answers[upstream_index];
    if (primary_index >= 0)
        view->primary_answer = answers[primary_index];
}

static int
find_self(const struct cmd_context *context, struct node_view *view, struct err *err)
{
    view->self = nodeset_find(&view->set, context->config.node_id);
    if (view->self == NULL) {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG, "this node (ID: %d) is not registered",
                      context->config.node_id);
        err_hint(err, "execute \"pgrmon -f %s %s register\"", context->config.file,
                 view->in_recovery ? "standby" : "primary");
        return EXIT_CODE_BAD_CONFIG;
    }
    view->upstream = nodeset_find(&view->set, view->self->upstream_id);
    return EXIT_CODE_SUCCESS;
}

int node_view_read(struct cmd_context *context, struct node_view *ret, struct err *err)
{
    PGconn *conn CLEANUP(session_close) = NULL;
    int code;

    *ret = (struct node_view){.lag_ms = -1, .archive_ready = -1};
    code = session_open(context->config.conninfo, "the local node", &conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(conn, &ret->set, err);
    if (code == EXIT_CODE_SUCCESS)
        code = read_server(conn, ret, err);
    if (code == EXIT_CODE_SUCCESS)
        code = find_self(context, ret, err);
    if (code == EXIT_CODE_SUCCESS)
        ask_neighbours(ret);
    return code;
}

void node_view_deinit(struct node_view *view)
{
    nodeset_free(&view->set);
    free(view->slots);
    view->slots = NULL;
}

int64_t node_view_lag_bytes(const struct node_view *view)
{
    const struct core_observation *primary = &view->primary_answer.seen;

    if (!view->in_recovery || primary->reach != REACH_OK || primary->in_recovery ||
        !lsn_known(primary->position) || !lsn_known(view->replayed))
        return -1;
    if (lsn_cmp(view->replayed, primary->position) >= 0)
        return 0;
    return (int64_t)(primary->position.pos - view->replayed.pos);
}

bool node_view_is_downstream(const struct node_view *view,
                             const struct node_record *record)
{
    return record->upstream_id == view->self->id && record->active &&
           record->role == CORE_ROLE_STANDBY;
}

bool node_view_is_attached(const struct node_view *view,
                           const struct node_record *record)
{
    return gathered_has_downstream(&view->self_answer, record->name);
}

static bool has_slot(const struct node_view *view, const char *name)
{
    for (int i = 0; i < view->n_slots; i++)
        if (strcmp(view->slots[i].name, name) == 0)
            return true;
    return false;
}

int node_view_missing_slots(const struct node_view *view)
{
    int n = 0;

    for (int i = 0; i < view->set.n; i++) {
        const struct node_record *record = &view->set.v[i];

        if (node_view_is_downstream(view, record) && record->slot_name[0] != '\0' &&
            !has_slot(view, record->slot_name))
            n++;
    }
    return n;
}
