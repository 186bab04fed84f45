/* cmd_cluster_show.c - `cluster show`: ask every node, print what each is and what is
 * wrong. Exits with 25 when anything is. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "render.h"
#include "session.h"
#include "show.h"

static void print_issues(const struct show *show, const struct cmd_line *line)
{
    if (show->n_issues == 0 || line->terse || line->quiet)
        return;
    (void)fflush(stdout);
    log_warning("following issues were detected");
    for (int i = 0; i < show->n_issues; i++)
        (void)fprintf(stderr, "  - %s\n", show->issues[i]);
    if (show->unreachable && !line->verbose)
        log_hint(LOG_LEVEL_WARNING,
                 "execute with --verbose option to see connection error messages");
}

static void print_show(const struct show *show, const struct cmd_line *line)
{
    if (line->json) {
        show_print_json(show, stdout);
        return;
    }
    if (line->csv) {
        show_print_csv(show, stdout);
        return;
    }
    if (line->tree)
        show_print_tree(show, render_wants_color(stdout), stdout);
    else
        show_print_table(show, line->compact, render_wants_color(stdout), stdout);
    print_issues(show, line);
}

/* Ask and print once. `set` keeps the records of the last time that they could be read,
 * so that watching goes on when the node that told them is gone. */
static int show_once(struct cmd_context *context, struct nodeset *set, struct err *err)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct show show;
    int code = session_open_any(context, NULL, set, err);

    if (code != EXIT_CODE_SUCCESS && set->n == 0)
        return code;
    if (code != EXIT_CODE_SUCCESS)
        log_err(LOG_LEVEL_WARNING, err);
    *err = (struct err)ERR_INIT;
    gather_probe(set, answers);
    show_build(&show, set, answers, context->line.verbose);
    print_show(&show, &context->line);
    code = show.n_issues > 0 ? EXIT_CODE_NODE_STATUS : EXIT_CODE_SUCCESS;
    show_deinit(&show);
    return code;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* A terminal is redrawn; a log gets one block after another. */
static void print_watch_heading(int seconds)
{
    char when[32] = "";
    time_t now = time(NULL);
    struct tm local;

    if (localtime_r(&now, &local) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    if (isatty(STDOUT_FILENO) == 1)
        (void)printf("\033[H\033[2J%s, every %d s, Ctrl-C ends\n\n", when, seconds);
    else
        (void)printf("%s\n", when);
}

/* Until Ctrl-C; a second one does not wait for answers that are still awaited. */
static int watch(struct cmd_context *context, struct err *err)
{
    struct sigaction action = {.sa_handler = on_interrupt,
                               .sa_flags = (int)SA_RESETHAND};
    struct timespec pause = {.tv_sec = context->line.watch_s};
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    int code;

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    for (;;) {
        if (!context->line.json && !context->line.csv)
            print_watch_heading(context->line.watch_s);
        code = show_once(context, &set, err);
        if (err->text[0] != '\0' || fflush(stdout) != 0)
            return code;
        if (!interrupted)
            (void)nanosleep(&pause, NULL);
        if (interrupted)
            return EXIT_CODE_SUCCESS;
        if (!context->line.json && !context->line.csv && isatty(STDOUT_FILENO) != 1)
            (void)printf("\n");
    }
}

static int run(struct cmd_context *context, struct err *err)
{
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;

    if (context->line.watch_s > 0)
        return watch(context, err);
    return show_once(context, &set, err);
}

const struct cmd cmd_cluster_show = {
    .object = "cluster",
    .action = "show",
    .summary = "show all nodes and what is wrong with them",
    .details =
        "Reads the node records from the local node (or from any node named by -d, "
        "-h),\n"
        "then asks every node at the same time: an unreachable one costs its\n"
        "connect_timeout (default: 3 s) once.\n"
        "\n"
        "Status: \"* running\" primary, \"  running\" standby, \"! ...\" not as "
        "registered,\n"
        "\"? ...\" could not be asked, \"- failed\" inactive and unreachable. An "
        "upstream\n"
        "is marked \"!\" when it does not list the node, \"?\" when it could not "
        "tell.\n"
        "\n"
        "Exits with 0 when all is well, with 25 when there are issues.\n"
        "--csv prints id, availability (0 or -1), role (0 primary, 1 standby, -1).",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster show\n"
                "pgrmon cluster show -h node2 -U pgrmon -d pgrmon --compact\n"
                "pgrmon cluster show --tree --watch",
    .options = CMD_OPT_FORMAT | CMD_OPT_COMPACT | CMD_OPT_TREE | CMD_OPT_WATCH,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
