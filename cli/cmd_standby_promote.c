/* cmd_standby_promote.c - make this standby the primary, and record the new regime.
 *
 * Users put it into promote_command, as with repmgr, so it does not dawdle: the first
 * looks at the server are milliseconds apart. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "cmd.h"
#include "daemons.h"
#include "gather.h"
#include "log.h"
#include "mono.h"
#include "precheck.h"
#include "programs.h"
#include "queries.h"
#include "registration.h"
#include "server.h"
#include "session.h"

/* Set for service_promote_command, so that one that calls us is recognised. */
#define RECURSION_MARK "PGRMON_STANDBY_PROMOTE"

#define FIRST_POLL_MS 10

enum method { BY_COMMAND, BY_PG_CTL, BY_SQL };

struct plan {
    struct cmd_context *context;
    PGconn *local;
    struct server server;
    struct nodeset set;
    char label[REGISTRATION_LABEL_SIZE];
    enum method method;
    char *pg_ctl; /* BY_PG_CTL */
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->local);
    server_deinit(&plan->server);
    nodeset_free(&plan->set);
    free(plan->pg_ctl);
}

/* ---- gathering ------------------------------------------------------------------ */

static void check_self(const struct plan *plan, struct precheck *list)
{
    const struct config *config = &plan->context->config;

    if (!plan->server.in_recovery) {
        precheck_fail(list, EXIT_CODE_PROMOTION, "%s is not a standby", plan->label);
        precheck_detail(list, "it is not in recovery: it is a primary already");
        precheck_hint(list, "see \"pgrmon cluster show\"");
        return;
    }
    precheck_add(list, PRECHECK_OK, "%s is a standby", plan->label);
    if (nodeset_find(&plan->set, config->node_id) == NULL) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is not registered", plan->label);
        precheck_hint(
            list, "execute \"pgrmon standby register\"; in an emergency execute "
                  "\"SELECT pg_promote()\" and \"pgrmon primary register --force\"");
    }
}

/* M3: nobody would support it, and its own daemon ends what nobody supports. */
static void check_pause(const struct plan *plan,
                        const struct gathered *answers,
                        struct precheck *list)
{
    const struct core_note *note =
        daemons_newest(&plan->set, answers, plan->context->config.node_id);

    if (note == NULL || !note->paused)
        return;
    precheck_fail_unless(list, plan->context->line.force, EXIT_CODE_PROMOTION,
                         "the service is paused");
    precheck_detail(list, "a standby that is promoted meanwhile is frozen and ended by "
                          "its pgrmond");
    precheck_hint(
        list,
        "end the pause first: \"pgrmon service unpause\". If this node led when "
        "it began, its PostgreSQL leads on after \"pg_ctl promote -D %s\"",
        plan->context->config.data_directory);
}

/* A second primary is the one thing that must not come of this; --force does not help.
 */
static void check_others(const struct plan *plan, struct precheck *list)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    int silent = 0;

    gather_probe(&plan->set, answers);
    check_pause(plan, answers, list);
    for (int i = 0; i < plan->set.n; i++) {
        const struct core_observation *seen = &answers[i].seen;
        char label[REGISTRATION_LABEL_SIZE];

        if (plan->set.v[i].id == plan->context->config.node_id)
            continue;
        silent += seen->reach != REACH_OK;
        if (seen->reach != REACH_OK || seen->in_recovery ||
            seen->system_identifier != plan->server.system_identifier)
            continue;
        precheck_fail(list, EXIT_CODE_PROMOTION, "%s is running as the primary",
                      registration_label(&plan->set.v[i], label));
        precheck_detail(list, "a cluster has one primary only");
        precheck_hint(list,
                      "stop it there first with \"pg_ctl stop -m fast -D DIRECTORY\"");
    }
    if (list->n_failed == 0)
        precheck_add(list, PRECHECK_OK,
                     "no other node is a primary (%d did not answer)", silent);
}

static void choose_method(struct plan *plan, struct precheck *list)
{
    const struct config *config = &plan->context->config;

    if (config->service_promote_command[0] != '\0') {
        plan->method = BY_COMMAND;
        if (getenv(RECURSION_MARK) == NULL)
            return;
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "setting \"service_promote_command\" executes \"pgrmon standby "
                      "promote\", which executes it");
        precheck_hint(list,
                      "remove it from %s, or let it be the service manager's command",
                      config->file);
        return;
    }
    if (programs_is_owner(config->data_directory))
        plan->pg_ctl =
            programs_find(config, "pg_ctl", server_major(plan->server.version_num));
    plan->method = plan->pg_ctl != NULL ? BY_PG_CTL : BY_SQL;
}

