/* cmd_witness_register.c - write the record of a witness, through the primary. */
#include <stdio.h>

#include "admission.h"
#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "membership.h"
#include "precheck.h"
#include "registration.h"
#include "server.h"
#include "session.h"

struct plan {
    struct cmd_context *context;
    PGconn *primary;
    struct server server; /* the primary's */
    struct nodeset set;
    int primary_id;
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->primary);
    server_deinit(&plan->server);
    nodeset_free(&plan->set);
}

static int need_witness(const struct cmd_context *context, struct err *err)
{
    const struct config *config = &context->config;

    if (config->type == CONFIG_NODE_WITNESS)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "this node is no witness by its configuration");
    err_detail(err, "a node with a PostgreSQL is registered as primary or standby");
    err_hint(err, "set \"type = witness\" in %s and remove \"data_directory\"",
             config->file[0] != '\0' ? config->file : "the environment");
    return EXIT_CODE_BAD_CONFIG;
}

/* A data node does not become a witness, nor the reverse: its WAL would be forgotten.
 */
static void check_role(const struct plan *plan, struct precheck *list)
{
    const struct node_record *found =
        nodeset_find(&plan->set, plan->context->config.node_id);
    char label[REGISTRATION_LABEL_SIZE];

    if (found == NULL || found->role == CORE_ROLE_WITNESS)
        return;
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is registered as %s",
                  registration_label(found, label), node_role_name(found->role));
    precheck_hint(list,
                  "choose another \"node_id\", or execute \"pgrmon %s unregister "
                  "--node-id=%d\" first",
                  node_role_name(found->role), found->id);
}

static int gather(struct plan *plan, struct precheck *list, struct err *err)
{
    struct cmd_context *context = plan->context;
    const struct config *config = &context->config;
    const struct node_record *found;
    int code;

    log_info("connecting to primary database");
    code = session_open_primary(context, &plan->primary, &plan->set, &plan->primary_id,
                                err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(plan->primary, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(plan->primary, &plan->server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    precheck_add(list, PRECHECK_OK, "the primary is node %d", plan->primary_id);
    registration_check_duplicates(context, &plan->set, "witness register", list);
    check_role(plan, list);
    admission_check(context, plan->server.system_identifier, list);
    found = nodeset_find(&plan->set, config->node_id);
    if (found != NULL && found->voting)
        return EXIT_CODE_SUCCESS;
    membership_check(context, &plan->set, plan->primary_id, 0, list);
    membership_check_size(membership_voters(&plan->set, 0) + 1, list);
    return EXIT_CODE_SUCCESS;
}

static int apply(struct plan *plan, struct err *err)
{
    struct cmd_context *context = plan->context;
    const struct config *config = &context->config;
    char label[REGISTRATION_LABEL_SIZE], details[160];
    int code;

    (void)registration_self_label(config, label);
    log_info("registering witness %s", label);
    code = registration_write(plan->primary, &plan->set, config, CORE_ROLE_WITNESS, 0,
                              err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)snprintf(details, sizeof details, "witness registration succeeded%s",
                   context->line.force ? " (--force)" : "");
    session_event(context, plan->primary, config->node_id, "witness_register", true,
                  details);
    code = admission_write(context, plan->primary, CORE_ROLE_WITNESS,
                           plan->server.system_identifier,
                           nodeset_find(&plan->set, config->node_id) != NULL, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    log_info("witness registration complete");
    log_notice("witness %s successfully registered", label);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct plan plan CLEANUP(plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code = need_witness(context, err);

    if (code == EXIT_CODE_SUCCESS)
        code = gather(&plan, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "witness register", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_witness_register = {
    .object = "witness",
    .action = "register",
    .summary = "register this node as a witness, which has no PostgreSQL",
    .details =
        "A witness is a pgrmond alone: it only votes, so that two data nodes have a\n"
        "majority when one is lost. Its configuration has type = witness and no\n"
        "data_directory, and its conninfo names the data nodes, as in\n"
        "\"host=node1,node2 user=pgrmon dbname=pgrmon\". Checks that the primary can "
        "be\n"
        "reached, and writes this node's record through it.\n"
        "--force overwrites a record, and goes on when too few voters have confirmed\n"
        "the present membership.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf witness register --dry-run\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf witness register",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_CONN,
    .need = CMD_NEED_CONFIG,
    .run = run,
};
