/* cmd_node_status.c - `node status`: what the local node is, in repmgr's lines. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "conninfo.h"
#include "daemons.h"
#include "log.h"
#include "node_check.h"
#include "node_local.h"
#include "note.h"
#include "render.h"
#include "session.h"

#define MAX_LINES    26
#define MAX_WARNINGS 16

/* One line: the label for people and CSV, the key for JSON. */
struct line {
    const char *label;
    const char *key;
    char *value; /* owned */
};

struct report {
    struct line lines[MAX_LINES];
    int n_lines;
    char *warnings[MAX_WARNINGS];
    int n_warnings;
};

static void PGRMON_PRINTF(4, 5) add_line(
    struct report *report, const char *label, const char *key, const char *fmt, ...)
{
    va_list args;
    char *value;

    if (report->n_lines == MAX_LINES)
        return;
    va_start(args, fmt);
    if (vasprintf(&value, fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
    report->lines[report->n_lines++] = (struct line){label, key, value};
}

static void free_report(struct report *report)
{
    for (int i = 0; i < report->n_lines; i++)
        free(report->lines[i].value);
    for (int i = 0; i < report->n_warnings; i++)
        free(report->warnings[i]);
}

/* Whatever `node check` finds is a warning here: the two cannot contradict each other.
 */
static void add_warnings(struct report *report,
                         const struct node_view *view,
                         const struct config *config)
{
    for (int i = 0; i <= NODE_CHECK_DATA_DIRECTORY; i++) {
        struct node_verdict verdict;

        node_check_judge((enum node_check)i, view, config, &verdict);
        if (verdict.code == NAGIOS_WARNING || verdict.code == NAGIOS_CRITICAL)
            report->warnings[report->n_warnings++] = xstrdup(verdict.details);
    }
    if (view->pending_restart > 0)
        report->warnings[report->n_warnings++] =
            xasprintf("%lld setting%s for a restart of PostgreSQL",
                      (long long)view->pending_restart,
                      view->pending_restart == 1 ? " waits" : "s wait");
}

static const char *or_none(const char *text)
{
    return text[0] != '\0' ? text : "(none)";
}

static void add_archiving(struct report *report, const struct node_view *view)
{
    const char *state = "enabled";

    if (strcmp(view->archive_mode, "off") == 0)
        state = "off";
    else if (view->in_recovery && strcmp(view->archive_mode, "always") != 0)
        state =
            "disabled (on standbys \"archive_mode\" must be set to \"always\" to be "
            "effective)";
    add_line(report, "WAL archiving", "wal_archiving", "%s", state);
    add_line(report, "Archive command", "archive_command", "%s",
             or_none(view->archive_command));
    if (strcmp(view->archive_mode, "off") != 0 && view->archive_ready >= 0)
        add_line(report, "WALs pending archiving", "wals_pending_archiving",
                 "%lld pending file%s", (long long)view->archive_ready,
                 view->archive_ready == 1 ? "" : "s");
}

static int count_slots(const struct node_view *view, bool active)
{
    int n = 0;

    for (int i = 0; i < view->n_slots; i++)
        n += view->slots[i].physical && view->slots[i].active == active;
    return n;
}

static void add_connections(struct report *report, const struct node_view *view)
{
    int n_active = count_slots(view, true);
    int n_inactive = count_slots(view, false);
    int n_missing = node_view_missing_slots(view);
    char missing[40] = "";
    char inactive[40] = "";

    if (n_missing > 0)
        (void)snprintf(missing, sizeof missing, "; %d missing", n_missing);
    if (n_inactive > 0)
        (void)snprintf(inactive, sizeof inactive, "; %d inactive", n_inactive);
    add_line(report, "Replication connections", "replication_connections",
             "%lld (of maximal %lld)", (long long)view->wal_senders,
             (long long)view->max_wal_senders);
    add_line(report, "Replication slots", "replication_slots",
             "%d physical (of maximal %lld%s%s)", n_active + n_inactive,
             (long long)view->max_slots, missing, inactive);
}

/* The words of the check, so that a dead receiver is not "0 seconds" here either. */
static void add_lag(struct report *report,
                    const struct node_view *view,
                    const struct config *config)
{
    struct node_verdict verdict;

    node_check_judge(NODE_CHECK_LAG, view, config, &verdict);
    add_line(report, "Replication lag", "replication_lag", "%s",
             view->in_recovery ? verdict.details : "n/a");
}

static void add_standby(struct report *report,
                        const struct node_view *view,
                        const struct config *config)
{
    char received[LSN_TEXT_SIZE];
    char replayed[LSN_TEXT_SIZE];

    if (view->upstream != NULL)
        add_line(report, "Upstream node", "upstream_node", "%s (ID: %d)",
                 view->upstream->name, view->upstream->id);
    else
        add_line(report, "Upstream node", "upstream_node", "(none)");
    add_lag(report, view, config);
    add_line(report, "Last received LSN", "last_received_lsn", "%s",
             lsn_known(view->received) ? lsn_format(view->received, received)
                                       : "(none)");
    add_line(report, "Last replayed LSN", "last_replayed_lsn", "%s",
             lsn_known(view->replayed) ? lsn_format(view->replayed, replayed)
                                       : "(none)");
}

static void PGRMON_PRINTF(2, 3) warn(struct report *report, const char *fmt, ...)
{
    va_list args;

    if (report->n_warnings == MAX_WARNINGS)
        return;
    va_start(args, fmt);
    if (vasprintf(&report->warnings[report->n_warnings++], fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
}

static void add_voting(struct report *report,
                       const struct node_record *self,
                       const struct node_local *local)
{
    add_line(report, "Voting", "voting", "%s",
             !self->voting            ? "no: in maintenance"
             : local->state_code == 0 ? "yes"
                                      : "no: without a valid state file");
    if (!self->voting)
        warn(report, "this node is in maintenance: it does not vote");
    if (local->state_code != 0)
        warn(report, "this node does not vote: %s", local->state_error);
}

/* What the files of this host say; `leads`: the daemon says that it does. */
static void add_local(struct report *report,
                      const struct node_view *view,
                      const struct config *config,
                      bool leads)
{
    struct node_local local CLEANUP(node_local_deinit);
    char promise[NODE_LOCAL_TEXT_SIZE];
    bool valid;

    node_local_read(config, &local);
    valid = local.state_code == 0;
    add_line(report, "State file", "state_file", "%s",
             valid ? "valid" : local.state_error);
    add_line(report, "Promise", "promise", "%s",
             valid ? node_local_promise(&local.state, promise) : "(unknown)");
    add_line(report, "Start guard", "start_guard", "%s",
             node_local_guard(&local, view->in_recovery));
    if (local.sentry != 0)
        add_line(report, "Sentry", "sentry", "on duty (PID: %d)", (int)local.sentry);
    else
        add_line(report, "Sentry", "sentry", "not on duty");
    add_voting(report, view->self, &local);
    if (leads && local.sentry == 0 && config->fencing != CONFIG_FENCING_OFF)
        warn(report, "no sentry is on duty: nothing fences PostgreSQL when pgrmond "
                     "cannot");
    if (leads && !local.guard_armed && config->start_guard != CONFIG_GUARD_OFF)
        warn(report, "the start guard is not armed: PostgreSQL would come up writable");
}

static void add_paused(struct report *report, const struct core_note *note)
{
    if (note != NULL && note->phase != CORE_PHASE_NONE)
        add_line(report, "Paused", "paused", "%s",
                 note->relies   ? "yes: it needs no majority"
                 : note->paused ? "yes: it elects nobody"
                                : "no");
}

static void build_report(struct report *report,
                         const struct node_view *view,
                         const struct cmd_context *context)
{
    char *conninfo CLEANUP(cleanup_free) = conninfo_redact(view->self->conninfo);
    const struct core_note *note = &view->self_answer.seen.note;

    add_line(report, "PostgreSQL version", "postgresql_version", "%s", view->version);
    add_line(report, "Total data size", "total_data_size", "%s", view->size);
    add_line(report, "Conninfo", "conninfo", "%s", conninfo);
    if (context->line.verbose || context->line.json)
        add_line(report, "System identifier", "system_identifier", "%s",
                 view->system_identifier);
    add_line(report, "Role", "role", "%s", view->in_recovery ? "standby" : "primary");
    add_archiving(report, view);
    add_connections(report, view);
    if (view->in_recovery)
        add_standby(report, view, &context->config);
    else
        add_lag(report, view, &context->config);
    add_line(report, "Daemon", "daemon", "%s",
             note->phase != CORE_PHASE_NONE ? note_phase_name(note->phase)
                                            : "not running");
    add_paused(report, note);
    add_warnings(report, view, &context->config);
    add_local(report, view, &context->config,
              note->phase == CORE_PHASE_LEAD || note->phase == CORE_PHASE_RENEW);
}

static void print_text(const struct report *report, const struct cmd_context *context)
{
    (void)printf("Node \"%s\":\n", context->config.node_name);
    for (int i = 0; i < report->n_lines; i++)
        (void)printf("\t%s: %s\n", report->lines[i].label, report->lines[i].value);
    if (report->n_warnings == 0 || context->line.terse || context->line.quiet)
        return;
    (void)fflush(stdout);
    log_warning("following issue%s detected:",
                report->n_warnings == 1 ? " was" : "s were");
    for (int i = 0; i < report->n_warnings; i++)
        (void)fprintf(stderr, "  - %s\n", report->warnings[i]);
    if (context->config.type != CONFIG_NODE_WITNESS)
        log_hint(LOG_LEVEL_WARNING, "execute \"pgrmon node check\" for more details");
}

static void print_pair(const char *label, const char *value)
{
    render_csv_field(stdout, label, true);
    (void)fputc(',', stdout);
    render_csv_field(stdout, value, true);
    (void)fputc('\n', stdout);
}

/* The raw numbers that repmgr adds for programs. */
struct number {
    const char *name;
    long long value;
};

#define N_NUMBERS 6

static void fill_numbers(const struct node_view *view,
                         struct number ret[static N_NUMBERS])
{
    ret[0] = (struct number){"max_wal_senders", (long long)view->max_wal_senders};
    ret[1] = (struct number){"occupied_wal_senders", (long long)view->wal_senders};
    ret[2] = (struct number){"max_replication_slots", (long long)view->max_slots};
    ret[3] = (struct number){"active_replication_slots", count_slots(view, true)};
    ret[4] = (struct number){"inactive_replication_slots", count_slots(view, false)};
    ret[5] =
        (struct number){"missing_replication_slots", node_view_missing_slots(view)};
}

static void print_lines_csv(const struct report *report)
{
    for (int i = 0; i < report->n_lines; i++)
        print_pair(report->lines[i].label, report->lines[i].value);
    for (int i = 0; i < report->n_warnings; i++)
        print_pair("Warning", report->warnings[i]);
}

static void print_csv(const struct report *report, const struct node_view *view)
{
    struct report lines = *report; /* borrowed */
    struct report warnings = *report;
    struct number numbers[N_NUMBERS];

    lines.n_warnings = 0;
    warnings.n_lines = 0;
    print_lines_csv(&lines);
    fill_numbers(view, numbers);
    for (int i = 0; i < N_NUMBERS; i++)
        (void)printf("\"%s\",%lld\n", numbers[i].name, numbers[i].value);
    print_lines_csv(&warnings);
}

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        err_out_of_memory();
}

/* { "node": { "id", "name" }, the lines' keys as texts, the numbers by name,
 *   "timeline", "replication_lag_seconds" | null, "replication_lag_bytes" | null,
 *   "streaming": bool | null, "warnings": [ text ] } */
static void print_json(const struct report *report,
                       const struct node_view *view,
                       const struct config *config)
{
    json_t *root = json_object();
    json_t *warnings = json_array();
    struct number numbers[N_NUMBERS];
    int64_t bytes = node_view_lag_bytes(view);
    bool streaming = view->self_answer.seen.receiver_streaming;

    set(root, "node",
        json_pack("{s:i, s:o}", "id", config->node_id, "name",
                  render_json_text(config->node_name)));
    for (int i = 0; i < report->n_lines; i++)
        set(root, report->lines[i].key, render_json_text(report->lines[i].value));
    fill_numbers(view, numbers);
    for (int i = 0; i < N_NUMBERS; i++)
        set(root, numbers[i].name, json_integer(numbers[i].value));
    set(root, "timeline", render_json_number(view->timeline, view->timeline > 0));
    set(root, "replication_lag_seconds",
        view->in_recovery && streaming && view->lag_ms >= 0
            ? json_real((double)view->lag_ms / 1000)
            : json_null());
    set(root, "replication_lag_bytes", render_json_number(bytes, bytes >= 0));
    set(root, "streaming", view->in_recovery ? json_boolean(streaming) : json_null());
    for (int i = 0; i < report->n_warnings; i++)
        if (json_array_append_new(warnings, render_json_text(report->warnings[i])) != 0)
            err_out_of_memory();
    set(root, "warnings", warnings);
    render_json_print(root, stdout);
}

/* ---- a witness ------------------------------------------------------------------ */

/* The same lines as texts by their keys, as far as they exist without a server. */
static void print_witness_json(const struct report *report, const struct config *config)
{
    json_t *root = json_object();
    json_t *warnings = json_array();

    set(root, "node",
        json_pack("{s:i, s:o}", "id", config->node_id, "name",
                  render_json_text(config->node_name)));
    for (int i = 0; i < report->n_lines; i++)
        set(root, report->lines[i].key, render_json_text(report->lines[i].value));
    for (int i = 0; i < report->n_warnings; i++)
        if (json_array_append_new(warnings, render_json_text(report->warnings[i])) != 0)
            err_out_of_memory();
    set(root, "warnings", warnings);
    render_json_print(root, stdout);
}

static void build_witness(struct report *report,
                          const struct nodeset *set_of_all,
                          const struct node_record *self,
                          const struct config *config)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct node_local local CLEANUP(node_local_deinit);
    char *conninfo CLEANUP(cleanup_free) = conninfo_redact(config->conninfo);
    char text[NODE_LOCAL_TEXT_SIZE];
    struct daemons daemons;
    const struct daemons_row *row;

    node_local_read(config, &local);
    gather_probe(set_of_all, answers);
    daemons_read(&daemons, set_of_all, answers);
    row = &daemons.rows[self - set_of_all->v];
    add_line(report, "Role", "role", "witness");
    add_line(report, "Conninfo", "conninfo", "%s", conninfo);
    add_line(report, "Daemon", "daemon", "%s",
             row->note != NULL ? daemons_phase(row) : "not running");
    add_paused(report, row->note);
    add_line(report, "State file", "state_file", "%s",
             local.state_code == 0 ? "valid" : local.state_error);
    add_line(report, "Promise", "promise", "%s",
             local.state_code == 0 ? node_local_promise(&local.state, text)
                                   : "(unknown)");
    add_voting(report, self, &local);
    if (row->sign == DAEMONS_UNSEEN || row->sign == DAEMONS_OLD)
        warn(report, "pgrmond is not seen on any data node");
}

static int run_witness(struct cmd_context *context, struct err *err)
{
    struct nodeset nodes CLEANUP(nodeset_free) = NODESET_INIT;
    const struct node_record *self;
    struct report report = {0};
    int code = session_open_any(context, NULL, &nodes, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    self = nodeset_find(&nodes, context->config.node_id);
    if (self == NULL) {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG, "this node (ID: %d) is not registered",
                      context->config.node_id);
        err_hint(err, "execute \"pgrmon -f %s witness register\"",
                 context->config.file);
        return EXIT_CODE_BAD_CONFIG;
    }
    build_witness(&report, &nodes, self, &context->config);
    if (context->line.json)
        print_witness_json(&report, &context->config);
    else if (context->line.csv)
        print_lines_csv(&report);
    else
        print_text(&report, context);
    code = report.n_warnings > 0 ? EXIT_CODE_NODE_STATUS : EXIT_CODE_SUCCESS;
    free_report(&report);
    return code;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct report report = {0};
    struct node_view view;
    int code;

    if (context->config.type == CONFIG_NODE_WITNESS)
        return run_witness(context, err);
    code = node_view_read(context, &view, err);

    if (code == EXIT_CODE_SUCCESS) {
        build_report(&report, &view, context);
        if (context->line.json)
            print_json(&report, &view, &context->config);
        else if (context->line.csv)
            print_csv(&report, &view);
        else
            print_text(&report, context);
        code = report.n_warnings > 0 ? EXIT_CODE_NODE_STATUS : EXIT_CODE_SUCCESS;
    }
    free_report(&report);
    node_view_deinit(&view);
    return code;
}

const struct cmd cmd_node_status = {
    .object = "node",
    .action = "status",
    .summary = "show what the local node is and how it replicates",
    .details =
        "Exits with 25 when anything is wrong; \"pgrmon node check\" tells more.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node status\n"
                "pgrmon node status --json",
    .options = CMD_OPT_FORMAT,
    .need = CMD_NEED_CONFIG,
    .run = run,
};
