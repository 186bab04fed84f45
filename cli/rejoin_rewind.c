/* rejoin_rewind.c - pg_rewind, in the order of postgres-facts 7.
 *
 *   stopped in good order -> the leader has a checkpoint of its own timeline ->
 *   pg_rewind --dry-run: what, from where -> WAL and configuration kept aside ->
 *   record, brake, mark -> pg_rewind -> own configuration, settings, standby.signal,
 *   all of it on disk -> brake and mark taken away
 *
 * From the mark on nobody can start PostgreSQL, whatever happens to us. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "conninfo.h"
#include "log.h"
#include "pgtool.h"
#include "programs.h"
#include "progress.h"
#include "queries.h"
#include "rejoin_run.h"
#include "session.h"

#define STALL_MS   (INT64_C(30) * 60 * 1000)
#define TAIL_SIZE  768
#define PREFIX     "pg_rewind: "
#define HINT_CLONE "execute \"pgrmon node rejoin --clone\""
#define HINT_AGAIN                                                                     \
    "execute \"pgrmon node rejoin\" again, or \"pgrmon node rejoin --clone\""

struct rewind {
    const struct rejoin *rejoin;
    bool dry_run;
    struct progress progress;
    char tail[TAIL_SIZE];  /* its last words */
    struct lsn checkpoint; /* the last common one */
    struct lsn diverged;
    bool not_required;
};

/* ---- its words ------------------------------------------------------------------ */

static void keep_line(struct rewind *rewind, const char *line)
{
    char *shown CLEANUP(cleanup_free) = conninfo_redact(line);
    size_t used = strlen(rewind->tail), length = strlen(shown) + 1;

    if (used + length >= sizeof rewind->tail) {
        rewind->tail[0] = '\0';
        used = 0;
    }
    (void)snprintf(rewind->tail + used, sizeof rewind->tail - used, "%s%s",
                   used > 0 ? "\n" : "", shown);
}

static void read_lsn(const char *line, const char *before, struct lsn *ret)
{
    const char *at = strstr(line, before);
    char text[LSN_TEXT_SIZE];

    if (at != NULL && sscanf(at + strlen(before), "%17[0-9A-F/]", text) == 1)
        (void)!lsn_parse(text, ret);
}

static void on_line(void *arg, const char *line)
{
    struct rewind *rewind = arg;
    long long done, total;

    if (sscanf(line, " %lld/%lld kB", &done, &total) == 2) {
        progress_set(&rewind->progress, done, total, mono_now());
        return;
    }
    read_lsn(line, "diverged at WAL location ", &rewind->diverged);
    read_lsn(line, "last common checkpoint at ", &rewind->checkpoint);
    if (strstr(line, "no rewind required") != NULL)
        rewind->not_required = true;
    keep_line(rewind, line);
    if (rewind->dry_run)
        log_debug("%s", line);
    else
        log_info("%s", line);
}

static int on_tick(void *arg)
{
    struct rewind *rewind = arg;
    struct mono now = mono_now();

    if (!rewind->dry_run)
        progress_show(&rewind->progress, now);
    return rewind->progress.begin.ms != 0 &&
           mono_diff(now, rewind->progress.changed) > STALL_MS;
}

/* ---- running it ----------------------------------------------------------------- */

static int
failed(const struct rewind *rewind, const struct child_result *result, struct err *err)
{
    char how[128];

    (void)err_set(err, -EIO, "%s%s",
                  result->interrupted ? "the rewind was interrupted"
                                      : "pg_rewind failed",
                  rewind->dry_run ? " before anything was changed" : "");
    err_detail(err, "%s\n%s", child_describe(result, how, sizeof how), rewind->tail);
    err_hint(err, rewind->dry_run && !result->interrupted ? HINT_CLONE : HINT_AGAIN);
    return EXIT_CODE_REJOIN;
}

static void not_empty(void *arg, const char *line)
{
    *(bool *)arg |= line[0] != '\0';
}

/* Own PostgreSQL's, asked for as pg_rewind does it. */
static bool has_restore_command(const struct rejoin *rejoin)
{
    char *program CLEANUP(cleanup_free) =
        programs_find(&rejoin->context->config, "postgres", rejoin->info.major_version);
    char *file CLEANUP(cleanup_free) = xasprintf(
        "config_file=%s", rejoin->config_file != NULL ? rejoin->config_file : "");
    const char *argv[] = {program,
                          "-D",
                          rejoin->directory,
                          "-C",
                          "restore_command",
                          rejoin->config_file != NULL ? "-c" : NULL,
                          file,
                          NULL};
    bool found = false;
    struct child_options options = {.argv = argv,
                                    .pass_fd = -1,
                                    .timeout_ms = 10000,
                                    .on_line = not_empty,
                                    .arg = &found};
    struct child_result result;

    return program != NULL && child_run(&options, &result, NULL) == 0 &&
           child_succeeded(&result) && found;
}

