/* action.c - what promotion and follow share: deadline, sessions, commands, the end. */
#include "action.h"

#include <stdlib.h>

#include "child.h"
#include "cleanup.h"
#include "command.h"
#include "err.h"
#include "lineage.h"
#include "log.h"
#include "pgconn.h"

#define RETRY_MS 200

/* Each try to reach a server, within the whole deadline. */
#define CONNECT_MS 5000

int64_t action_left_ms(const struct action *action)
{
    int64_t left_ms = mono_diff(action->deadline, mono_now());

    return left_ms > 0 ? left_ms : 1;
}

bool action_expired(const struct action *action)
{
    return mono_reached(action->deadline, mono_now());
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct action *action = timer->data;

    (void)loop;
    (void)revents;
    if (action->ended) {
        struct daemon *daemon = action->daemon;
        struct core_event event = {
            .kind = CORE_EV_DONE, .done = {action->id, action->ok}
        };

        daemon->action = NULL;
        action_free(action);
        daemon_feed(daemon, &event);
        return;
    }
    action->step(action);
}

struct action *action_new(struct daemon *daemon, const struct core_effect *effect)
{
    struct action *action = xcalloc(1, sizeof *action);

    action_free(daemon->action);
    daemon->action = action;
    action->daemon = daemon;
    action->id = effect->id;
    action->node_id = effect->node_id;
    action->deadline = mono_add(mono_now(), effect->deadline_ms);
    action->conn = pgconn_new(daemon->loop, daemon->resolve);
    action->remote = pgconn_new(daemon->loop, daemon->resolve);
    ev_timer_init(&action->timer, on_timer, 0., 0.);
    action->timer.data = action;
    return action;
}

void action_free(struct action *action)
{
    if (action == NULL)
        return;
    ev_timer_stop(action->daemon->loop, &action->timer);
    child_cancel(action->child);
    pgconn_free(action->conn);
    pgconn_free(action->remote);
    free(action->conninfo);
    free(action->text[0]);
    free(action->text[1]);
    free(action->restore_command);
    lineage_free(action->lineage);
    free(action);
}

void action_later(struct action *action, int64_t ms, void (*step)(struct action *))
{
    action->step = step;
    ev_timer_stop(action->daemon->loop, &action->timer);
    ev_timer_set(&action->timer, (double)ms / 1000.0, 0.);
    ev_timer_start(action->daemon->loop, &action->timer);
}

void action_end(struct action *action, bool ok)
{
    if (action->ended)
        return;
    action->ended = true;
    action->ok = ok;
    action_later(action, 0, NULL);
}

/* ---- sessions ----------------------------------------------------------------------
 */

static void reconnect(struct action *action);

static void
on_connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct action *action = arg;

    (void)conn;
    if (answer->reach == REACH_OK) {
        action->then(action);
        return;
    }
    if (action_expired(action)) {
        log_error("no connection for this step: %s", answer->message);
        action_end(action, false);
        return;
    }
    action_later(action, RETRY_MS, reconnect);
}

static void reconnect(struct action *action)
{
    int64_t left_ms = action_left_ms(action);
    const struct pgconn_options options = {.application_name = "pgrmond",
                                           .statement_timeout_ms = left_ms,
                                           .verbose_errors = true};

    pgconn_close(action->connecting);
    pgconn_connect(action->connecting, action->conninfo, &options,
                   left_ms < CONNECT_MS ? left_ms : CONNECT_MS, on_connected, action);
}

void action_connect(struct action *action,
                    struct pgconn *conn,
                    const char *conninfo,
                    void (*then)(struct action *))
{
    if (pgconn_is_idle(conn)) {
        then(action);
        return;
    }
    action->then = then;
    action->connecting = conn;
    free(action->conninfo);
    action->conninfo = xstrdup(conninfo);
    reconnect(action);
}

/* ---- commands ----------------------------------------------------------------------
 */

static void on_command_end(void *arg, const struct child_end *end)
{
    struct action *action = arg;

    action->child = NULL;
    if (end->started && end->exit_status == 0) {
        action->then(action);
        return;
    }
    if (!end->started)
        log_error("the command could not be started (errno %d)", end->error);
    else if (end->timed_out)
        log_error("the command did not end in time and was stopped");
    else
        log_error("the command failed with exit status %d", end->exit_status);
    action_end(action, false);
}

void action_command(struct action *action,
                    const char *name,
                    const char *text,
                    int other_id,
                    void (*then)(struct action *))
{
    struct daemon *daemon = action->daemon;
    const struct node_record *other = nodeset_find(&daemon->nodes, other_id);
    struct command command CLEANUP(command_deinit) = COMMAND_NULL;
    struct child_spec spec = {.name = name, .output_level = LOG_LEVEL_INFO};
    struct err err = ERR_INIT;

    if (command_for_node(text, other_id, other == NULL ? "" : other->name,
                         other == NULL ? "" : other->conninfo, &command, &err) < 0) {
        err_prefix(&err, "\"%s\"", name);
        log_err(LOG_LEVEL_ERROR, &err);
        action_end(action, false);
        return;
    }
    spec.shell = command.shell;
    spec.env = (const char *const *)command.env;
    spec.deadline_ms = action_left_ms(action);
    action->then = then;
    action->child = child_run(daemon->loop, &spec, on_command_end, action);
}
