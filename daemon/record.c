/* record.c - what happened, for the metadata and for event_notification_command.
 *
 * Rows go through the link to the primary and wait there while there is none. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "command.h"
#include "core/reason.h"
#include "daemon.h"
#include "err.h"
#include "log.h"
#include "queries.h"

#define MAX_HOOKS (sizeof((struct daemon *)0)->hooks / sizeof(struct child *))

/* Room for a number as a parameter. */
struct number {
    char text[24];
};

static const char *number(struct number *buf, int64_t value)
{
    (void)snprintf(buf->text, sizeof buf->text, "%" PRId64, value);
    return buf->text;
}

/* A number that is absent when it is 0. */
static const char *optional(struct number *buf, int64_t value)
{
    return value == 0 ? NULL : number(buf, value);
}

static const char *lsn_param(char buf[static LSN_TEXT_SIZE], struct lsn lsn)
{
    return lsn_known(lsn) ? lsn_format(lsn, buf) : NULL;
}

/* ---- event_notification_command -----------------------------------------------------
 */

static void on_hook_end(void *arg, const struct child_end *end)
{
    struct child **hook = arg;

    *hook = NULL;
    if (!end->started || end->timed_out || end->exit_status != 0)
        log_warning("\"event_notification_command\" failed (%s)",
                    end->timed_out ? "it did not end in time" : "see its output");
}

static struct child **free_hook(struct daemon *daemon)
{
    for (size_t i = 0; i < MAX_HOOKS; i++)
        if (daemon->hooks[i] == NULL)
            return &daemon->hooks[i];
    return NULL;
}

static void run_hook(struct daemon *daemon, const struct command *command)
{
    struct child_spec spec = {.name = "event_notification_command",
                              .shell = command->shell,
                              .env = (const char *const *)command->env,
                              .deadline_ms =
                                  daemon->config.event_notification_timeout_ms,
                              .output_level = LOG_LEVEL_INFO};
    struct child **hook = free_hook(daemon);

    if (hook == NULL) {
        log_warning("too many notification commands run, one is left out");
        return;
    }
    *hook = child_run(daemon->loop, &spec, on_hook_end, hook);
}

static void notify_command(struct daemon *daemon, const struct command_event *event)
{
    struct command command CLEANUP(command_deinit) = COMMAND_NULL;
    struct err err = ERR_INIT;
    int r = command_for_event(&daemon->config, event, &command, &err);

    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err);
    else if (r == 0)
        run_hook(daemon, &command);
}

bool record_busy(const struct daemon *daemon)
{
    for (size_t i = 0; i < MAX_HOOKS; i++)
        if (daemon->hooks[i] != NULL)
            return true;
    return false;
}

void record_stop(struct daemon *daemon)
{
    for (size_t i = 0; i < MAX_HOOKS; i++)
        child_cancel(daemon->hooks[i]);
}

/* ---- events -------------------------------------------------------------------------
 */

/* The present as PostgreSQL reads it, with its zone: the row may be written much later.
 */
