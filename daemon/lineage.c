/* lineage.c - see lineage.h. */
#include "lineage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "pgconn.h"
#include "queries.h"
#include "termlist.h"

/* What has been read so far; of an action. */
struct lineage {
    struct termlist_self self;
    struct termlist_row *own; /* rows of self */
    void (*then)(struct action *action);
};

void lineage_free(struct lineage *lineage)
{
    if (lineage == NULL)
        return;
    free(lineage->own);
    free(lineage);
}

static void fail(struct action *action, const char *what, const char *why)
{
    log_error("could not compare own WAL with node %d's: %s", action->node_id, what);
    log_detail(LOG_LEVEL_ERROR, "%s", why);
    action_end(action, false);
}

/* The rows of term_rows. No schema is no rows. Returns false when they cannot be read;
 * the caller frees `*ret`. */
static bool take_rows(const struct pgconn_answer *answer,
                      struct termlist *list,
                      struct termlist_row **ret)
{
    const PGresult *res = answer->result;

    *list = (struct termlist){0, NULL};
    *ret = NULL;
    if (answer->reach == REACH_FAILED && strcmp(answer->sqlstate, "42P01") == 0)
        return true;
    if (answer->reach != REACH_OK)
        return false;
    *list = query_decode_term_rows(res, ret);
    return true;
}

/* ---- the verdict
 * --------------------------------------------------------------------- */

static void detail(const struct termlist_self *self,
                   const struct termlist_result *result)
{
    char own[128], leader[128], position[LSN_TEXT_SIZE];

    termlist_describe(result->own, own, sizeof own);
    termlist_describe(result->leader, leader, sizeof leader);
    (void)lsn_format(self->position, position);
    if (result->reason == TERMLIST_UNKNOWN_TO)
        log_detail(LOG_LEVEL_ERROR, "it has no %s, which is in our WAL; it may lag",
                   own);
    else if (result->reason == TERMLIST_BEYOND)
        log_detail(LOG_LEVEL_ERROR, "our WAL ends at %s of timeline %d, it has %s",
                   position, self->timeline, leader);
    else if (result->reason == TERMLIST_UNRECORDED)
        log_detail(LOG_LEVEL_ERROR,
                   "our WAL is on timeline %d, and whose that is cannot be told: no "
                   "term in it says so",
                   self->timeline);
    else
        log_detail(LOG_LEVEL_ERROR, "after what both have, we have %s, it has %s", own,
                   leader);
}

/* The command that brings this node back. It looks again, and keeps what diverged. */
static void hint(const struct action *action, const struct termlist_result *result)
{
    const char *file = action->daemon->config.file;
    bool clone = result->verdict == TERMLIST_CLONE;

    log_hint(LOG_LEVEL_ERROR,
             "until then it stays read-only; execute \"pgrmon %s%s%snode rejoin%s\" on "
             "this node%s",
             file[0] != '\0' ? "-f " : "", file, file[0] != '\0' ? " " : "",
             clone ? " --clone" : "",
             clone ? "" : "; with \"--dry-run\" it tells what it would do");
}

static void refuse(struct action *action, const struct termlist_result *result)
{
    const struct node_record *target =
        nodeset_find(&action->daemon->nodes, action->node_id);

    log_error("could not follow node \"%s\" (ID: %d): its WAL has diverged from ours",
              target == NULL ? "?" : target->name, action->node_id);
    detail(&action->lineage->self, result);
    hint(action, result);
    action_end(action, false);
}

static void
on_their_rows(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    struct termlist_row *rows CLEANUP(cleanup_free) = NULL;
    struct termlist leader;
    struct termlist_result result;

    (void)conn;
    if (!take_rows(answer, &leader, &rows)) {
        fail(action, "its terms could not be read", answer->message);
        return;
    }
    result = termlist_compare(&action->lineage->self, leader);
    if (result.verdict == TERMLIST_STREAM)
        action->lineage->then(action);
    else
        refuse(action, &result);
}

/* ---- reading
 * ------------------------------------------------------------------------- */

static void
on_position(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    struct termlist_self *self = &action->lineage->self;

    (void)conn;
    if (answer->reach != REACH_OK) {
        fail(action, "own position could not be read", answer->message);
        return;
    }
    self->timeline = (int)query_int64(answer->result, 0, 1, 0);
    self->position = query_lsn(answer->result, 0, 2);
    pgconn_query(action->remote, query_term_rows.text, 0, NULL, action_left_ms(action),
                 on_their_rows, action);
}

static void
on_own_rows(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    struct lineage *lineage = action->lineage;

    if (!take_rows(answer, &lineage->self.rows, &lineage->own)) {
        fail(action, "own terms could not be read", answer->message);
        return;
    }
    pgconn_query(conn, query_wal_end.text, 0, NULL, action_left_ms(action), on_position,
                 action);
}

static void ask_own(struct action *action)
{
    pgconn_query(action->conn, query_term_rows.text, 0, NULL, action_left_ms(action),
                 on_own_rows, action);
}

void lineage_check(struct action *action, void (*then)(struct action *action))
{
    lineage_free(action->lineage);
    action->lineage = xcalloc(1, sizeof *action->lineage);
    action->lineage->then = then;
    action_connect(action, action->conn, action->daemon->config.conninfo, ask_own);
}
