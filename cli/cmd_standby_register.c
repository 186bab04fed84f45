/* cmd_standby_register.c - write the record of a standby that runs, through the
 * primary.
 *
 * With --force and -h/-d/... of the primary, a standby that does not run can be
 * registered too. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "cleanup.h"
#include "cmd.h"
#include "gather.h"
#include "log.h"
#include "membership.h"
#include "mono.h"
#include "precheck.h"
#include "queries.h"
#include "registration.h"
#include "server.h"
#include "session.h"

#define POLL_US              100000
#define WAIT_START_DEFAULT_S 30
#define WAIT_ATTACH_MS       5000

struct plan {
    struct cmd_context *context;
    PGconn *local; /* NULL: not running, --force */
    PGconn *primary;
    struct server local_server, primary_server;
    struct nodeset set;
    int primary_id;
    int upstream_id;
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->local);
    session_close(&plan->primary);
    server_deinit(&plan->local_server);
    server_deinit(&plan->primary_server);
    nodeset_free(&plan->set);
}

/* ---- gathering ------------------------------------------------------------------ */

/* A server that is starting is waited for; one that does not run only if --wait-start
 * was given. */
static int open_local(struct plan *plan, struct err *err)
{
    const struct cmd_line *line = &plan->context->line;
    int wait_s = line->wait_start_s >= 0 ? line->wait_start_s : WAIT_START_DEFAULT_S;
    struct mono deadline = mono_add(mono_now(), (int64_t)wait_s * 1000);

    log_info("connecting to local node \"%s\" (ID: %d)",
             plan->context->config.node_name, plan->context->config.node_id);
    for (;;) {
        struct gather_failure failure;
        bool hopeful;

        plan->local = gather_open(plan->context->config.conninfo, &failure);
        if (plan->local != NULL)
            return EXIT_CODE_SUCCESS;
        hopeful = failure.reach == REACH_STARTING ||
                  (failure.reach == REACH_REFUSED && line->wait_start_s > 0);
        if (!hopeful || mono_reached(deadline, mono_now()))
            break;
        (void)usleep(POLL_US);
    }
    return session_open(plan->context->config.conninfo, "the local node", &plan->local,
                        err);
}

static int gather_local(struct plan *plan, struct precheck *list, struct err *err)
{
    struct cmd_context *context = plan->context;
    int code = open_local(plan, err);

    if (code != EXIT_CODE_SUCCESS) {
        if (!context->line.force || context->source_conninfo == NULL) {
            err_hint(err,
                     "start the standby first; to register one that does not run, add "
                     "\"--force\" and the primary's \"-h HOST -U ROLE -d DATABASE\"");
            return code;
        }
        precheck_add(list, PRECHECK_WARN, "this standby does not run: not checked");
        precheck_detail(list, "%s", err->detail);
        *err = (struct err)ERR_INIT;
        return EXIT_CODE_SUCCESS;
    }
    code = server_read(plan->local, &plan->local_server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    server_check_version(&plan->local_server, list);
    server_check_data_directory(&plan->local_server, &context->config, list);
    if (plan->local_server.in_recovery) {
        precheck_add(list, PRECHECK_OK, "local node is a standby");
        return EXIT_CODE_SUCCESS;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "this server is not a standby");
    precheck_detail(list, "it is not in recovery");
    precheck_hint(list,
                  "execute \"pgrmon primary register\" if it is the cluster's primary; "
                  "else clone it from there with \"pgrmon standby clone\"");
    return EXIT_CODE_SUCCESS;
}

static void check_same_cluster(const struct plan *plan, struct precheck *list)
{
    const struct server *local = &plan->local_server, *primary = &plan->primary_server;

    if (local->system_identifier != primary->system_identifier) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "this server belongs to another cluster than the primary");
        precheck_detail(list,
                        "system identifier is %" PRIu64 " here and %" PRIu64
                        " on the primary",
                        local->system_identifier, primary->system_identifier);
        precheck_hint(list, "clone it from the primary with \"pgrmon standby clone\"");
    } else {
        precheck_add(list, PRECHECK_OK,
                     "system identifier is %" PRIu64 " here and on the primary",
                     local->system_identifier);
    }
    if (server_major(local->version_num) == server_major(primary->version_num))
        return;
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "this server has another major version than the primary");
    precheck_detail(list, "PostgreSQL %s here and %s on the primary", local->version,
                    primary->version);
    precheck_hint(list, "install the primary's version and clone again");
}

