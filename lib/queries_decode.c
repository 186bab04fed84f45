/* queries_decode.c - from rows to structs. Rows are input like any other: a table can
 * hold anything that its owner or a newer program put there. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "queries.h"

/* ---- fields ------------------------------------------------------------------------
 */

const char *query_text(const PGresult *res, int row, int column)
{
    if (row < 0 || row >= PQntuples(res) || column < 0 || column >= PQnfields(res) ||
        PQgetisnull(res, row, column))
        return NULL;
    return PQgetvalue(res, row, column);
}

/* Returns false when `text` is no decimal number that fits. */
static bool parse_int64(const char *text, int64_t *ret_value)
{
    char *end;
    long long value;

    if (text == NULL || text[0] == '\0')
        return false;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_value = value;
    return true;
}

int64_t query_int64(const PGresult *res, int row, int column, int64_t otherwise)
{
    int64_t value;

    return parse_int64(query_text(res, row, column), &value) ? value : otherwise;
}

bool query_bool(const PGresult *res, int row, int column)
{
    const char *text = query_text(res, row, column);

    return text != NULL && strcmp(text, "t") == 0;
}

struct lsn query_lsn(const PGresult *res, int row, int column)
{
    const char *text = query_text(res, row, column);
    struct lsn lsn = LSN_UNKNOWN;

    if (text == NULL || lsn_parse(text, &lsn) != 0)
        return LSN_UNKNOWN;
    return lsn;
}

int query_row_named(const PGresult *res, const char *name)
{
    for (int row = 0; row < PQntuples(res); row++) {
        const char *text = query_text(res, row, 0);

        if (text != NULL && strcmp(text, name) == 0)
            return row;
    }
    return -1;
}

/* A whole number that has to be there and to lie within [min, max]. */
static bool
need_int_to(const PGresult *res, int row, int column, int min, int max, int *ret_value)
{
    int64_t value;

    if (!parse_int64(query_text(res, row, column), &value) || value < min ||
        value > max)
        return false;
    *ret_value = (int)value;
    return true;
}

static bool need_int(const PGresult *res, int row, int column, int min, int *ret_value)
{
    return need_int_to(res, row, column, min, INT_MAX, ret_value);
}

/* Ids are what notes have room for. */
static bool need_id(const PGresult *res, int row, int column, int *ret_id)
{
    return need_int_to(res, row, column, 1, CORE_MAX_NODE_ID, ret_id);
}

/* "t" or "f". */
static bool need_bool(const PGresult *res, int row, int column, bool *ret_value)
{
    const char *text = query_text(res, row, column);

    if (text == NULL || (strcmp(text, "t") != 0 && strcmp(text, "f") != 0))
        return false;
    *ret_value = text[0] == 't';
    return true;
}

/* A text that fits; NULL counts as empty. */
static bool take_name(const PGresult *res, int row, int column, char *buf, size_t size)
{
    const char *text = query_text(res, row, column);

    if (text == NULL)
        text = "";
    return snprintf(buf, size, "%s", text) < (int)size;
}

static char *take_text(const PGresult *res, int row, int column)
{
    const char *text = query_text(res, row, column);

    return xstrdup(text != NULL ? text : "");
}

/* ---- nodes --------------------------------------------------------------------------
 */

enum node_column {
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    NODE_UPSTREAM,
    NODE_ACTIVE,
    NODE_VOTING,
    NODE_LOCATION,
    NODE_PRIORITY,
    NODE_CONNINFO,
    NODE_REPLUSER,
    NODE_SLOT_NAME,
    NODE_CONFIG_FILE,
    NODE_MEMBERSHIP, /* the same in all rows, as the next two */
    NODE_PAUSE_VERSION,
    NODE_PAUSE_MS,
    NODE_N_COLUMNS,
};

/* Fill `node` from one row; owns its strings only on success. Returns what is wrong
 * with the row, NULL when nothing is. */
static const char *decode_node(const PGresult *res, int row, struct node_record *node)
{
    const char *type = query_text(res, row, NODE_TYPE);

    if (!need_id(res, row, NODE_ID, &node->id))
        return "node_id";
    if (!take_name(res, row, NODE_NAME, node->name, sizeof node->name) ||
        node->name[0] == '\0')
        return "node_name";
    node->role = node_role_parse(type != NULL ? type : "");
    if (node->role == CORE_ROLE_UNKNOWN)
        return "type";
    if (query_text(res, row, NODE_UPSTREAM) != NULL &&
        !need_id(res, row, NODE_UPSTREAM, &node->upstream_id))
        return "upstream_node_id";
    if (!need_bool(res, row, NODE_ACTIVE, &node->active))
        return "active";
    if (!need_bool(res, row, NODE_VOTING, &node->voting))
        return "voting";
    if (!take_name(res, row, NODE_LOCATION, node->location, sizeof node->location))
        return "location";
    if (!need_int(res, row, NODE_PRIORITY, 0, &node->priority))
        return "priority";
    if (!take_name(res, row, NODE_REPLUSER, node->repluser, sizeof node->repluser))
        return "repluser";
    if (!take_name(res, row, NODE_SLOT_NAME, node->slot_name, sizeof node->slot_name))
        return "slot_name";
    node->conninfo = take_text(res, row, NODE_CONNINFO);
    node->config_file = take_text(res, row, NODE_CONFIG_FILE);
    return NULL;
}

