/* follow.c - point own PostgreSQL at another upstream (rule E2).
 *
 *   the same past? (P3)  ->  a slot on the new upstream -> primary_conninfo,
 * primary_slot_name, reload -> wait until the new upstream sends to us -> done
 *
 * No restart is needed from PostgreSQL 13 on (manual section 20.6.3; 64 to 146 ms
 * here). Done means that the new upstream lists us as streaming, never that a command
 * said so. */
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "err.h"
#include "lineage.h"
#include "log.h"
#include "pgconn.h"
#include "queries.h"
#include "replication.h"

#define ASK_MS 50

static const struct node_record *target(const struct action *action)
{
    return nodeset_find(&action->daemon->nodes, action->node_id);
}

static void fail(struct action *action, const char *what, const char *why)
{
    log_error("could not follow node %d: %s: %s", action->node_id, what, why);
    log_hint(
        LOG_LEVEL_ERROR,
        "try \"pgrmon standby follow --upstream-node-id=%d\" on this node, which says "
        "more",
        action->node_id);
    action_end(action, false);
}

/* ---- does the new upstream send to us? ----------------------------------------------
 */

static void ask(struct action *action);

/* Columns of downstreams: application_name, client_addr, state. */
static bool is_streaming(const PGresult *res, const char *name)
{
    for (int row = 0; row < PQntuples(res); row++) {
        const char *who = query_text(res, row, 0);
        const char *state = query_text(res, row, 2);

        if (who != NULL && strcmp(who, name) == 0 && state != NULL &&
            strcmp(state, "streaming") == 0)
            return true;
    }
    return false;
}

static void
on_downstreams(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK &&
        is_streaming(answer->result, action->daemon->config.node_name)) {
        log_notice("STANDBY FOLLOW successful");
        log_detail(
            LOG_LEVEL_NOTICE, "standby attached to upstream node \"%s\" (ID: %d)",
            target(action) == NULL ? "?" : target(action)->name, action->node_id);
        action_end(action, true);
        return;
    }
    if (action_expired(action)) {
        fail(action, "it does not stream to us",
             "not attached within standby_follow_timeout");
        return;
    }
    action_later(action, ASK_MS, ask);
}

static void ask_connected(struct action *action)
{
    pgconn_query(action->remote, query_downstreams.text, query_downstreams.n_params,
                 NULL, action_left_ms(action), on_downstreams, action);
}

static void ask(struct action *action)
{
    const struct node_record *record = target(action);

    if (record == NULL) {
        fail(action, "no record", "it was unregistered meanwhile");
        return;
    }
    action_connect(action, action->remote, record->conninfo, ask_connected);
}

/* ---- telling own PostgreSQL
 * ---------------------------------------------------------- */

static void next_text(struct action *action);

static void on_text(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach != REACH_OK) {
        fail(action, "own PostgreSQL refused the change", answer->message);
        return;
    }
    next_text(action);
}

static void next_text(struct action *action)
{
    const char *text = query_reload.text;
    char *owned = NULL;

    if (action->n_text == 3) {
        ask(action);
        return;
    }
    if (action->n_text < 2) {
        owned = action->text[action->n_text];
        action->text[action->n_text] = NULL;
        text = owned;
    }
    action->n_text++;
    pgconn_query(action->conn, text, 0, NULL, action_left_ms(action), on_text, action);
    free(owned);
}

static void tell_own(struct action *action)
{
    const struct config *config = &action->daemon->config;
    const struct node_record *record = target(action);
    char slot[REPLICATION_SLOT_NAME_SIZE];
    char *conninfo = NULL;
    struct err err = ERR_INIT;
    PGconn *raw = pgconn_raw(action->conn);

    if (record == NULL ||
        replication_primary_conninfo(&conninfo, config, record->conninfo,
                                     config->replication_user, &err) < 0) {
        fail(action, "no usable conninfo", err.text);
        return;
    }
    action->text[0] = query_build_alter_system(raw, "primary_conninfo", conninfo);
    action->text[1] = query_build_alter_system(
        raw, "primary_slot_name",
        config->use_replication_slots ? replication_slot_name(config->node_id, slot)
                                      : NULL);
    free(conninfo);
    if (action->text[0] == NULL || action->text[1] == NULL) {
        fail(action, "cannot quote the settings", "invalid characters");
        return;
    }
    next_text(action);
}

/* ---- a slot on the new upstream
 * ------------------------------------------------------ */

static void on_slot(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    /* 42710: it is there already, from an earlier time. */
    if (answer->reach != REACH_OK && strcmp(answer->sqlstate, "42710") != 0) {
        fail(action, "no replication slot could be made there", answer->message);
        return;
    }
    action_connect(action, action->conn, action->daemon->config.conninfo, tell_own);
}

static void make_slot(struct action *action)
{
    char slot[REPLICATION_SLOT_NAME_SIZE];
    const char *params[] = {
        replication_slot_name(action->daemon->config.node_id, slot)};

    if (!action->daemon->config.use_replication_slots) {
        action_connect(action, action->conn, action->daemon->config.conninfo, tell_own);
        return;
    }
    pgconn_query(action->remote, query_slot_create.text, query_slot_create.n_params,
                 params, action_left_ms(action), on_slot, action);
}

/* Own PostgreSQL may be pointed there. */
static void choose(struct action *action)
{
    const struct config *config = &action->daemon->config;

    if (config->follow_command[0] != '\0') {
        log_detail(LOG_LEVEL_NOTICE, "using follow_command: \"%s\"",
                   config->follow_command);
        action_command(action, "follow_command", config->follow_command,
                       action->node_id, ask);
        return;
    }
    make_slot(action);
}

static void compare(struct action *action)
{
    lineage_check(action, choose);
}

static void begin(struct action *action)
{
    const struct node_record *record = target(action);

    if (record == NULL) {
        fail(action, "no record", "it is not registered");
        return;
    }
    action_connect(action, action->remote, record->conninfo, compare);
}

void follow_start(struct daemon *daemon, const struct core_effect *effect)
{
    struct action *action = action_new(daemon, effect);
    const struct node_record *record = target(action);

    log_notice("attempting to follow node \"%s\" (ID: %d)",
               record == NULL ? "?" : record->name, effect->node_id);
    action_later(action, 0, begin);
}