static void timestamp_now(char *buf, size_t size)
{
    struct timespec now;
    struct tm tm;
    char date[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    (void)snprintf(buf, size, "%s.%06ld+00", date, now.tv_nsec / 1000);
}

void record_event(struct daemon *daemon,
                  const char *event,
                  bool successful,
                  int other_id,
                  const char *details)
{
    struct number id;
    char timestamp[64];
    const char *params[] = {number(&id, daemon->config.node_id), event,
                            successful ? "true" : "false", details, timestamp};
    const struct link_job job = {
        .query = &query_record_event, .params = params, .keep = true};

    const struct node_record *other = nodeset_find(&daemon->nodes, other_id);
    const struct command_event notice = {
        .node_id = daemon->config.node_id,
        .event = event,
        .successful = successful,
        .timestamp = timestamp,
        .details = details,
        .other_id = other_id,
        .other_name = other == NULL ? NULL : other->name,
        .other_conninfo = other == NULL ? NULL : other->conninfo};

    timestamp_now(timestamp, sizeof timestamp);
    link_submit(daemon->primary, &job);
    notify_command(daemon, &notice);
}

/* ---- terms --------------------------------------------------------------------------
 */

static void on_lead_recorded(void *arg, const struct pgconn_answer *answer)
{
    struct daemon *daemon = arg;
    const char *term =
        answer->reach == REACH_OK ? query_text(answer->result, 0, 0) : NULL;
    struct number number_of_term;
    bool ok =
        term != NULL && strcmp(term, number(&number_of_term, daemon->lead_term)) == 0;

    if (ok)
        log_info("this node leads in term %s", term);
    else if (answer->reach == REACH_FAILED || answer->reach == REACH_OK)
        log_warning("the term could not be recorded, trying again");
    daemon_done(daemon, daemon->lead_id, ok, NULL);
    daemon->lead_id = 0;
    if (ok)
        members_read(daemon);
}

void record_lead(struct daemon *daemon, uint32_t id, int64_t term)
{
    struct number node, number_of_term;
    const char *params[] = {
        number(&node, daemon->config.node_id), number(&number_of_term, term),
        daemon->lead_reason == NULL ? "found as primary" : daemon->lead_reason};
    const struct link_job job = {.query = &query_record_lead,
                                 .params = params,
                                 .cb = on_lead_recorded,
                                 .arg = daemon};

    daemon->lead_id = id;
    daemon->lead_term = term;
    link_submit(daemon->local, &job);
}

static void on_raised(void *arg, const struct pgconn_answer *answer)
{
    struct daemon *daemon = arg;
    bool ok = answer->reach == REACH_OK;
    bool changed = ok && strcmp(PQcmdTuples(answer->result), "0") != 0;

    if (changed)
        log_info("the membership was given a new version: a node had kept a newer one, "
                 "of a former leader");
    else if (!ok)
        log_debug("the version of the membership could not be looked at: %s",
                  answer->message);
    daemon_done(daemon, daemon->raise_id, ok, NULL);
    daemon->raise_id = 0;
    if (changed)
        members_read(daemon);
}

void record_membership(struct daemon *daemon, uint32_t id, int64_t version)
{
    struct number number_of_version;
    const char *params[] = {number(&number_of_version, version)};
    const struct link_job job = {.query = &query_membership_raise,
                                 .params = params,
                                 .cb = on_raised,
                                 .arg = daemon};

    daemon->raise_id = id;
    link_submit(daemon->local, &job);
}

/* ---- state and history
 * ---------------------------------------------------------------- */

void record_state(struct daemon *daemon)
{
    const struct core *core = &daemon->core;
    const struct core_view *self = core_view(core, daemon->config.node_id);
    struct number id, upstream, primary, term, timeline, pid;
    char lsn[LSN_TEXT_SIZE];
    const char *params[] = {number(&id, daemon->config.node_id),
                            reason_state_name(core->state),
                            reason_name(core->why.reason),
                            optional(&upstream, core->upstream_id),
                            optional(&primary, core->primary_id),
                            optional(&term, core->term),
                            optional(&timeline, self->seen.timeline),
                            lsn_param(lsn, self->seen.position),
                            NULL,
                            PGRMON_VERSION,
                            number(&pid, getpid())};
    const struct link_job job = {.query = &query_record_state, .params = params};

    link_submit(daemon->primary, &job);
}

/* The second half, with the time of the last replayed commit. */
static void on_replay_time(void *arg, const struct pgconn_answer *answer)
{
    struct daemon *daemon = arg;
    const struct core *core = &daemon->core;
    const struct core_view *self = core_view(core, daemon->config.node_id);
    struct number primary, standby;
    char received[LSN_TEXT_SIZE], replayed[LSN_TEXT_SIZE];
    const char *params[] = {number(&primary, core->primary_id),
                            number(&standby, daemon->config.node_id),
                            answer->reach == REACH_OK ? query_text(answer->result, 0, 0)
                                                      : NULL,
                            NULL,
                            lsn_param(received, self->seen.position),
                            lsn_param(replayed, self->seen.replayed)};
    const struct link_job job = {.query = &query_record_history, .params = params};

    if (core->state == CORE_STANDBY && core->primary_id != 0 &&
        self->seen.reach == REACH_OK)
        link_submit(daemon->primary, &job);
}

void record_history(struct daemon *daemon)
{
    const struct link_job job = {
        .query = &query_replay_time, .cb = on_replay_time, .arg = daemon};

    if (daemon->config.monitoring_history && daemon->core.state == CORE_STANDBY &&
        !daemon->core.settings.witness)
        link_submit(daemon->local, &job);
}

void record_upstream(struct daemon *daemon, int upstream_id)
{
    struct number id, upstream;
    const char *params[] = {number(&id, daemon->config.node_id),
                            number(&upstream, upstream_id)};
    const struct link_job job = {
        .query = &query_node_set_upstream, .params = params, .keep = true};

    link_submit(daemon->primary, &job);
}

void record_cleanup(struct daemon *daemon)
{
    char keep[64];
    const char *params[] = {keep, NULL};
    const struct link_job job = {.query = &query_cleanup_history, .params = params};

    if (daemon->core.state != CORE_PRIMARY ||
        daemon->config.monitoring_history_retention_ms == 0)
        return;
    (void)snprintf(keep, sizeof keep, "%" PRId64 " milliseconds",
                   daemon->config.monitoring_history_retention_ms);
    link_submit(daemon->local, &job);
}