static int execute(struct rewind *rewind,
                   const char *program,
                   const char *conninfo,
                   int password_fd,
                   struct err *err)
{
    const struct rejoin *rejoin = rewind->rejoin;
    const char *argv[16] = {
        program,           "-D",    rejoin->directory, "-P", "--no-ensure-shutdown",
        "--source-server", conninfo};
    char passfile[64];
    const char *environment[] = {"LC_ALL=C", NULL, NULL};
    struct child_options options = {.argv = argv,
                                    .environment = environment,
                                    .pass_fd = password_fd,
                                    .on_line = on_line,
                                    .on_tick = on_tick,
                                    .arg = rewind};
    struct child_result result;
    int n = 7, rc;

    if (rewind->dry_run)
        argv[n++] = "--dry-run";
    /* Where its own WAL has been recycled the archive may have it. */
    if (has_restore_command(rejoin))
        argv[n++] = "--restore-target-wal";
    if (rejoin->config_file != NULL && rejoin->info.major_version >= 15) {
        argv[n++] = "--config-file";
        argv[n++] = rejoin->config_file;
    }
    (void)snprintf(passfile, sizeof passfile, "PGPASSFILE=/proc/self/fd/%d",
                   password_fd);
    if (password_fd >= 0)
        environment[1] = passfile;
    progress_init(&rewind->progress, mono_now());
    rc = child_run(&options, &result, err);
    progress_end(&rewind->progress);
    if (rc != 0)
        return EXIT_CODE_REJOIN;
    return child_succeeded(&result) ? EXIT_CODE_SUCCESS : failed(rewind, &result, err);
}

static int need_program(const struct rejoin *rejoin, char **ret, struct err *err)
{
    int server = server_major(rejoin->server.version_num), version;

    *ret = programs_find(&rejoin->context->config, "pg_rewind", server);
    version = *ret == NULL ? 0 : programs_version(*ret);
    if (version == server)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "program \"pg_rewind\" of PostgreSQL %d was not found", server);
    err_detail(err, "found version %d", version);
    err_hint(err, "install PostgreSQL %d on this host, or set \"pg_bindir\"", server);
    return EXIT_CODE_BAD_CONFIG;
}

static int run(struct rewind *rewind, struct err *err)
{
    const char *of_leader = rewind->rejoin->leader->conninfo;
    char *password CLEANUP(cleanup_free) = conninfo_get(of_leader, "password");
    char *program CLEANUP(cleanup_free) = NULL;
    char *conninfo CLEANUP(cleanup_free) = NULL;
    int password_fd CLEANUP(pgtool_close) = -1;
    int code = need_program(rewind->rejoin, &program, err);

    if (code == EXIT_CODE_SUCCESS)
        code = pgtool_conninfo(&conninfo, of_leader, password != NULL, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (password != NULL) {
        password_fd = pgtool_password_file(password);
        explicit_bzero(password, strlen(password));
    }
    return execute(rewind, program, conninfo, password_fd, err);
}

/* ---- the leader ----------------------------------------------------------------- */

static int read_source(const struct rejoin *rejoin,
                       int *ret_timeline,
                       bool *ret_brake,
                       struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(rejoin->remote, &query_rewind_source, NULL, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    *ret_timeline = (int)query_int64(res, 0, 0, 0);
    *ret_brake = query_bool(res, 0, 1);
    return EXIT_CODE_SUCCESS;
}

/* A promotion makes no checkpoint at once, and pg_rewind goes by the last one: it would
 * find that both are on one timeline, and nothing to do. */
static int
checkpoint_leader(const struct rejoin *rejoin, bool *ret_brake, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = NULL;
    int timeline;
    int code = read_source(rejoin, &timeline, ret_brake, err);

    if (code != EXIT_CODE_SUCCESS || timeline == rejoin->end.timeline)
        return code;
    log_info("%s makes a checkpoint", rejoin->label);
    if (rejoin->may_checkpoint)
        res = query_run(rejoin->remote, &query_checkpoint, NULL, err);
    if (res != NULL)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_REJOIN,
                  "%s has made no checkpoint since its promotion", rejoin->label);
    err_detail(err, "pg_rewind goes by the last one");
    err_hint(err,
             "execute \"CHECKPOINT\" there as a superuser, or \"GRANT pg_checkpoint TO "
             "%s\", then \"pgrmon node rejoin\" again",
             rejoin->server.user);
    return EXIT_CODE_REJOIN;
}

/* ---- the steps ------------------------------------------------------------------ */

/* The terms say that our WAL has diverged. If pg_rewind does not, it is fooled (P1). */
static int contradiction(struct err *err)
{
    (void)err_set(err, EXIT_CODE_REJOIN,
                  "pg_rewind finds nothing to do, though this node's WAL has diverged");
    err_detail(err, "it goes by timelines, which do not tell regimes apart");
    err_hint(err, HINT_CLONE);
    return EXIT_CODE_REJOIN;
}

static int check_interrupted(struct err *err)
{
    if (child_interrupted() == 0)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -EINTR,
                  "the rewind was interrupted before anything was changed");
    err_hint(err, "execute \"pgrmon node rejoin\" again");
    return EXIT_CODE_REJOIN;
}

