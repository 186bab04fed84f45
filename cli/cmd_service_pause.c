/* cmd_service_pause.c - `service pause`: nobody is elected or fenced for a while (rule
 * M3). The wish is a row; it is in force once the voters have promised. */
#include <inttypes.h>
#include <stdio.h>

#include "cleanup.h"
#include "cmd.h"
#include "config_private.h"
#include "log.h"
#include "pausing.h"
#include "precheck.h"
#include "session.h"

struct plan {
    struct cmd_context *context;
    PGconn *primary;
    struct nodeset set;
    int primary_id;
    int64_t ms;
};

static void plan_deinit(struct plan *plan)
{
    session_close(&plan->primary);
    nodeset_free(&plan->set);
}

static int read_duration(const char *text, int64_t *ret_ms, struct err *err)
{
    *ret_ms = PAUSING_DEFAULT_MS;
    if (text == NULL || (config_duration_parse(text, ret_ms) &&
                         *ret_ms >= PAUSING_MIN_MS && *ret_ms <= CORE_MAX_PAUSE_MS))
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "invalid duration \"%s\"", text);
    err_detail(err, "a pause lasts from 1 second to 7 days; a number without a unit "
                    "means seconds");
    err_hint(err, "write it as in \"pgrmon service pause --for=30min\"");
    return EXIT_CODE_BAD_CONFIG;
}

/* Promises do not get shorter. */
static void check_former(const struct plan *plan,
                         const struct pausing_wish *former,
                         const struct pausing *now,
                         struct precheck *list)
{
    if (former->left_ms <= plan->ms || now->n_paused == 0)
        return;
    precheck_fail_unless(list, plan->context->line.force, EXIT_CODE_BAD_CONFIG,
                         "the service is paused for longer already, until %s",
                         former->until);
    precheck_detail(list, "%s asked for that at %s; a pause is not made shorter",
                    former->by, former->at);
    precheck_hint(list, "end it first: \"pgrmon service unpause\"");
}

static int check(const struct plan *plan, struct precheck *list, struct err *err)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    char names[PAUSING_TEXT_SIZE];
    struct pausing_wish former;
    struct pausing now;
    int seen = 0, code = pausing_read_wish(plan->primary, &former, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    gather_probe(&plan->set, answers);
    pausing_judge(&now, &plan->set, answers, former.version);
    for (int i = 0; i < plan->set.n; i++)
        seen += now.seen[i];
    check_former(plan, &former, &now, list);
    if (seen >= now.needed && now.leads) {
        precheck_add(list, PRECHECK_OK, "pgrmond of %d of %d voters is seen, and leads",
                     seen, now.n_voters);
        return EXIT_CODE_SUCCESS;
    }
    precheck_fail_unless(
        list, plan->context->line.force, EXIT_CODE_BAD_CONFIG,
        "pgrmond of %d of %d voters is seen, %d are needed, and one of "
        "them must lead",
        seen, now.n_voters, now.needed);
    precheck_detail(list, "not seen: %s",
                    pausing_names(&plan->set, now.seen, false, names));
    precheck_hint(list, "start pgrmond there; \"pgrmon cluster explain\" says what is "
                        "missing");
    return EXIT_CODE_SUCCESS;
}

static int
not_in_force(const struct plan *plan, const struct pausing *pausing, struct err *err)
{
    char names[PAUSING_TEXT_SIZE];

    (void)err_set(err, EXIT_CODE_PAUSE,
                  "the pause is not in force: the primary is still fenced when it "
                  "loses its majority");
    err_detail(err,
               "%d of %d voters granted it, %d are needed, and the leader %s; "
               "missing: %s",
               pausing->n_granted, pausing->n_voters, pausing->needed,
               !pausing->leads   ? "is not seen"
               : pausing->relies ? "relies on an earlier one"
                                 : "does not rely on it",
               pausing_names(&plan->set, pausing->granted, false, names));
    err_hint(err, "it may still come into force: see \"pgrmon service status\"; repeat "
                  "the command, or take it back with \"pgrmon service unpause\"");
    return EXIT_CODE_PAUSE;
}

static void tell_missing(const struct plan *plan, const struct pausing *pausing)
{
    char names[PAUSING_TEXT_SIZE];

    if (pausing->n_granted == pausing->n_voters)
        return;
    log_warning("%d of %d voters granted it: enough", pausing->n_granted,
                pausing->n_voters);
    log_detail(LOG_LEVEL_WARNING, "missing: %s",
               pausing_names(&plan->set, pausing->granted, false, names));
}

static int apply(const struct plan *plan, struct err *err)
{
    char span[PAUSING_SPAN_SIZE], details[80];
    struct pausing_wish wish = {0};
    struct pausing pausing;
    int64_t version = 0;
    int code = pausing_wish(plan->primary, plan->ms, &version, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)snprintf(details, sizeof details, "for %s", pausing_span(plan->ms, span));
    session_event(plan->context, plan->primary, plan->primary_id, "service_pause", true,
                  details);
    if (!pausing_await(&plan->set, version, pausing_is_in_force, &pausing))
        return not_in_force(plan, &pausing, err);
    (void)!pausing_read_wish(plan->primary, &wish, NULL);
    tell_missing(plan, &pausing);
    log_notice("the service is paused for %s, until %s", span, wish.until);
    log_detail(LOG_LEVEL_NOTICE,
               "nobody is elected, and the primary needs no majority; \"pgrmon service "
               "unpause\" ends it");
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct plan plan CLEANUP(plan_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    char span[PAUSING_SPAN_SIZE];
    int code = read_duration(context->line.duration, &plan.ms, err);

    if (code == EXIT_CODE_SUCCESS)
        code = session_open_primary(context, &plan.primary, &plan.set, &plan.primary_id,
                                    err);
    if (code == EXIT_CODE_SUCCESS)
        code = check(&plan, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "service pause", dry_run, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (dry_run) {
        log_info("would pause the service for %s", pausing_span(plan.ms, span));
        return EXIT_CODE_SUCCESS;
    }
    return apply(&plan, err);
}

const struct cmd cmd_service_pause = {
    .object = "service",
    .action = "pause",
    .summary = "for a while, elect nobody and fence nobody",
    .details =
        "For maintenance of PostgreSQL, of the network, of pgrmon itself. Every\n"
        "voter promises, in its own file, to elect nobody for that time; once a\n"
        "majority has, the primary goes on without one: it is neither frozen nor\n"
        "replaced, whatever is stopped or cut off. Waits until that is so, and says\n"
        "if it is not. All is still watched and shown. It ends by itself, or with\n"
        "\"service unpause\"; a longer one may follow while it lasts.\n"
        "\n"
        "If the primary dies meanwhile, nobody replaces it before the pause is over.\n"
        "A primary that is restarted comes up read-only (start_guard): promote it\n"
        "again with pg_ctl promote, it leads on then. Or, before: stop pgrmond there,\n"
        "run \"pgrmon node release\", and start pgrmond when PostgreSQL is back. A\n"
        "reboot of its host ends the pause: the others elect.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf service pause --for=30min\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf service pause --dry-run",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_FOR,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
