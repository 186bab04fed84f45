/* cmd_witness_unregister.c - remove the record of a witness. */
#include <stdio.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "membership.h"
#include "precheck.h"
#include "registration.h"
#include "session.h"

static void check(const struct cmd_context *context,
                  const struct nodeset *set,
                  int primary_id,
                  const struct node_record *target,
                  struct precheck *list)
{
    char label[REGISTRATION_LABEL_SIZE];

    (void)registration_label(target, label);
    if (target->role != CORE_ROLE_WITNESS) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is registered as %s", label,
                      node_role_name(target->role));
        precheck_hint(list, "execute \"pgrmon %s unregister --node-id=%d\"",
                      node_role_name(target->role), target->id);
        return;
    }
    precheck_add(list, PRECHECK_OK, "%s is registered as witness", label);
    if (!target->voting)
        return;
    membership_check(context, set, primary_id, target->id, list);
    membership_check_size(membership_voters(set, target->id), list);
}

static int apply(struct cmd_context *context,
                 PGconn *primary,
                 const struct nodeset *set,
                 const struct node_record *target,
                 struct err *err)
{
    char label[REGISTRATION_LABEL_SIZE], details[REGISTRATION_LABEL_SIZE + 32];
    int code;

    (void)registration_label(target, label);
    log_info("unregistering witness %s", label);
    code = registration_delete(primary, set, target->id, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)snprintf(details, sizeof details, "witness %s unregistered", label);
    session_event(context, primary, target->id, "witness_unregister", true, details);
    log_info("witness unregistration complete");
    log_notice("witness %s was successfully unregistered", label);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    PGconn *primary CLEANUP(session_close) = NULL;
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    const struct node_record *target;
    int primary_id;
    int code = session_open_primary(context, &primary, &set, &primary_id, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    target = registration_target(context, &set, err);
    if (target == NULL)
        return EXIT_CODE_BAD_CONFIG;
    check(context, &set, primary_id, target, &list);
    code = precheck_report(&list, "witness unregister", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(context, primary, &set, target, err);
}

const struct cmd cmd_witness_unregister = {
    .object = "witness",
    .action = "unregister",
    .summary = "remove the record of a witness",
    .details = "Removes the record of this witness, or of the one that --node-id or "
               "--node-name\n"
               "names. Stop its pgrmond afterwards. May be run on every node. --force "
               "goes on\n"
               "when too few voters have confirmed the present membership.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf witness unregister\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf witness unregister --node-id=3",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_NODE,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
