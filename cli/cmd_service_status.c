/* cmd_service_status.c - `service status`: which daemons run, and which are paused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "pausing.h"
#include "render.h"
#include "session.h"
#include "show.h"

struct status {
    struct nodeset set;
    struct gathered *answers;
    struct show show;
    struct pausing_wish wish;
    struct pausing pausing;
};

static void status_deinit(struct status *status)
{
    show_deinit(&status->show);
    free(status->answers);
    nodeset_free(&status->set);
}

static const char *daemon_word(const struct daemons_row *row)
{
    switch (row->sign) {
    case DAEMONS_UNSEEN:
        return "not running";
    case DAEMONS_OLD:
        return "silent";
    case DAEMONS_UNSURE:
    case DAEMONS_FRESH:
        break;
    }
    return "running";
}

static const char *paused_word(const struct core_note *note)
{
    if (note == NULL)
        return "n/a";
    return note->relies ? "yes, needs no majority" : note->paused ? "yes" : "no";
}

/* ---- text ----------------------------------------------------------------------- */

static void print_summary(const struct status *status)
{
    const struct pausing *pausing = &status->pausing;
    const struct pausing_wish *wish = &status->wish;
    char span[PAUSING_SPAN_SIZE];

    if (wish->left_ms <= 0 && pausing->n_paused == 0) {
        (void)printf("\n not paused\n");
        return;
    }
    if (wish->left_ms > 0)
        (void)printf("\n paused until %s, for another %s (asked for at %s by %s)\n",
                     wish->until, pausing_span(wish->left_ms, span), wish->at,
                     wish->by);
    else
        (void)printf("\n no pause is wished for any more\n");
    (void)printf(" %d of %d voters are paused, %d needed; %s\n", pausing->n_paused,
                 pausing->n_voters, pausing->needed,
                 !pausing->leads   ? "nobody leads, and nobody is elected before it is "
                                     "over"
                 : pausing->relies ? "the primary needs no majority"
                                   : "the primary needs a majority");
}

static void print_table(const struct status *status)
{
    static const char *const names[] = {"ID",       "Name",    "Role",    "Status",
                                        "Upstream", "pgrmond", "Paused?", NULL};
    struct render_table *table = render_table_new(names, -1);

    for (int i = 0; i < status->show.n; i++) {
        const struct show_row *row = &status->show.rows[i];
        char id[16];
        const char *cells[] = {
            id,
            row->record->name,
            node_role_name(row->record->role),
            row->status,
            row->upstream != NULL ? row->upstream->name : "",
            daemon_word(row->daemon),
            paused_word(row->daemon->note),
        };

        (void)snprintf(id, sizeof id, "%d", row->record->id);
        (void)render_table_add(table, cells, -1, NULL);
    }
    render_table_print(table, stdout, render_wants_color(stdout));
    render_table_free(table);
    print_summary(status);
}

/* ---- JSON ----------------------------------------------------------------------- */

static json_t *must(json_t *value)
{
    if (value == NULL)
        err_out_of_memory();
    return value;
}

static json_t *node_value(const struct show_row *row)
{
    const struct core_note *note = row->daemon->note;

    return must(json_pack(
        "{s:i, s:o, s:s, s:s, s:b, s:o, s:o, s:o}", "id", row->record->id, "name",
        render_json_text(row->record->name), "role", node_role_name(row->record->role),
        "pgrmond", daemon_word(row->daemon), "voting", (int)row->record->voting,
        "paused", note == NULL ? json_null() : json_boolean(note->paused),
        "relies_on_pause", note == NULL ? json_null() : json_boolean(note->relies),
        "pause_version",
        render_json_number(note == NULL ? 0 : note->pause_version,
                           note != NULL && note->pause_version > 0)));
}

static void print_json(const struct status *status)
{
    const struct pausing_wish *wish = &status->wish;
    bool wished = wish->left_ms > 0;
    json_t *nodes = must(json_array());

    for (int i = 0; i < status->show.n; i++)
        if (json_array_append_new(nodes, node_value(&status->show.rows[i])) != 0)
            err_out_of_memory();
    render_json_print(
        must(json_pack("{s:b, s:I, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:b, s:o}",
                       "wished", (int)wished, "version", (json_int_t)wish->version,
                       "duration_ms", render_json_number(wish->ms, wished),
                       "remaining_ms", render_json_number(wish->left_ms, wished),
                       "until", wished ? render_json_text(wish->until) : json_null(),
                       "requested_by",
                       wished ? render_json_text(wish->by) : json_null(), "voters",
                       status->pausing.n_voters, "needed", status->pausing.needed,
                       "paused_voters", status->pausing.n_paused, "in_force",
                       (int)status->pausing.relies, "nodes", nodes)),
        stdout);
}

/* ---- the command ---------------------------------------------------------------- */

/* Some voters are paused and the primary does not know of enough, or nobody leads. */
static bool is_odd(const struct status *status)
{
    const struct pausing *pausing = &status->pausing;

    for (int i = 0; i < status->show.n; i++)
        if (status->show.rows[i].daemon->sign == DAEMONS_UNSEEN ||
            status->show.rows[i].daemon->sign == DAEMONS_OLD)
            return true;
    return !pausing->leads || (pausing->n_paused > 0) != pausing->relies ||
           (status->wish.left_ms > 0 && !pausing->relies);
}

static int run(struct cmd_context *context, struct err *err)
{
    struct status status CLEANUP(status_deinit) = {.set = NODESET_INIT};
    PGconn *conn CLEANUP(session_close) = NULL;
    int code = session_open_any(context, &conn, &status.set, err);

    if (code == EXIT_CODE_SUCCESS)
        code = pausing_read_wish(conn, &status.wish, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    status.answers = xcalloc(CORE_MAX_NODES, sizeof *status.answers);
    gather_probe(&status.set, status.answers);
    show_build(&status.show, &status.set, status.answers, false);
    pausing_judge(&status.pausing, &status.set, status.answers, status.wish.version);
    if (context->line.json)
        print_json(&status);
    else
        print_table(&status);
    return is_odd(&status) ? EXIT_CODE_NODE_STATUS : EXIT_CODE_SUCCESS;
}

const struct cmd cmd_service_status = {
    .object = "service",
    .action = "status",
    .summary = "show which daemons run, and which are paused",
    .details =
        "Asks all nodes at once. Below the table: until when the service is paused, "
        "by\n"
        "the clock of the server, how many voters have promised that, and whether the\n"
        "primary goes on without a majority. Exits with 25 when a daemon is missing, "
        "or\n"
        "when a pause is wished for and not in force.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf service status\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf service status --json",
    .options = CMD_OPT_JSON,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
