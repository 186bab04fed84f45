/* unblock.c - see unblock.h. */
#include "unblock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ownpg.h"
#include "pgconn.h"
#include "queries.h"

/* A name server that is gone must not hold up a promotion, nor a crowded server. */
#define CONNECT_MS 500
#define QUERY_MS   1000
#define LOOK_MS    5

static void query(struct action *action, const char *text, pgconn_cb *cb)
{
    int64_t left_ms = action_left_ms(action);

    pgconn_query(action->conn, text, 0, NULL, left_ms < QUERY_MS ? left_ms : QUERY_MS,
                 cb, action);
}

static void
on_step_done(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    (void)answer;
    action->unblocked(action);
}

/* ---- until the startup process has reread its settings
 * ------------------------------- */

static void look(struct action *action);

/* Once promotion has begun it rereads nothing, and calls the old command three times
 * more. A call that is under way cannot be cut short: that would end the server. Its
 * own wait event is there from 15 on; a child is seen with all. */
static bool calls_command(const PGresult *res)
{
    const char *wait = query_text(res, 0, 2);
    pid_t startup = (pid_t)query_int64(res, 0, 3, 0);

    return (wait != NULL && strcmp(wait, "RestoreCommand") == 0) ||
           ownpg_has_children(startup) || ownpg_signal_pending(startup, SIGHUP);
}

static void on_look(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK && calls_command(answer->result) &&
        !mono_reached(action->patience, mono_now()))
        action_later(action, LOOK_MS, look);
    else
        action->unblocked(action);
}

static void look(struct action *action)
{
    query(action, query_promote_state.text, on_look);
}

static void on_told(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    (void)answer;
    action->patience = mono_add(mono_now(), action_left_ms(action) / 2);
    action_later(action, LOOK_MS, look);
}

/* ---- restore_command
 * ----------------------------------------------------------------- */

static void
on_cleared(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK) {
        query(action, query_reload.text, on_told);
        return;
    }
    /* Whether it was changed is not known when the session was lost; putting it back
     * does no harm. */
    if (answer->reach == REACH_FAILED) {
        free(action->restore_command);
        action->restore_command = NULL;
    }
    log_info("restore_command was not cleared, the promotion may be slower: %s",
             answer->message);
    action->unblocked(action);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static void clear(struct action *action, const char *command, const char *file)
{
    char *text =
        query_build_alter_system(pgconn_raw(action->conn), "restore_command", "");

    if (text == NULL) {
        action->unblocked(action);
        return;
    }
    action->restore_command = xstrdup(command);
    action->restore_by_reset = file != NULL && !ends_with(file, "postgresql.auto.conf");
    log_info("clearing restore_command for the promotion");
    query(action, text, on_cleared);
    free(text);
}

/* Columns of revoke_facts: 0 in_recovery, 5 restore_command, 6 its source, 7 its file.
 */
static void on_facts(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    const PGresult *res = answer->result;
    const char *command, *source;

    if (answer->reach != REACH_OK) {
        action->unblocked(action);
        return;
    }
    command = query_text(res, 0, 5);
    source = query_text(res, 0, 6);
    if (!query_bool(res, 0, 0) || command == NULL || command[0] == '\0' ||
        source == NULL || strcmp(source, "command line") == 0 ||
        pgconn_server_version(conn) < 140000)
        action->unblocked(action);
    else
        clear(action, command, query_text(res, 0, 7));
}

static void
on_connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK)
        query(action, query_revoke_facts.text, on_facts);
    else
        action->unblocked(action);
}

void unblock_start(struct action *action, void (*then)(struct action *action))
{
    const struct pgconn_options options = {.application_name = "pgrmond",
                                           .statement_timeout_ms =
                                               action_left_ms(action),
                                           .verbose_errors = true};

    action->unblocked = then;
    pgconn_connect(action->conn, action->daemon->config.conninfo, &options, CONNECT_MS,
                   on_connected, action);
}

static void
on_put_back(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK) {
        query(action, query_reload.text, on_step_done);
        return;
    }
    log_warning("restore_command was cleared for the promotion and could not be put "
                "back: %s",
                answer->message);
    log_hint(LOG_LEVEL_WARNING,
             "set it again with \"ALTER SYSTEM SET restore_command = "
             "...\" and \"SELECT pg_reload_conf()\"");
    action->unblocked(action);
}

void unblock_undo(struct action *action, void (*then)(struct action *action))
{
    PGconn *raw = pgconn_raw(action->conn);
    char *text = NULL;

    action->unblocked = then;
    if (action->restore_command == NULL) {
        then(action);
        return;
    }
    if (raw != NULL && pgconn_is_idle(action->conn))
        text = query_build_alter_system(
            raw, "restore_command",
            action->restore_by_reset ? NULL : action->restore_command);
    if (text == NULL) {
        const struct pgconn_answer lost = {.message = "the session was lost"};

        on_put_back(action->conn, action, &lost);
        return;
    }
    query(action, text, on_put_back);
    free(text);
}

/* ---- readers
 * ------------------------------------------------------------------------- */

static void
on_blockers(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;
    const char *directory = action->daemon->config.data_directory;
    char left_over[16];
    const char *params[] = {left_over};
    pid_t pid = 0;

    if (answer->reach == REACH_OK)
        pid = ownpg_end_readers(directory, answer->result);
    if (pid == 0) {
        action->unblocked(action);
        return;
    }
    (void)snprintf(left_over, sizeof left_over, "%d", (int)pid);
    pgconn_query(conn, query_terminate.text, query_terminate.n_params, params, QUERY_MS,
                 on_step_done, action);
}

void unblock_readers(struct action *action, void (*then)(struct action *action))
{
    action->unblocked = then;
    query(action, query_replay_blockers.text, on_blockers);
}