/* All that is done before anything of the data directory is changed. */
static int prepare(struct rejoin *rejoin, struct err *err)
{
    struct rewind rewind = {.rejoin = rejoin, .dry_run = true};
    int code = run(&rewind, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (rewind.not_required)
        return contradiction(err);
    if (lsn_known(rewind.diverged)) {
        char at[LSN_TEXT_SIZE], from[LSN_TEXT_SIZE];

        log_notice("this node diverged from the leader at %s; it is taken back to the "
                   "checkpoint at %s",
                   lsn_format(rewind.diverged, at),
                   lsn_format(rewind.checkpoint, from));
    }
    code = rejoin_keep(rejoin, rewind.checkpoint, err);
    if (code == EXIT_CODE_SUCCESS)
        code = check_interrupted(err);
    return code == EXIT_CODE_SUCCESS ? rejoin_recheck_leader(rejoin, err) : code;
}

static int write_record(struct rejoin *rejoin, struct err *err)
{
    struct rejoin_record *record = &rejoin->record;

    *record =
        (struct rejoin_record){.leader_id = rejoin->leader->id, .term = rejoin->term};
    (void)snprintf(record->kept, sizeof record->kept, "%s", rejoin->kept);
    return rejoin_record_write(rejoin->context->config.state_directory, record, err) ==
                   0
               ? EXIT_CODE_SUCCESS
               : EXIT_CODE_SYSTEM;
}

/* Nobody has started it in between: whoever tries now cannot. */
static int check_idle(const struct rejoin *rejoin, struct err *err)
{
    if (pgdata_in_use(rejoin->directory, NULL) == PGDATA_IDLE)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_REJOIN, "somebody has started PostgreSQL meanwhile");
    err_hint(err,
             "keep the service manager from it, then execute \"pgrmon node rejoin\" "
             "again");
    return EXIT_CODE_REJOIN;
}

static int mark(struct rejoin *rejoin, bool source_brake, struct err *err)
{
    int code = write_record(rejoin, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (rejoin_mark(rejoin->directory, source_brake, err) != 0)
        return EXIT_CODE_SYSTEM;
    code = check_idle(rejoin, err);
    if (code == EXIT_CODE_SUCCESS) {
        rejoin->marked = true;
        return code;
    }
    if (rejoin_unmark(rejoin->directory, NULL) != 0)
        log_warning("the mark in \"%s\" could not be removed", rejoin->directory);
    return code;
}

/* All that was written since, whoever wrote it. */
static int sync_all(const struct rejoin *rejoin, struct err *err)
{
    int fd = open(rejoin->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = EXIT_CODE_SUCCESS;

    if (fd < 0 || syncfs(fd) != 0) {
        (void)err_set(err, -errno, "could not make \"%s\" durable: %s",
                      rejoin->directory, strerror(errno));
        code = EXIT_CODE_SYSTEM;
    }
    if (fd >= 0)
        (void)close(fd);
    return code;
}

/* standby.signal before the brake goes: without it the next start would be writable. */
static int complete(struct rejoin *rejoin, struct err *err)
{
    int code;

    rejoin->changed = true;
    code = rejoin_restore_config(rejoin, rejoin->directory, err);

    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_write_settings(rejoin, rejoin->directory, err);
    if (code == EXIT_CODE_SUCCESS)
        code = sync_all(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (rejoin_unmark(rejoin->directory, err) != 0)
        return EXIT_CODE_SYSTEM;
    rejoin->marked = false;
    rejoin_record_remove(rejoin->context->config.state_directory);
    return EXIT_CODE_SUCCESS;
}

/* The mark is there; own WAL as well. */
static int rewind_now(struct rejoin *rejoin, struct err *err)
{
    struct rewind rewind = {.rejoin = rejoin};
    int code;

    log_notice("executing pg_rewind");
    code = run(&rewind, err);
    if (code == EXIT_CODE_SUCCESS && rewind.not_required)
        code = contradiction(err);
    return code;
}

static int take_up(struct rejoin *rejoin)
{
    free(rejoin->kept);
    rejoin->kept = xstrdup(rejoin->record.kept);
    rejoin->acting = true;
    return EXIT_CODE_SUCCESS;
}

int rejoin_by_rewind(struct rejoin *rejoin, struct err *err)
{
    bool source_brake = false;
    enum rejoin_reason reason = rejoin->plan.reason;
    int code = EXIT_CODE_SUCCESS;

    if (reason != REJOIN_WHY_FINISH)
        code = checkpoint_leader(rejoin, &source_brake, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (reason == REJOIN_WHY_AGAIN || reason == REJOIN_WHY_FINISH)
        code = take_up(rejoin);
    else
        code = prepare(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && reason != REJOIN_WHY_FINISH)
        code = mark(rejoin, source_brake, err);
    if (code == EXIT_CODE_SUCCESS && reason == REJOIN_WHY_AGAIN)
        code = rejoin_restore_wal(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && reason != REJOIN_WHY_FINISH)
        code = rewind_now(rejoin, err);
    return code == EXIT_CODE_SUCCESS ? complete(rejoin, err) : code;
}
