/* cmd_node_maintenance.c - `node maintenance on|off`: take a voter out, so that its
 * pgrmond may be stopped for as long as needed without counting as lost (rule M2). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "daemons.h"
#include "log.h"
#include "membership.h"
#include "mono.h"
#include "precheck.h"
#include "queries.h"
#include "registration.h"
#include "session.h"

#define CONFIRM_MS 10000
#define POLL_US    200000

struct plan {
    struct cmd_context *context;
    PGconn *primary;
    struct nodeset set;
    int primary_id;
    const struct node_record *target; /* in `set` */
    bool on;
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->primary);
    nodeset_free(&plan->set);
}

/* Who leads supports itself by its own ballot; a leader that is no voter would depend
 * on all the others. */
static void check_leader(const struct plan *plan, struct precheck *list)
{
    char label[REGISTRATION_LABEL_SIZE];

    if (!plan->on || plan->target->id != plan->primary_id)
        return;
    precheck_fail_unless(list, plan->context->line.force, EXIT_CODE_BAD_CONFIG,
                         "%s is the running primary",
                         registration_label(plan->target, label));
    precheck_detail(list, "it would need all of its ballots from others");
    precheck_hint(list, "let another node lead first; \"--force\" goes on");
}

static void check(const struct plan *plan, struct precheck *list)
{
    int rest = membership_voters(&plan->set, plan->target->id);

    check_leader(plan, list);
    if (plan->on && rest == 0) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "nobody would be left to vote");
        precheck_hint(list, "bring another node back first: \"pgrmon node maintenance "
                            "off --node-id=ID\"");
    }
    membership_check(plan->context, &plan->set, plan->primary_id,
                     plan->on ? plan->target->id : 0, list);
    membership_check_size(plan->on ? rest : rest + 1, list);
}

static int write_record(const struct plan *plan, struct err *err)
{
    char id[16];
    const char *params[] = {id, plan->on ? "false" : "true"};
    int code;

    (void)snprintf(id, sizeof id, "%d", plan->target->id);
    code = registration_change(plan->primary, &plan->set, &query_node_set_voting,
                               params, err);
    if (code != EXIT_CODE_SUCCESS)
        err_prefix(err, "could not write the node record");
    return code;
}

/* A daemon quotes a membership only when it is in its file. */
static bool is_confirmed(const struct nodeset *set, int node_id, bool *ret_seen)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    const struct core_note *note;

    gather_probe(set, answers);
    note = daemons_newest(set, answers, node_id);
    *ret_seen = note != NULL;
    return note != NULL && note->members_version >= set->version;
}

/* The record is written, whatever comes now: that it has not reached the node is told,
 * no failure. */
static void await_confirmation(const struct plan *plan, const char *label)
{
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    struct mono deadline = mono_add(mono_now(), CONFIRM_MS);
    bool seen = false;

    if (session_nodes(plan->primary, &set, NULL) != EXIT_CODE_SUCCESS)
        return;
    for (;;) {
        if (is_confirmed(&set, plan->target->id, &seen)) {
            log_info("%s has confirmed it", label);
            return;
        }
        if (!seen || mono_reached(deadline, mono_now()))
            break;
        (void)usleep(POLL_US);
    }
    log_warning("%s has not confirmed it yet", label);
    log_detail(LOG_LEVEL_WARNING, "%s",
               seen ? "its pgrmond does not quote the new membership"
                    : "no pgrmond of it is seen");
    log_hint(LOG_LEVEL_WARNING, "see \"pgrmon cluster notes\"");
}

static int apply(const struct plan *plan, struct err *err)
{
    char label[REGISTRATION_LABEL_SIZE];
    int code = write_record(plan, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)registration_label(plan->target, label);
    session_event(plan->context, plan->primary, plan->target->id,
                  plan->on ? "node_maintenance_on" : "node_maintenance_off", true,
                  plan->on ? "it does not vote" : "it votes again");
    log_notice("%s is %s", label,
               plan->on ? "in maintenance: it does not vote" : "a voter again");
    await_confirmation(plan, label);
    return EXIT_CODE_SUCCESS;
}

/* Nothing to be done is no failure: a script may say it twice. */
static bool is_done(const struct plan *plan)
{
    char label[REGISTRATION_LABEL_SIZE];

    if (plan->target->voting == plan->on)
        return false;
    log_notice("%s is %s already", registration_label(plan->target, label),
               plan->on ? "in maintenance" : "a voter");
    return true;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct plan plan CLEANUP(plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code =
        session_open_primary(context, &plan.primary, &plan.set, &plan.primary_id, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    plan.on = strcmp(context->line.word, "on") == 0;
    plan.target = registration_target(context, &plan.set, err);
    if (plan.target == NULL)
        return EXIT_CODE_BAD_CONFIG;
    if (is_done(&plan))
        return EXIT_CODE_SUCCESS;
    check(&plan, &list);
    code = precheck_report(&list, "node maintenance", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&plan, err);
}

const struct cmd cmd_node_maintenance = {
    .object = "node",
    .action = "maintenance",
    .words = "on|off",
    .summary = "take a node's vote away for a while, and give it back",
    .details =
        "Every voter counts for the majority that a primary needs, whether its "
        "pgrmond\n"
        "runs or not: stopping those of a majority freezes the primary. A node in\n"
        "maintenance does not vote and is not counted, so its host can be down for as\n"
        "long as needed. Concerns this node, or the one that --node-id or --node-name\n"
        "names; its PostgreSQL goes on as it is. A majority of the voters must have\n"
        "confirmed the present membership before; --force goes on without.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node maintenance on\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf node maintenance off --node-id=3",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_NODE,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
