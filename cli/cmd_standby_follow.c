/* cmd_standby_follow.c - point this standby at the primary or another upstream. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "cmd.h"
#include "follow_plan.h"
#include "log.h"
#include "mono.h"
#include "queries.h"
#include "session.h"
#include "slot.h"

#define POLL_US           20000
#define OLD_SLOT_WAIT_MS  2000
#define RELOAD_TIMEOUT_MS 30000

/* ---- changing the server -------------------------------------------------------- */

static int alter(PGconn *conn, const char *name, const char *value, struct err *err)
{
    char *text CLEANUP(cleanup_free) = query_build_alter_system(conn, name, value);

    if (text == NULL) {
        (void)err_set(err, EXIT_CODE_INTERNAL, "could not quote \"%s\"", name);
        return EXIT_CODE_INTERNAL;
    }
    if (query_exec(conn, text, err) == 0)
        return EXIT_CODE_SUCCESS;
    err_prefix(err, "could not set \"%s\"", name);
    err_hint(
        err,
        "let the role be a superuser, or (PostgreSQL 15 and later) execute \"GRANT "
        "ALTER SYSTEM ON PARAMETER primary_conninfo, primary_slot_name TO %s\" on "
        "the primary",
        PQuser(conn));
    return EXIT_CODE_DB_QUERY;
}

static int reload_by_command(const char *command, struct err *err)
{
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    struct child_options options = {
        .argv = argv, .pass_fd = -1, .timeout_ms = RELOAD_TIMEOUT_MS};
    struct child_result result;
    char how[128];

    if (child_run(&options, &result, err) != 0)
        return EXIT_CODE_SYSTEM;
    if (child_succeeded(&result))
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -EIO, "setting \"service_reload_command\" failed");
    err_detail(err, "%s", child_describe(&result, how, sizeof how));
    err_hint(err, "execute \"SELECT pg_reload_conf()\" on this server");
    return EXIT_CODE_LOCAL_COMMAND;
}

static int reload(const struct follow_plan *plan, struct err *err)
{
    const char *command = plan->context->config.service_reload_command;
    PGresult *res CLEANUP(query_clear) = NULL;

    if (command[0] != '\0')
        return reload_by_command(command, err);
    res = query_run(plan->local, &query_reload, NULL, err);
    if (res != NULL)
        return EXIT_CODE_SUCCESS;
    err_hint(err,
             "execute \"GRANT EXECUTE ON FUNCTION pg_reload_conf() TO %s\" on the "
             "primary, or set \"service_reload_command\"",
             PQuser(plan->local));
    return EXIT_CODE_DB_QUERY;
}

/* The slot first: an upstream without it would refuse us. */
static int change(struct follow_plan *plan, struct err *err)
{
    bool created = false;
    int code = EXIT_CODE_SUCCESS;

    if (plan->slot[0] != '\0')
        code = slot_create(plan->remote, plan->slot, &created, err);
    if (code == EXIT_CODE_SUCCESS)
        code = alter(plan->local, "primary_conninfo", plan->conninfo, err);
    if (code == EXIT_CODE_SUCCESS)
        code = alter(plan->local, "primary_slot_name",
                     plan->slot[0] != '\0' ? plan->slot : NULL, err);
    if (code == EXIT_CODE_SUCCESS)
        code = reload(plan, err);
    if (code != EXIT_CODE_SUCCESS && created)
        (void)!slot_drop(plan->remote, plan->slot, 0, NULL);
    return code;
}

/* ---- waiting -------------------------------------------------------------------- */

/* The upstream's word and ours: a walsender of our name could be somebody else's. */
static bool upstream_sends(const struct follow_plan *plan)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(plan->remote, &query_downstreams, NULL, NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = query_text(res, i, 0), *state = query_text(res, i, 2);

        if (name != NULL && state != NULL && strcmp(state, "streaming") == 0 &&
            strcmp(name, plan->context->config.node_name) == 0)
            return true;
    }
    return false;
}

/* NULL status: the role may not look, the upstream's word must do. */
static bool we_receive(const struct follow_plan *plan, char *ret_status, size_t size)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(plan->local, &query_receiver, NULL, NULL);
    const char *status;

    (void)snprintf(ret_status, size, "there is no walreceiver");
    if (res == NULL || PQntuples(res) == 0)
        return false;
    status = query_text(res, 0, 0);
    (void)snprintf(ret_status, size, "its status is \"%s\"",
                   status != NULL ? status : "?");
    return status == NULL || strcmp(status, "streaming") == 0;
}

