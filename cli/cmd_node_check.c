/* cmd_node_check.c - `node check`: the whole report, or single checks for Nagios. */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "node_check.h"
#include "render.h"

/* The whole check is about replication; the daemon and the connection are asked for by
 * name, as in repmgr. */
#define WHOLE_CHECK                                                                    \
    (((1U << NODE_CHECK_COUNT) - 1) & ~(1U << NODE_CHECK_DAEMON) &                     \
     ~(1U << NODE_CHECK_DB_CONNECTION))

struct outcome {
    enum node_check check;
    struct node_verdict verdict;
};

static void print_nagios(const struct outcome *outcome)
{
    const struct node_verdict *verdict = &outcome->verdict;

    (void)printf("%s %s: ", node_check_prefix(outcome->check),
                 node_check_code_name(verdict->code));
    for (const char *c = verdict->details; *c != '\0'; c++) /* one line, one bar */
        (void)putchar(*c == '|' || *c == '\n' ? ' ' : *c);
    if (verdict->perf[0] != '\0')
        (void)printf(" | %s", verdict->perf);
    (void)printf("\n");
}

static void print_csv(const struct outcome *outcomes, int n)
{
    for (int i = 0; i < n; i++) {
        render_csv_field(stdout, node_check_title(outcomes[i].check), true);
        (void)fputc(',', stdout);
        render_csv_field(stdout, node_check_code_name(outcomes[i].verdict.code), true);
        (void)fputc(',', stdout);
        render_csv_field(stdout, outcomes[i].verdict.details, true);
        (void)fputc('\n', stdout);
    }
}

/* { "node": { "id", "name" | null }, "checks": [ { "check" (the option's name),
 * "title", "status" (OK, WARNING, CRITICAL, UNKNOWN), "code" (0 to 3), "details" } ] }
 */
static void
print_json(const struct config *config, const struct outcome *outcomes, int n)
{
    json_t *checks = json_array();

    for (int i = 0; i < n; i++) {
        const struct node_verdict *verdict = &outcomes[i].verdict;
        json_t *check = json_pack(
            "{s:s, s:s, s:s, s:i, s:o}", "check", node_check_option(outcomes[i].check),
            "title", node_check_title(outcomes[i].check), "status",
            node_check_code_name(verdict->code), "code", (int)verdict->code, "details",
            render_json_text(verdict->details));

        if (json_array_append_new(checks, check) != 0)
            err_out_of_memory();
    }
    render_json_print(json_pack("{s:{s:i, s:o}, s:o}", "node", "id", config->node_id,
                                "name", render_json_text(config->node_name), "checks",
                                checks),
                      stdout);
}

static void print_text(const struct config *config,
                       const struct outcome *outcomes,
                       int n,
                       bool whole)
{
    if (!whole) {
        for (int i = 0; i < n; i++)
            (void)printf("%s (%s)\n", node_check_code_name(outcomes[i].verdict.code),
                         outcomes[i].verdict.details);
        return;
    }
    (void)printf("Node \"%s\":\n", config->node_name);
    for (int i = 0; i < n; i++)
        (void)printf("\t%s: %s (%s)\n", node_check_title(outcomes[i].check),
                     node_check_code_name(outcomes[i].verdict.code),
                     outcomes[i].verdict.details);
}

static void
print(const struct cmd_context *context, const struct outcome *outcomes, int n)
{
    if (context->line.nagios)
        print_nagios(&outcomes[0]);
    else if (context->line.csv)
        print_csv(outcomes, n);
    else if (context->line.json)
        print_json(&context->config, outcomes, n);
    else
        print_text(&context->config, outcomes, n, context->line.checks == 0);
}

/* What a check says when the local server could not even be read. */
static void judge_failure(enum node_check check,
                          const struct err *failure,
                          struct node_verdict *ret)
{
    *ret = (struct node_verdict){
        .code = check == NODE_CHECK_DB_CONNECTION && failure->code == EXIT_CODE_DB_CONN
                    ? NAGIOS_CRITICAL
                    : NAGIOS_UNKNOWN,
    };
    (void)snprintf(ret->details, sizeof ret->details, "%s%s%.*s", failure->text,
                   failure->detail[0] != '\0' ? ": " : "",
                   (int)strcspn(failure->detail, "\n"), failure->detail);
}

static enum nagios_code worst(const struct outcome *outcomes, int n)
{
    /* by how much each matters: a known failure before an unknown state */
    static const int weight[] = {
        [NAGIOS_OK] = 0,
        [NAGIOS_WARNING] = 1,
        [NAGIOS_UNKNOWN] = 2,
        [NAGIOS_CRITICAL] = 3,
    };
    enum nagios_code code = NAGIOS_OK;

    for (int i = 0; i < n; i++)
        if (weight[outcomes[i].verdict.code] > weight[code])
            code = outcomes[i].verdict.code;
    return code;
}

static int run(struct cmd_context *context, struct err *err)
{
    bool whole = context->line.checks == 0;
    unsigned wanted = whole ? WHOLE_CHECK : context->line.checks;
    struct outcome outcomes[NODE_CHECK_COUNT];
    struct node_view view;
    int n = 0;
    int code = node_view_read(context, &view, err);

    if (code != EXIT_CODE_SUCCESS && whole)
        goto out;
    for (int i = 0; i < NODE_CHECK_COUNT; i++) {
        if ((wanted & 1U << i) == 0)
            continue;
        outcomes[n].check = (enum node_check)i;
        if (code == EXIT_CODE_SUCCESS)
            node_check_judge(outcomes[n].check, &view, &context->config,
                             &outcomes[n].verdict);
        else
            judge_failure(outcomes[n].check, err, &outcomes[n].verdict);
        n++;
    }
    print(context, outcomes, n);
    *err = (struct err)ERR_INIT; /* it was told as the check's result */
    code = (int)worst(outcomes, n);
    if (whole && code != NAGIOS_OK)
        code = EXIT_CODE_NODE_STATUS;
out:
    node_view_deinit(&view);
    return code;
}

const struct cmd cmd_node_check = {
    .object = "node",
    .action = "check",
    .summary = "check the local node's replication",
    .details =
        "Without a check named: all that concern replication; exits with 0, or with "
        "25\n"
        "when anything is not OK. With one or more named, exits with Nagios' codes in\n"
        "every format: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (the worst of them).\n"
        "Thresholds: replication_lag_warning and _critical, archive_ready_warning and\n"
        "_critical; reaching one is enough.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node check\n"
                "pgrmon node check --role\n"
                "pgrmon node check --replication-lag --nagios",
    .options = CMD_OPT_CHECKS | CMD_OPT_FORMAT,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
