/* promote.c - make own PostgreSQL the primary.
 *
 *   promote_command, service_promote_command, pg_ctl promote or pg_promote(), the first
 *   that is there  ->  ask own PostgreSQL until it is out of recovery  ->  done
 *
 * Success is what PostgreSQL says, never a command's exit status alone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "action.h"
#include "child.h"
#include "err.h"
#include "log.h"
#include "pgconn.h"
#include "pgdata.h"
#include "queries.h"

/* PostgreSQL is asked this often; pg_ctl -w and pg_promote() themselves do every 100
 * ms. */
#define ASK_MS 20

static void ask(struct action *action);

static void
on_identity(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    const struct node_record *self =
        nodeset_find(&action->daemon->nodes, action->daemon->config.node_id);

    (void)conn;
    /* Column 4 of server_identity: in_recovery. */
    if (answer->reach == REACH_OK && !query_bool(answer->result, 0, 4)) {
        log_notice("STANDBY PROMOTE successful");
        log_detail(LOG_LEVEL_NOTICE,
                   "server \"%s\" (ID: %d) was successfully promoted to primary",
                   self == NULL ? action->daemon->config.node_name : self->name,
                   action->daemon->config.node_id);
        action_end(action, true);
        return;
    }
    if (action_expired(action)) {
        log_error("PostgreSQL is still in recovery after promote_check_timeout");
        action_end(action, false);
        return;
    }
    action_later(action, ASK_MS, ask);
}

static void ask_connected(struct action *action)
{
    pgconn_query(action->conn, query_server_identity.text, 0, NULL,
                 action_left_ms(action), on_identity, action);
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

/* The directories in which pg_ctl may be, in order; Debian's layout included. The data
 * directory tells its version: no session is needed, which would cost time. */
static bool find_pg_ctl(const struct config *config, char *path, size_t size)
{
    const char *bindir = config->pg_bindir;
    struct pgdata_info info = {0};
    struct err err;
    int major;

    if (pgdata_inspect(config->data_directory, &info, &err) != 0)
        return false;
    major = info.major_version;
    if (bindir[0] != '\0') {
        (void)snprintf(path, size, "%s/pg_ctl", bindir);
        return access(path, X_OK) == 0;
    }
    (void)snprintf(path, size, "/usr/lib/postgresql/%d/bin/pg_ctl", major);
    if (access(path, X_OK) == 0)
        return true;
    (void)snprintf(path, size, "/usr/pgsql-%d/bin/pg_ctl", major);
    if (access(path, X_OK) == 0)
        return true;
    (void)snprintf(path, size, "/usr/bin/pg_ctl");
    return access(path, X_OK) == 0;
}

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
     */
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
    char pg_ctl[1024];

    if (data_directory_at_hand(action) &&
        find_pg_ctl(&action->daemon->config, pg_ctl, sizeof pg_ctl)) {
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
    action_later(action, 0, choose);
}
