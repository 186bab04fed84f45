/* cmd_primary_register.c - create the metadata, and the record of the first primary. */
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "cleanup.h"
#include "cmd.h"
#include "gather.h"
#include "log.h"
#include "membership.h"
#include "precheck.h"
#include "queries.h"
#include "registration.h"
#include "schema.h"
#include "server.h"
#include "session.h"

/* What is to be done, once it is known. */
struct plan {
    struct cmd_context *context;
    PGconn *conn;
    struct server server;
    struct nodeset set;
    bool create_schema;
    int old_primary_id; /* to be set inactive; 0 = none */
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->conn);
    server_deinit(&plan->server);
    nodeset_free(&plan->set);
}

static void check_role(const struct plan *plan, struct precheck *list)
{
    if (!plan->server.in_recovery) {
        precheck_add(list, PRECHECK_OK, "server is not in recovery");
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "this server is a standby");
    precheck_detail(list, "it is in recovery; only a primary can be registered as one");
    precheck_hint(list, "execute \"pgrmon standby register\"");
}

static int check_schema(struct plan *plan, struct precheck *list, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(plan->conn, &query_schema_state, NULL, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    if (query_bool(res, 0, 0)) {
        int code;

        if (query_bool(res, 0, 1)) {
            code = session_check_schema(plan->conn, err);
            return code != EXIT_CODE_SUCCESS
                       ? code
                       : session_nodes(plan->conn, &plan->set, err);
        }
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "schema \"pgrmon\" in database \"%s\" is not pgrmon's",
                      PQdb(plan->conn));
        precheck_detail(list, "it has no table \"schema_version\"");
        precheck_hint(list,
                      "if it is not needed, execute \"DROP SCHEMA pgrmon CASCADE\" in "
                      "that database; else let \"conninfo\" name another one");
        return EXIT_CODE_SUCCESS;
    }
    plan->create_schema = true;
    if (query_bool(res, 0, 2)) {
        precheck_add(list, PRECHECK_OK, "schema \"pgrmon\" will be created");
        return EXIT_CODE_SUCCESS;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "role \"%s\" may not create schema \"pgrmon\" in database \"%s\"",
                  PQuser(plan->conn), PQdb(plan->conn));
    precheck_hint(list, "as a superuser execute \"GRANT CREATE ON DATABASE %s TO %s\"",
                  PQdb(plan->conn), PQuser(plan->conn));
    return EXIT_CODE_SUCCESS;
}

/* One cluster has one primary: the one that is registered must be gone. */
static void check_other_primary(struct plan *plan, struct precheck *list)
{
    const struct node_record *other = nodeset_primary(&plan->set);
    struct nodeset one = NODESET_INIT;
    struct gathered answer;
    char label[REGISTRATION_LABEL_SIZE];

    if (other == NULL || other->id == plan->context->config.node_id)
        return;
    one.n = 1;
    one.v[0] = *other; /* borrowed: not freed */
    gather_probe(&one, &answer);
    (void)registration_label(other, label);
    plan->old_primary_id = other->id;
    if (answer.seen.reach != REACH_OK || answer.seen.in_recovery) {
        precheck_add(list, PRECHECK_NOTICE,
                     "%s is registered as the primary and will be set inactive", label);
        precheck_detail(list, "%s",
                        answer.seen.reach == REACH_OK ? "it is a standby now"
                                                      : answer.message);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "%s is registered as the primary and is running as one", label);
    precheck_detail(list, "a cluster has one primary only");
    precheck_hint(list,
                  "make this server a standby of it with \"pgrmon standby clone\", or "
                  "stop that one first");
}

/* M1, unless it votes already. */
static void check_membership(const struct plan *plan, struct precheck *list)
{
    int id = plan->context->config.node_id;
    const struct node_record *found = nodeset_find(&plan->set, id);

    if (found == NULL || !found->voting)
        membership_check(plan->context, &plan->set, id, 0, list);
}

