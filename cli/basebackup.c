/* basebackup.c - see basebackup.h. */
#include "basebackup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include "child.h"
#include "cleanup.h"
#include "conninfo.h"
#include "exit_code.h"
#include "log.h"
#include "pgtool.h"
#include "progress.h"

/* Long after the network's own deadlines; a server that stands still has none. */
#define STALL_MS (INT64_C(30) * 60 * 1000)

#define MAX_ARGUMENTS 96
#define TAIL_LINES    6

struct run {
    const struct basebackup *backup;
    struct progress progress;
    char *tail[TAIL_LINES]; /* its last lines, oldest first */
    int n_tail;
};

static void run_deinit(struct run *run)
{
    for (int i = 0; i < run->n_tail; i++)
        free(run->tail[i]);
}

/* ---- its words ------------------------------------------------------------------ */

struct arguments {
    const char *v[MAX_ARGUMENTS + 1];
    int n;
    wordexp_t extra; /* what some of them belong to */
    bool has_extra;
};

static void arguments_deinit(struct arguments *arguments)
{
    if (arguments->has_extra)
        wordfree(&arguments->extra);
}

static void add(struct arguments *arguments, const char *word)
{
    if (arguments->n < MAX_ARGUMENTS)
        arguments->v[arguments->n++] = word;
}

static void add_two(struct arguments *arguments, const char *option, const char *value)
{
    add(arguments, option);
    add(arguments, value);
}

static int add_extra(struct arguments *arguments, const char *options, struct err *err)
{
    if (options == NULL || options[0] == '\0')
        return EXIT_CODE_SUCCESS;
    if (wordexp(options, &arguments->extra, WRDE_NOCMD | WRDE_UNDEF) != 0) {
        (void)err_set(err, -EINVAL,
                      "setting \"pg_basebackup_options\" cannot be split");
        err_detail(err, "\"%s\"", options);
        err_hint(err, "write words as in a shell, without its special characters");
        return EXIT_CODE_BAD_CONFIG;
    }
    arguments->has_extra = true;
    for (size_t i = 0; i < arguments->extra.we_wordc; i++)
        add(arguments, arguments->extra.we_wordv[i]);
    return EXIT_CODE_SUCCESS;
}

static int build(struct arguments *arguments,
                 const struct basebackup *backup,
                 const char *conninfo,
                 struct err *err)
{
    add(arguments, backup->program);
    add_two(arguments, "-l", "pgrmon base backup");
    add_two(arguments, "-D", backup->directory);
    add_two(arguments, "-d", conninfo);
    add_two(arguments, "-X", "stream");
    add_two(arguments, "-c", backup->fast_checkpoint ? "fast" : "spread");
    if (backup->slot != NULL)
        add_two(arguments, "-S", backup->slot);
    for (size_t i = 0; i < backup->tablespace_mapping->n; i++)
        add_two(arguments, "-T", backup->tablespace_mapping->items[i]);
    add(arguments, "-P");
    add(arguments, "-w");
    return add_extra(arguments, backup->extra_options, err);
}

static void announce(const struct arguments *arguments)
{
    char *text CLEANUP(cleanup_free) = xstrdup("");

    for (int i = 0; i < arguments->n; i++) {
        const char *word = arguments->v[i];
        bool quote = word[0] == '\0' || strpbrk(word, " \t'\"\\$") != NULL;
        char *more = xasprintf("%s%s%s%s%s", text, i > 0 ? " " : "", quote ? "\"" : "",
                               word, quote ? "\"" : "");

        free(text);
        text = more;
    }
    log_info("executing: %s", text);
}

/* ---- while it runs -------------------------------------------------------------- */

static void keep_line(struct run *run, const char *line)
{
    if (run->n_tail == TAIL_LINES) {
        free(run->tail[0]);
        (void)memmove(run->tail, run->tail + 1, (TAIL_LINES - 1) * sizeof *run->tail);
        run->n_tail--;
    }
    run->tail[run->n_tail++] = conninfo_redact(line);
}