static int gather(struct plan *plan, struct precheck *list, struct err *err)
{
    struct cmd_context *context = plan->context;
    int code =
        session_open(context->config.conninfo, "the local node", &plan->local, err);

    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(plan->local, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(plan->local, &plan->set, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(plan->local, &plan->server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    check_self(plan, list);
    if (list->n_failed > 0)
        return EXIT_CODE_SUCCESS;
    check_others(plan, list);
    choose_method(plan, list);
    if (context->line.siblings_follow)
        precheck_add(list, PRECHECK_NOTICE,
                     "other standbys follow by themselves where pgrmond runs; "
                     "\"--siblings-follow\" is not needed");
    return EXIT_CODE_SUCCESS;
}

/* ---- applying ------------------------------------------------------------------- */

/* The method in words, as the DETAIL shows it. The caller frees. */
static char *describe(const struct plan *plan)
{
    const struct config *config = &plan->context->config;

    switch (plan->method) {
    case BY_COMMAND:
        return xstrdup(config->service_promote_command);
    case BY_PG_CTL:
        return xasprintf("%s -W -D '%s' promote", plan->pg_ctl, config->data_directory);
    case BY_SQL:
        return xstrdup("SELECT pg_promote(false)");
    }
    return xstrdup("");
}

static void relay(void *arg, const char *line)
{
    (void)arg;
    log_info("%s", line);
}

static int run_program(const struct plan *plan, struct err *err)
{
    const struct config *config = &plan->context->config;
    const char *shell[] = {"/bin/sh", "-c", config->service_promote_command, NULL};
    const char *pg_ctl[] = {plan->pg_ctl,           "-W",      "-D",
                            config->data_directory, "promote", NULL};
    const char *environment[] = {RECURSION_MARK "=1", NULL};
    struct child_options options = {
        .argv = plan->method == BY_COMMAND ? shell : pg_ctl,
        .environment = environment,
        .pass_fd = -1,
        .timeout_ms = config->promote_check_timeout_ms,
        .on_line = plan->method == BY_COMMAND ? relay : NULL,
    };
    struct child_result result;
    char how[128];

    if (child_run(&options, &result, err) != 0)
        return EXIT_CODE_SYSTEM;
    if (child_succeeded(&result))
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -EIO, "the promotion command failed");
    err_detail(err, "%s", child_describe(&result, how, sizeof how));
    err_hint(err, "see the log of this server");
    return EXIT_CODE_PROMOTION;
}

static int run_sql(const struct plan *plan, struct err *err)
{
    const char *params[] = {"false", "60"};
    char sqlstate[6];
    PGresult *res CLEANUP(query_clear) =
        query_run_state(plan->local, &query_promote, params, sqlstate, err);

    if (res != NULL)
        return EXIT_CODE_SUCCESS;
    err_prefix(err, "could not promote");
    if (strcmp(sqlstate, "42501") == 0)
        err_hint(err,
                 "as a superuser of the primary execute \"GRANT EXECUTE ON FUNCTION "
                 "pg_promote(boolean,integer) TO %s\", or set \"pg_bindir\"",
                 PQuser(plan->local));
    return EXIT_CODE_PROMOTION;
}

static bool still_in_recovery(PGconn *conn)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(conn, &query_in_recovery, NULL, NULL);

    return res == NULL || query_bool(res, 0, 0);
}

static int await_promotion(struct plan *plan, struct err *err)
{
    const struct config *config = &plan->context->config;
    struct mono deadline = mono_add(mono_now(), config->promote_check_timeout_ms);
    int64_t pause_ms = FIRST_POLL_MS;

    while (still_in_recovery(plan->local)) {
        if (mono_reached(deadline, mono_now())) {
            (void)err_set(err, -ETIMEDOUT, "%s was not promoted within %" PRId64 " s",
                          plan->label, config->promote_check_timeout_ms / 1000);
            err_detail(err, "promotion was asked for, and may still happen");
            err_hint(err,
                     "see the log of this server; execute \"pgrmon cluster show\" and, "
                     "once it is a primary, \"pgrmon primary register --force\"");
            return EXIT_CODE_PROMOTION;
        }
        (void)usleep((useconds_t)pause_ms * 1000);
        if (pause_ms * 2 <= config->promote_check_interval_ms)
            pause_ms += pause_ms / 4 + 1;
        if (PQstatus(plan->local) != CONNECTION_OK)
            PQreset(plan->local); /* service_promote_command may restart it */
    }
    return EXIT_CODE_SUCCESS;
}

static int record(struct plan *plan, struct err *err)
{
    struct cmd_context *context = plan->context;
    char id[16], details[REGISTRATION_LABEL_SIZE + 64];
    const char *params[] = {id, "promoted by \"pgrmon standby promote\"", NULL, NULL};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", context->config.node_id);
    res = query_run(plan->local, &query_record_promotion, params, err);
    if (res == NULL) {
        err_prefix(err, "%s was promoted, but could not be recorded", plan->label);
        err_hint(err, "execute \"pgrmon primary register --force\"");
        return EXIT_CODE_DB_QUERY;
    }
    (void)snprintf(details, sizeof details,
                   "server %s was successfully promoted to primary",
                   plan->label + strlen("node "));
    session_event(context, plan->local, context->config.node_id, "standby_promote",
                  true, details);
    log_notice("STANDBY PROMOTE successful");
    log_detail(LOG_LEVEL_NOTICE, "%s", details);
    return EXIT_CODE_SUCCESS;
}

static int apply(struct plan *plan, struct err *err)
{
    char *how CLEANUP(cleanup_free) = describe(plan);
    int code;

    log_notice("promoting standby to primary");
    log_detail(LOG_LEVEL_NOTICE, "promoting server %s using \"%s\"",
               plan->label + strlen("node "), how);
    code = plan->method == BY_SQL ? run_sql(plan, err) : run_program(plan, err);
    if (code == EXIT_CODE_SUCCESS)
        code = await_promotion(plan, err);
    return code == EXIT_CODE_SUCCESS ? record(plan, err) : code;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct plan plan CLEANUP(plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code = registration_need_config(context, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)registration_self_label(&context->config, plan.label);
    code = gather(&plan, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "standby promote", dry_run, err);
    if (code == EXIT_CODE_SUCCESS && dry_run) {
        char *how CLEANUP(cleanup_free) = describe(&plan);

        log_info("the server would be promoted using \"%s\"", how);
    }
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_standby_promote = {
    .object = "standby",
    .action = "promote",
    .summary = "promote this standby to primary",
    .details =
        "Checks that no other registered node is a primary (all are asked at once),\n"
        "promotes the local server by service_promote_command, pg_ctl or "
        "pg_promote(),\n"
        "and records who leads now. It can serve as promote_command of pgrmond.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf standby promote",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_SIBLINGS,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