/* What is out of range counts as none. */
static void take_pause(const PGresult *res, int row, struct core_pause *ret)
{
    ret->version = query_int64(res, row, NODE_PAUSE_VERSION, 0);
    ret->ms = query_int64(res, row, NODE_PAUSE_MS, 0);
    if (ret->version < 0 || ret->version > CORE_MAX_PAUSE || ret->ms < 0)
        *ret = (struct core_pause){0};
}

int query_decode_nodes(const PGresult *res, struct nodeset *ret_set, struct err *err)
{
    int n = PQntuples(res);

    nodeset_free(ret_set);
    if (PQnfields(res) != NODE_N_COLUMNS)
        return err_set(err, -EINVAL, "the node table was not read");
    if (n > CORE_MAX_NODES)
        return err_set(err, -E2BIG, "%d nodes are registered, at most %d are supported",
                       n, CORE_MAX_NODES);
    for (int row = 0; row < n; row++) {
        struct node_record node = {0};
        const char *wrong = decode_node(res, row, &node);

        if (wrong != NULL) {
            const char *id = query_text(res, row, NODE_ID);

            nodeset_free(ret_set);
            return err_set(err, -EINVAL, "the record of node %.20s has an invalid %s",
                           id != NULL ? id : "NULL", wrong);
        }
        ret_set->v[ret_set->n++] = node;
        ret_set->version = query_int64(res, row, NODE_MEMBERSHIP, 0);
        take_pause(res, row, &ret_set->pause);
    }
    return 0;
}

/* ---- the probe ----------------------------------------------------------------------
 */

enum probe_column {
    PROBE_IN_RECOVERY,
    PROBE_SYSTEM_IDENTIFIER,
    PROBE_TIMELINE,
    PROBE_TERM,
    PROBE_POSITION,
    PROBE_REPLAYED,
    PROBE_REPLAY_PAUSED,
    PROBE_RECEIVER_STREAMING,
    PROBE_RECEIVER_AGE,
    PROBE_NOTES,
    PROBE_POSTED, /* the note again, of no interest */
    PROBE_COPIES,
    PROBE_N_COLUMNS,
};

int query_decode_notes(const PGresult *res,
                       struct core_note ret_notes[static CORE_MAX_NODES],
                       int *ret_n_bad)
{
    const char *lines = query_text(res, 0, PROBE_NOTES);

    return note_board(lines != NULL ? lines : "", ret_notes, CORE_MAX_NODES, ret_n_bad);
}

int query_decode_probe(const PGresult *res,
                       int node_id,
                       struct core_observation *ret_seen,
                       struct core_note ret_notes[static CORE_MAX_NODES],
                       int *ret_n_notes,
                       struct err *err)
{
    struct core_observation seen = {.node_id = node_id, .reach = REACH_OK};
    int64_t system_identifier;

    if (PQntuples(res) != 1 || PQnfields(res) != PROBE_N_COLUMNS)
        return err_set(err, -EINVAL, "the probe was not answered with one row");
    if (!need_bool(res, 0, PROBE_IN_RECOVERY, &seen.in_recovery) ||
        !parse_int64(query_text(res, 0, PROBE_SYSTEM_IDENTIFIER), &system_identifier))
        return err_set(err, -EINVAL, "the answer to the probe cannot be read");
    /* SQL has no unsigned integers: the identifier's top bit is the sign there. */
    seen.system_identifier = (uint64_t)system_identifier;
    if (!need_int(res, 0, PROBE_TIMELINE, 0, &seen.timeline))
        seen.timeline = 0;
    seen.term = query_int64(res, 0, PROBE_TERM, 0);
    if (seen.term < 0 || seen.term > CORE_MAX_TERM)
        return err_set(err, -EINVAL,
                       "table pgrmon.term holds %" PRId64 ", no valid term", seen.term);
    seen.position = query_lsn(res, 0, PROBE_POSITION);
    seen.replayed = query_lsn(res, 0, PROBE_REPLAYED);
    seen.replay_paused = query_bool(res, 0, PROBE_REPLAY_PAUSED);
    seen.receiver_streaming = query_bool(res, 0, PROBE_RECEIVER_STREAMING);
    seen.receiver_age_ms = query_int64(res, 0, PROBE_RECEIVER_AGE, -1);
    if (seen.receiver_age_ms < -1)
        seen.receiver_age_ms = 0; /* the server's clock was set back */
    if (!need_int(res, 0, PROBE_COPIES, 0, &seen.copies))
        seen.copies = 0;
    *ret_n_notes = query_decode_notes(res, ret_notes, NULL);
    for (int i = 0; i < *ret_n_notes; i++)
        if (ret_notes[i].node_id == node_id)
            seen.note = ret_notes[i];
    *ret_seen = seen;
    return 0;
}

struct termlist query_decode_term_rows(const PGresult *res,
                                       struct termlist_row **ret_rows)
{
    int n = PQntuples(res);
    struct termlist_row *rows = xcalloc((size_t)n + 1, sizeof *rows);

    for (int i = 0; i < n; i++)
        rows[i] = (struct termlist_row){
            .term = query_int64(res, i, 0, 0),
            .leader = (int)query_int64(res, i, 1, 0),
            .timeline = (int)query_int64(res, i, 2, 0),
            .start = query_lsn(res, i, 3),
        };
    *ret_rows = rows;
    return (struct termlist){n, rows};
}