static void on_line(void *arg, const char *line)
{
    struct run *run = arg;
    int64_t done, total;

    if (progress_parse(line, &done, &total)) {
        progress_set(&run->progress, done, total, mono_now());
        return;
    }
    if (strstr(line, "waiting for checkpoint") != NULL)
        return;
    keep_line(run, line);
    log_debug("%s", line);
}

static int on_tick(void *arg)
{
    struct run *run = arg;
    struct mono now = mono_now();

    run->backup->on_tick(run->backup->arg);
    progress_show(&run->progress, now);
    /* Before the first byte it may wait for a checkpoint, for as long as that takes. */
    return run->progress.begin.ms != 0 &&
           mono_diff(now, run->progress.changed) > STALL_MS;
}

static void hint(const char *text, struct err *err)
{
    if (strstr(text, strerror(ENOSPC)) != NULL)
        err_hint(err,
                 "free some space, or choose another file system with -D, and execute "
                 "\"pgrmon standby clone\" again");
    else if (strstr(text, "pg_hba.conf") != NULL)
        err_hint(err,
                 "add a \"replication\" line for this host to the source's pg_hba.conf "
                 "and reload it");
    else
        err_hint(
            err,
            "see the log of the source server, then execute \"pgrmon standby clone\" "
            "again");
}

static int
failed(const struct run *run, const struct child_result *result, struct err *err)
{
    char *text CLEANUP(cleanup_free) = xstrdup("");
    char how[128];

    for (int i = 0; i < run->n_tail; i++) {
        char *more = xasprintf("%s\n%s", text, run->tail[i]);

        free(text);
        text = more;
    }
    (void)err_set(err, -EIO,
                  result->interrupted ? "the clone was interrupted"
                                      : "pg_basebackup failed");
    err_detail(err, "%s%s", child_describe(result, how, sizeof how), text);
    if (result->interrupted)
        err_hint(err, "execute \"pgrmon standby clone\" again");
    else
        hint(text, err);
    return EXIT_CODE_BASEBACKUP;
}

static int execute(struct run *run,
                   const struct arguments *arguments,
                   int password_fd,
                   struct err *err)
{
    char passfile[64];
    const char *environment[] = {"LC_ALL=C", NULL, NULL};
    struct child_options options = {
        .argv = arguments->v,
        .environment = environment,
        .pass_fd = password_fd,
        .on_line = on_line,
        .on_tick = on_tick,
        .arg = run,
    };
    struct child_result result;
    int rc;

    (void)snprintf(passfile, sizeof passfile, "PGPASSFILE=/proc/self/fd/%d",
                   password_fd);
    if (password_fd >= 0)
        environment[1] = passfile;
    progress_init(&run->progress, mono_now());
    rc = child_run(&options, &result, err);
    progress_end(&run->progress);
    if (rc != 0)
        return EXIT_CODE_BASEBACKUP;
    return child_succeeded(&result) ? EXIT_CODE_SUCCESS : failed(run, &result, err);
}

int basebackup_run(const struct basebackup *backup, struct err *err)
{
    struct run run CLEANUP(run_deinit) = {.backup = backup};
    struct arguments arguments CLEANUP(arguments_deinit) = {.n = 0};
    char *password CLEANUP(cleanup_free) = conninfo_get(backup->conninfo, "password");
    char *conninfo CLEANUP(cleanup_free) = NULL;
    int password_fd CLEANUP(pgtool_close) = -1;
    int code = pgtool_conninfo(&conninfo, backup->conninfo, password != NULL, err);

    if (code == EXIT_CODE_SUCCESS)
        code = build(&arguments, backup, conninfo, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (password != NULL) {
        password_fd = pgtool_password_file(password);
        explicit_bzero(password, strlen(password));
    }
    announce(&arguments);
    return execute(&run, &arguments, password_fd, err);
}
