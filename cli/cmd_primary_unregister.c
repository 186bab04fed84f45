/* cmd_primary_unregister.c - remove the record of a primary that is no longer one. */
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
                  const struct node_record *target,
                  int primary_id,
                  struct precheck *list)
{
    char label[REGISTRATION_LABEL_SIZE];

    (void)registration_label(target, label);
    if (target->role != CORE_ROLE_PRIMARY) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is registered as %s", label,
                      node_role_name(target->role));
        precheck_hint(list, "execute \"pgrmon %s unregister --node-id=%d\"",
                      node_role_name(target->role), target->id);
        return;
    }
    registration_check_downstreams(set, target, list);
    if (target->voting) {
        membership_check(context, set, primary_id, target->id, list);
        membership_check_size(membership_voters(set, target->id), list);
    }
    if (target->id != primary_id) {
        precheck_add(list, PRECHECK_OK, "%s is not the running primary", label);
        return;
    }
    precheck_fail_unless(list, context->line.force, EXIT_CODE_BAD_CONFIG,
                         "%s is the running primary", label);
    precheck_detail(list, "without its record there is nobody to fail over from or to");
    precheck_hint(list,
                  "to remove it nevertheless, execute \"pgrmon primary unregister "
                  "--node-id=%d --force\"",
                  target->id);
}

static int apply(struct cmd_context *context,
                 PGconn *primary,
                 const struct nodeset *set,
                 const struct node_record *target,
                 struct err *err)
{
    char label[REGISTRATION_LABEL_SIZE], details[REGISTRATION_LABEL_SIZE + 32];
    int code = registration_delete(primary, set, target->id, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)registration_label(target, label);
    (void)snprintf(details, sizeof details, "%s unregistered", label);
    session_event(context, primary, target->id, "primary_unregister", true, details);
    log_notice("%s was successfully unregistered", label);
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
    check(context, &set, target, primary_id, &list);
    code = precheck_report(&list, "primary unregister", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(context, primary, &set, target, err);
}

const struct cmd cmd_primary_unregister = {
    .object = "primary",
    .action = "unregister",
    .summary = "remove the record of a failed primary",
    .details =
        "Removes the record of this node, or of the one that --node-id or --node-name\n"
        "names, which must be registered as primary and not be followed by any other.\n"
        "May be run on every node; a primary must be running somewhere. --force "
        "removes\n"
        "the record of the running primary too.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf primary unregister --node-id=1",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_NODE,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