static int await_streaming(const struct follow_plan *plan, struct err *err)
{
    const struct config *config = &plan->context->config;
    struct mono deadline = mono_add(mono_now(), config->standby_follow_timeout_ms);
    char status[64];

    while (!we_receive(plan, status, sizeof status) || !upstream_sends(plan)) {
        if (mono_reached(deadline, mono_now())) {
            (void)err_set(err, -ETIMEDOUT,
                          "this standby did not attach to %s within %" PRId64 " s",
                          plan->label, config->standby_follow_timeout_ms / 1000);
            err_detail(err, "the settings were changed and it goes on trying; %s",
                       status);
            err_hint(
                err,
                "see the log of this server for what the walreceiver was told, then "
                "execute \"pgrmon node check\"");
            return EXIT_CODE_FOLLOW;
        }
        (void)usleep(POLL_US);
    }
    return EXIT_CODE_SUCCESS;
}

/* ---- recording ------------------------------------------------------------------ */

static int set_value(PGconn *primary,
                     const struct query *query,
                     int node_id,
                     const char *value,
                     struct err *err)
{
    char id[16];
    const char *params[] = {id, value};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", node_id);
    res = query_run(primary, query, params, err);
    return res == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

static int
write_record(const struct follow_plan *plan, PGconn *primary, struct err *err)
{
    int node_id = plan->self->id;
    char upstream[16], details[REGISTRATION_LABEL_SIZE + 48];
    int code;

    (void)snprintf(upstream, sizeof upstream, "%d", plan->target->id);
    code = set_value(primary, &query_node_set_upstream, node_id, upstream, err);
    if (code == EXIT_CODE_SUCCESS)
        code = set_value(primary, &query_node_set_slot, node_id, plan->slot, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)snprintf(details, sizeof details, "standby attached to upstream %s",
                   plan->label);
    session_event(plan->context, primary, node_id, "standby_follow", true, details);
    return EXIT_CODE_SUCCESS;
}

/* Streaming is what counts; the record of it may come later (pgrmond writes it too). */
static void record(const struct follow_plan *plan)
{
    const struct node_record *primary = nodeset_find(&plan->set, plan->primary_id);
    PGconn *conn CLEANUP(session_close) = NULL;
    struct err err = ERR_INIT;
    int code;

    if (primary == NULL) {
        log_warning("no primary can be reached to record the new upstream");
        log_hint(LOG_LEVEL_WARNING,
                 "when there is one, execute \"pgrmon standby register --force "
                 "--upstream-node-id=%d\"",
                 plan->target->id);
        return;
    }
    code = session_open(primary->conninfo, "the primary", &conn, &err);
    if (code == EXIT_CODE_SUCCESS)
        code = write_record(plan, conn, &err);
    if (code == EXIT_CODE_SUCCESS)
        return;
    err_prefix(&err, "could not record the new upstream");
    log_err(LOG_LEVEL_WARNING, &err);
}

/* A slot that nobody uses keeps WAL until the disk is full. */
static void drop_old_slot(const struct follow_plan *plan)
{
    const struct node_record *old = nodeset_find(&plan->set, plan->self->upstream_id);
    struct nodeset one = {.n = 1};
    struct gathered answer;

    if (old == NULL || old == plan->target || old == plan->self ||
        plan->self->slot_name[0] == '\0')
        return;
    one.v[0] = *old; /* borrowed: not freed */
    gather_probe(&one, &answer);
    if (answer.seen.reach == REACH_OK) {
        slot_drop_on(old, plan->self->slot_name, OLD_SLOT_WAIT_MS);
        return;
    }
    log_info("former upstream node \"%s\" (ID: %d) cannot be reached; its replication "
             "slot \"%s\" is left there",
             old->name, old->id, plan->self->slot_name);
}

static int apply(struct follow_plan *plan, struct err *err)
{
    int code;

    log_notice("setting upstream of this standby to %s", plan->label);
    code = change(plan, err);
    if (code == EXIT_CODE_SUCCESS)
        code = await_streaming(plan, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    record(plan);
    drop_old_slot(plan);
    log_notice("STANDBY FOLLOW successful");
    log_detail(LOG_LEVEL_NOTICE, "standby attached to upstream %s", plan->label);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct follow_plan plan CLEANUP(follow_plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code = registration_need_config(context, err);

    if (code == EXIT_CODE_SUCCESS)
        code = follow_plan_gather(&plan, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "standby follow", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_standby_follow = {
    .object = "standby",
    .action = "follow",
    .summary = "attach this standby to the primary or another node",
    .details =
        "Checks that this standby can stream from the new upstream (same cluster,\n"
        "timeline not lower, no WAL of its own beyond the fork), makes a slot there,\n"
        "changes primary_conninfo with a reload, and waits until it streams. Without\n"
        "--upstream-node-id the primary is followed; --wait waits for one to appear.\n"
        "It can serve as follow_command of pgrmond.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf standby follow\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf standby follow --upstream-node-id=2",
    .options = CMD_OPT_DRY_RUN | CMD_OPT_UPSTREAM | CMD_OPT_WAIT,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