static int gather(struct plan *plan, struct precheck *list, struct err *err)
{
    struct cmd_context *context = plan->context;
    int code;

    log_info("connecting to primary database...");
    code = session_open(context->config.conninfo, "the primary", &plan->conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(plan->conn, &plan->server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    server_check_version(&plan->server, list);
    check_role(plan, list);
    server_check_data_directory(&plan->server, &context->config, list);
    registration_check_secret(&context->config, list);
    /* A standby's copy of the metadata would only add to the confusion. */
    if (plan->server.in_recovery)
        return EXIT_CODE_SUCCESS;
    code = check_schema(plan, list, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    registration_check_duplicates(context, &plan->set, "primary register", list);
    check_other_primary(plan, list);
    admission_check(context, plan->server.system_identifier, list);
    check_membership(plan, list);
    return EXIT_CODE_SUCCESS;
}

static int set_inactive(PGconn *conn, int node_id, struct err *err)
{
    char id[16];
    const char *params[] = {id, "false"};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", node_id);
    res = query_run(conn, &query_node_set_active, params, err);
    return res == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

static int record_term(PGconn *conn, int node_id, struct err *err)
{
    char id[16];
    const char *params[] = {id, "registered as the primary", NULL, NULL};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", node_id);
    res = query_run(conn, &query_record_promotion, params, err);
    return res == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

/* All in one transaction: everything is there afterwards, or nothing is. */
static int apply_statements(PGconn *conn, void *arg, struct err *err)
{
    const struct plan *plan = arg;
    const struct config *config = &plan->context->config;
    int code = EXIT_CODE_SUCCESS;

    if (plan->create_schema) {
        log_notice("attempting to create schema \"pgrmon\"");
        if (query_exec(conn, schema_create_text(), err) != 0) {
            err_prefix(err, "could not create schema \"pgrmon\"");
            return EXIT_CODE_DB_QUERY;
        }
    }
    if (plan->old_primary_id != 0)
        code = set_inactive(conn, plan->old_primary_id, err);
    if (code == EXIT_CODE_SUCCESS)
        code = registration_write(conn, &plan->set, config, CORE_ROLE_PRIMARY, 0, err);
    if (code == EXIT_CODE_SUCCESS)
        code = record_term(conn, config->node_id, err);
    return code;
}

static int apply(struct plan *plan, struct err *err)
{
    struct cmd_context *context = plan->context;
    const struct config *config = &context->config;
    char details[128];
    int code = registration_transaction(plan->conn, apply_statements, plan, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (plan->create_schema) {
        log_notice("schema \"pgrmon\" successfully created");
        session_event(context, plan->conn, config->node_id, "cluster_created", true,
                      "");
    }
    (void)snprintf(details, sizeof details,
                   "node \"%.63s\" (ID: %d) registered as primary", config->node_name,
                   config->node_id);
    session_event(context, plan->conn, config->node_id, "primary_register", true,
                  details);
    log_notice("primary node record (ID: %d) %s", config->node_id,
               context->line.force ? "written" : "registered");
    return admission_write(context, plan->conn, CORE_ROLE_PRIMARY,
                           plan->server.system_identifier,
                           nodeset_find(&plan->set, config->node_id) != NULL, err);
}

static int run(struct cmd_context *context, struct err *err)
{
    struct plan plan CLEANUP(plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code = registration_need_config(context, err);

    if (code == EXIT_CODE_SUCCESS)
        code = gather(&plan, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "primary register", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_primary_register = {
    .object = "primary",
    .action = "register",
    .summary = "create the metadata and register this primary",
    .details = "Checks that the server of \"conninfo\" is a primary, creates schema "
               "\"pgrmon\"\n"
               "in its database when it is not there, and writes this node's record. "
               "All of it\n"
               "is one transaction. A registered primary that cannot be reached any "
               "more is set\n"
               "inactive; one that runs is an error.\n"
               "--force overwrites the record of this node.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf primary register --dry-run\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf primary register",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