/* -- upstream -- */

static bool has_downstream(const struct gathered *answer, const char *name)
{
    return answer->has_downstreams && gathered_has_downstream(answer, name);
}

/* A standby that was started a moment ago needs another one to attach. */
static void await_attachment(const struct plan *plan,
                             const struct node_record *upstream,
                             struct gathered *ret)
{
    bool patient = !plan->context->line.force;
    struct mono deadline = mono_add(mono_now(), patient ? WAIT_ATTACH_MS : 0);
    struct nodeset one = {.n = 1};

    one.v[0] = *upstream; /* borrowed: not freed */
    for (;;) {
        gather_probe(&one, ret);
        if (ret->seen.reach != REACH_OK ||
            has_downstream(ret, plan->context->config.node_name) ||
            mono_reached(deadline, mono_now()))
            return;
        (void)usleep(POLL_US);
    }
}

/* Who else has it attached: the HINT may name the right option. 0 = nobody. */
static int find_attached(const struct plan *plan, int except)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);

    gather_probe(&plan->set, answers);
    for (int i = 0; i < plan->set.n; i++)
        if (plan->set.v[i].id != except && answers[i].seen.reach == REACH_OK &&
            has_downstream(&answers[i], plan->context->config.node_name))
            return plan->set.v[i].id;
    return 0;
}

static void check_attached(const struct plan *plan,
                           const struct node_record *upstream,
                           struct precheck *list)
{
    const struct config *config = &plan->context->config;
    bool force = plan->context->line.force;
    char label[REGISTRATION_LABEL_SIZE];
    struct gathered answer;
    int other;

    (void)registration_label(upstream, label);
    await_attachment(plan, upstream, &answer);
    if (has_downstream(&answer, config->node_name)) {
        precheck_add(list, PRECHECK_OK, "this node is attached to upstream %s", label);
        return;
    }
    precheck_fail_unless(list, force, EXIT_CODE_BAD_CONFIG,
                         "this node is not attached to upstream %s", label);
    if (answer.seen.reach != REACH_OK) {
        precheck_detail(list, "%s", answer.message);
        precheck_hint(list, "check that node; \"--force\" registers all the same");
        return;
    }
    precheck_detail(list, "no walsender there has application_name \"%s\"",
                    config->node_name);
    other = find_attached(plan, upstream->id);
    if (other != 0)
        precheck_hint(list,
                      "it is attached to node %d: execute \"pgrmon standby register "
                      "--upstream-node-id=%d\"",
                      other, other);
    else
        precheck_hint(
            list, "see \"primary_conninfo\" and the log of this server, or point it "
                  "there with \"pgrmon standby clone --replication-conf-only\"; "
                  "\"--force\" registers all the same");
}

static void check_upstream(struct plan *plan, struct precheck *list)
{
    const struct cmd_line *line = &plan->context->line;
    int id = line->upstream_node_id != 0 ? line->upstream_node_id : plan->primary_id;
    const struct node_record *upstream = nodeset_find(&plan->set, id);
    char label[REGISTRATION_LABEL_SIZE];

    plan->upstream_id = id;
    if (upstream == NULL || id == plan->context->config.node_id) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      upstream == NULL ? "no node with ID %d is registered"
                                       : "node %d cannot be its own upstream",
                      id);
        precheck_hint(list, "see \"pgrmon cluster show\" for the registered nodes");
        return;
    }
    (void)registration_label(upstream, label);
    if (!upstream->active) {
        precheck_fail_unless(list, line->force, EXIT_CODE_BAD_CONFIG,
                             "upstream %s is registered as inactive", label);
        precheck_hint(list, "register that node first, or choose another with "
                            "\"--upstream-node-id=ID\"");
        return;
    }
    if (plan->local != NULL && plan->local_server.in_recovery)
        check_attached(plan, upstream, list);
}

/* M1, unless it votes already. */
static void check_membership(const struct plan *plan, struct precheck *list)
{
    const struct node_record *found =
        nodeset_find(&plan->set, plan->context->config.node_id);

    if (found != NULL && found->voting)
        return;
    membership_check(plan->context, &plan->set, plan->primary_id, 0, list);
    membership_check_size(membership_voters(&plan->set, 0) + 1, list);
}

