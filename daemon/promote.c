/* promote.c - make own PostgreSQL the primary (rules C5, G3).
 *
 *   take away what it would wait for  ->  promote_command, service_promote_command,
 * pg_ctl promote or pg_promote(), the first that is there  ->  ask own PostgreSQL until
 * it is out of recovery  ->  guard, restore_command as before  ->  done
 *
 * Success is what PostgreSQL says, never a command's exit status alone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "action.h"
#include "child.h"
#include "cleanup.h"
#include "err.h"
#include "guard.h"
#include "log.h"
#include "ownpg.h"
#include "pgconn.h"
#include "queries.h"
#include "unblock.h"

/* PostgreSQL is asked this often; pg_ctl -w and pg_promote() themselves do every 100
 * ms. */
#define ASK_MS 5

/* A reader that was ended needs a moment. */
#define READERS_MS 50

static void ask(struct action *action);

/* ---- the end
 * ------------------------------------------------------------------------- */

static void end_ok(struct action *action)
{
    action_end(action, true);
}

static void end_failed(struct action *action)
{
    action_end(action, false);
}

/* PostgreSQL took standby.signal away before it became writable. It is to be there
 * before anybody hears that we lead (G3). Not ours to write where the data directory is
 * not at hand. */
static bool guard(const struct action *action)
{
    const char *directory = action->daemon->config.data_directory;
    struct err err = ERR_INIT;

    if (action->daemon->config.start_guard == CONFIG_GUARD_OFF ||
        access(directory, W_OK | X_OK) != 0 || guard_arm(directory, &err) == 0)
        return true;
    err_prefix(&err, "the start guard is missing");
    log_err(LOG_LEVEL_ERROR, &err);
    return false;
}

static void promoted(struct action *action)
{
    const struct node_record *self =
        nodeset_find(&action->daemon->nodes, action->daemon->config.node_id);
    bool guarded = guard(action);

    log_notice("STANDBY PROMOTE successful");
    log_detail(LOG_LEVEL_NOTICE,
               "server \"%s\" (ID: %d) was successfully promoted to primary",
               self == NULL ? action->daemon->config.node_name : self->name,
               action->daemon->config.node_id);
    unblock_undo(action, guarded ? end_ok : end_failed);
}

/* ---- is it out of recovery?
 * ---------------------------------------------------------- */

static void ask_again(struct action *action)
{
    action_later(action, READERS_MS, ask);
}

/* Columns of promote_state: in_recovery, wait_event_type, wait_event. */
static void on_state(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    const PGresult *res = answer->result;

    (void)conn;
    if (answer->reach == REACH_OK && !query_bool(res, 0, 0)) {
        promoted(action);
        return;
    }
    if (action_expired(action)) {
        log_error("PostgreSQL is still in recovery after promote_check_timeout");
        unblock_undo(action, end_failed);
        return;
    }
    if (answer->reach == REACH_OK &&
        ownpg_is_conflict(query_text(res, 0, 1), query_text(res, 0, 2)))
        unblock_readers(action, ask_again);
    else
        action_later(action, ASK_MS, ask);
}

static void ask_connected(struct action *action)
{
    pgconn_query(action->conn, query_promote_state.text, 0, NULL,
                 action_left_ms(action), on_state, action);
}

static void ask(struct action *action)
{
    action_connect(action, action->conn, action->daemon->config.conninfo,
                   ask_connected);
}

/* ---- pg_promote() ------------------------------------------------------------------
 */

static void
on_promote(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_FAILED) {
        log_error("pg_promote() failed: %s", answer->message);
        log_hint(
            LOG_LEVEL_ERROR,
            "grant it with \"GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer)\" "
            "or set \"pg_bindir\" so that pg_ctl can be used");
        action_end(action, false);
        return;
    }
    ask(action);
}

static void promote_by_sql(struct action *action)
{
    const char *params[] = {"false", "60"};

    pgconn_query(action->conn, query_promote.text, query_promote.n_params, params,
                 action_left_ms(action), on_promote, action);
}

/* ---- pg_ctl ------------------------------------------------------------------------
 */

/* Is the data directory here and ours? In a sidecar it may be neither. */
static bool data_directory_at_hand(const struct action *action)
{
    char *path = xasprintf("%s/postmaster.pid", action->daemon->config.data_directory);
    bool there = access(path, R_OK) == 0;

    free(path);
    return there && access(action->daemon->config.data_directory, W_OK) == 0;
}

static void on_pg_ctl_end(void *arg, const struct child_end *end)
{
    struct action *action = arg;

    action->child = NULL;
    if (end->started && end->exit_status == 0) {
        ask(action);
        return;
    }
    log_warning("pg_ctl promote failed, trying pg_promote()");
    action_connect(action, action->conn, action->daemon->config.conninfo,
                   promote_by_sql);
}

static void promote_by_pg_ctl(struct action *action, const char *pg_ctl)
{
    /* Without waiting (-W): we ask PostgreSQL ourselves, more often than pg_ctl does.
     * To write its trigger file and signal the postmaster without it would save 2 ms of
     * 30, and what pg_ctl knows of PostgreSQL's versions. */
    const char *argv[] = {pg_ctl, "-D",      action->daemon->config.data_directory,
                          "-W",   "promote", NULL};
    struct child_spec spec = {.name = "pg_ctl promote",
                              .argv = argv,
                              .deadline_ms = action_left_ms(action),
                              .output_level = LOG_LEVEL_DEBUG};

    log_detail(LOG_LEVEL_NOTICE,
               "promoting server \"%s\" (ID: %d) using \"%s -D '%s' promote\"",
               action->daemon->config.node_name, action->daemon->config.node_id, pg_ctl,
               action->daemon->config.data_directory);
    action->child = child_run(action->daemon->loop, &spec, on_pg_ctl_end, action);
}

/* ---- choosing the way ---------------------------------------------------------------
 */

static void built_in(struct action *action)
{
    char *pg_ctl CLEANUP(cleanup_free) =
        data_directory_at_hand(action)
            ? ownpg_program(&action->daemon->config, "pg_ctl")
            : NULL;

    if (pg_ctl != NULL) {
        promote_by_pg_ctl(action, pg_ctl);
        return;
    }
    log_detail(LOG_LEVEL_NOTICE, "promoting server \"%s\" (ID: %d) using pg_promote()",
               action->daemon->config.node_name, action->daemon->config.node_id);
    action_connect(action, action->conn, action->daemon->config.conninfo,
                   promote_by_sql);
}

static void choose(struct action *action)
{
    const struct config *config = &action->daemon->config;
    const char *name = "promote_command";
    const char *command = config->promote_command;

    if (command[0] == '\0') {
        name = "service_promote_command";
        command = config->service_promote_command;
    }
    if (command[0] == '\0') {
        built_in(action);
        return;
    }
    log_detail(LOG_LEVEL_NOTICE, "using %s: \"%s\"", name, command);
    action_command(action, name, command, config->node_id, ask);
}

void promote_start(struct daemon *daemon, const struct core_effect *effect)
{
    struct action *action = action_new(daemon, effect);

    log_notice("promoting standby to primary");
    unblock_start(action, choose);
}
