/* cmd_cluster_notes.c - `cluster notes`: what the daemons say of themselves, on every
 * board. Exits with 25 when a board could not be read. */
#include <stdio.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "notes.h"
#include "render.h"
#include "session.h"

static void print_errors(const struct notes *notes)
{
    for (int i = 0; i < notes->n; i++) {
        const struct notes_board *board = &notes->boards[i];

        if (board->answer->message[0] != '\0')
            log_warning("node \"%s\" (ID: %d): %s", board->record->name,
                        board->record->id, board->answer->message);
    }
}

static int run(struct cmd_context *context, struct err *err)
{
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct notes notes;
    int code = session_open_any(context, NULL, &set, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    gather_probe(&set, answers);
    notes_build(&notes, &set, answers);
    if (context->line.json)
        notes_print_json(&notes, stdout);
    else
        notes_print_table(&notes, render_wants_color(stdout), stdout);
    if (context->line.verbose && !context->line.json)
        print_errors(&notes);
    code = notes.incomplete ? EXIT_CODE_NODE_STATUS : EXIT_CODE_SUCCESS;
    notes_deinit(&notes);
    return code;
}

const struct cmd cmd_cluster_notes = {
    .object = "cluster",
    .action = "notes",
    .summary = "show what the daemons say of themselves, on every node",
    .details =
        "A daemon leaves its note on each PostgreSQL that it has a session to, the\n"
        "node's \"board\": its phase and term, whom it supports, and the newest sign "
        "of\n"
        "that one that it had read (its echo). A note that supports a leader is a\n"
        "ballot. This reads all boards at the same time, so an election can be "
        "followed.\n"
        "\n"
        "Behind: how much later the node's newest note on any board is. Echo: how "
        "much\n"
        "later the newest note of whom it supports is than the one that it echoes; "
        "the\n"
        "leader's lease lasts while these are small (\"other boot\": its host has "
        "been\n"
        "started again since). Report: term and end of its WAL, once it is "
        "established.\n"
        "W: its failover window.\n"
        "\n"
        "Exits with 25 when a board could not be read or holds what is no note.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster notes\n"
                "pgrmon cluster notes -h node2 -U pgrmon -d pgrmon --json",
    .options = CMD_OPT_JSON,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