static int gather(struct plan *plan, struct precheck *list, struct err *err)
{
    int code = gather_local(plan, list, err);

    /* The metadata of a server that is no standby is not worth asking. */
    if (code != EXIT_CODE_SUCCESS || list->n_failed > 0)
        return code;
    log_info("connecting to primary database");
    code = session_open_primary(plan->context, &plan->primary, &plan->set,
                                &plan->primary_id, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(plan->primary, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(plan->primary, &plan->primary_server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (plan->local != NULL)
        check_same_cluster(plan, list);
    if (list->n_failed > 0)
        return EXIT_CODE_SUCCESS;
    registration_check_duplicates(plan->context, &plan->set, "standby register", list);
    registration_check_secret(&plan->context->config, list);
    if (list->n_failed == 0)
        check_upstream(plan, list);
    admission_check(plan->context, plan->primary_server.system_identifier, list);
    check_membership(plan, list);
    return EXIT_CODE_SUCCESS;
}

/* ---- applying ------------------------------------------------------------------- */

/* Has the record, as it is on the primary now, been replayed here. */
static bool is_synchronised(const struct plan *plan)
{
    const struct config *config = &plan->context->config;
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    const struct node_record *found;

    if (session_nodes(plan->local, &set, NULL) != EXIT_CODE_SUCCESS)
        return false;
    found = nodeset_find(&set, config->node_id);
    return found != NULL && found->active && found->role == CORE_ROLE_STANDBY &&
           found->upstream_id == plan->upstream_id &&
           found->priority == config->priority &&
           strcmp(found->name, config->node_name) == 0 &&
           strcmp(found->conninfo, config->conninfo) == 0;
}

static int wait_sync(const struct plan *plan, struct err *err)
{
    int wait_s = plan->context->line.wait_sync_s;
    struct mono deadline =
        wait_s < 0 ? MONO_NEVER : mono_add(mono_now(), (int64_t)wait_s * 1000);

    log_info("waiting for the record to reach this node");
    while (!is_synchronised(plan)) {
        if (mono_reached(deadline, mono_now())) {
            (void)err_set(err, -ETIMEDOUT,
                          "the record did not reach this node within %d seconds",
                          wait_s);
            err_detail(err, "it is registered on the primary");
            err_hint(err, "see the replication lag with \"pgrmon node status\"");
            return EXIT_CODE_REGISTRATION_SYNC;
        }
        if (PQstatus(plan->local) != CONNECTION_OK) {
            (void)err_set(err, -EIO, "lost the connection to the local node");
            return EXIT_CODE_REGISTRATION_SYNC;
        }
        (void)usleep(POLL_US);
    }
    session_event(plan->context, plan->primary, plan->context->config.node_id,
                  "standby_register_sync", true, "");
    log_notice("the record has reached this node");
    return EXIT_CODE_SUCCESS;
}

static int apply(struct plan *plan, struct err *err)
{
    struct cmd_context *context = plan->context;
    const struct config *config = &context->config;
    char label[REGISTRATION_LABEL_SIZE], details[160];
    int code;

    (void)registration_self_label(config, label);
    log_info("registering standby %s", label);
    code = registration_write(plan->primary, &plan->set, config, CORE_ROLE_STANDBY,
                              plan->upstream_id, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)snprintf(details, sizeof details,
                   "standby registration succeeded; upstream node ID is %d%s",
                   plan->upstream_id, context->line.force ? " (--force)" : "");
    session_event(context, plan->primary, config->node_id, "standby_register", true,
                  details);
    log_notice("standby %s successfully registered", label);
    code = admission_write(context, plan->primary, CORE_ROLE_STANDBY,
                           plan->primary_server.system_identifier,
                           nodeset_find(&plan->set, config->node_id) != NULL, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (context->line.wait_sync && plan->local != NULL)
        return wait_sync(plan, err);
    return EXIT_CODE_SUCCESS;
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
        code = precheck_report(&list, "standby register", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_standby_register = {
    .object = "standby",
    .action = "register",
    .summary = "register this standby",
    .details =
        "Checks that the local server is a standby of the cluster and attached to its\n"
        "upstream, and writes this node's record through the primary.\n"
        "--force overwrites a record and accepts a standby that is not attached; with\n"
        "the primary's -h, -U and -d also one that does not run.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf standby register\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf standby register --wait-sync=30",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_UPSTREAM | CMD_OPT_WAIT_SYNC |
               CMD_OPT_CONN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
