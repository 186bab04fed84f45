/* cmd_standby_clone.c - copy a server and make the copy a standby, not yet started.
 *
 * gather (clone_gather.c) -> report -> point of no return: slot, directory ->
 * pg_basebackup -> settings -> done. What fails after that point is undone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basebackup.h"
#include "child.h"
#include "cleanup.h"
#include "clone.h"
#include "cmd.h"
#include "log.h"
#include "queries.h"
#include "session.h"
#include "slot.h"

/* ---- the settings of the new standby -------------------------------------------- */

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static int write_settings(const struct clone *clone, struct err *err)
{
    const struct config *config = &clone->context->config;
    const char *delay = clone->context->line.recovery_min_apply_delay;
    struct replication_setting settings[5];
    char *old CLEANUP(cleanup_free) = NULL;
    char *text CLEANUP(cleanup_free) = NULL;
    size_t n = 0;

    settings[n++] =
        (struct replication_setting){"primary_conninfo", clone->primary_conninfo};
    settings[n++] =
        (struct replication_setting){"primary_slot_name", or_null(clone->slot)};
    settings[n++] = (struct replication_setting){
        "recovery_min_apply_delay",
        or_null(delay != NULL ? delay : config->recovery_min_apply_delay)};
    /* Without a setting of ours, what the source uses stays. */
    if (config->restore_command[0] != '\0')
        settings[n++] =
            (struct replication_setting){"restore_command", config->restore_command};
    if (config->archive_cleanup_command[0] != '\0')
        settings[n++] = (struct replication_setting){"archive_cleanup_command",
                                                     config->archive_cleanup_command};
    if (pgdata_read(clone->directory, "postgresql.auto.conf", &old, err) == -ENOENT)
        old = xstrdup("");
    if (old == NULL)
        return EXIT_CODE_SYSTEM;
    text = replication_auto_conf(old, settings, n);
    if (pgdata_write(clone->directory, "postgresql.auto.conf", text, err) != 0 ||
        pgdata_write(clone->directory, "standby.signal", "", err) != 0)
        return EXIT_CODE_SYSTEM;
    *err = (struct err)ERR_INIT;
    return EXIT_CODE_SUCCESS;
}

/* ---- the copy ------------------------------------------------------------------- */

static void mark(void *arg)
{
    struct clone *clone = arg;

    clone_target_mark(&clone->target);
}

static int copy(struct clone *clone, struct err *err)
{
    const struct cmd_context *context = clone->context;
    const struct basebackup backup = {
        .program = clone->program,
        .directory = clone->directory,
        .conninfo = clone->replication_conninfo,
        /* A slot on another server cannot serve the backup. */
        .slot = clone->upstream_conn == NULL ? or_null(clone->slot) : NULL,
        .fast_checkpoint = context->line.fast_checkpoint,
        .extra_options = context->config.pg_basebackup_options,
        .tablespace_mapping = &context->config.tablespace_mapping,
        .on_tick = mark,
        .arg = clone,
    };

    log_notice("starting backup (using pg_basebackup)...");
    if (!context->line.fast_checkpoint)
        log_hint(LOG_LEVEL_NOTICE,
                 "this may take some time; consider using the -c/--fast-checkpoint "
                 "option");
    return basebackup_run(&backup, err);
}

static void relay(void *arg, const char *line)
{
    (void)arg;
    log_info("%s", line);
}

static int interrupted(struct err *err)
{
    if (child_interrupted() == 0)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -EINTR, "the clone was interrupted");
    err_hint(err, "execute \"pgrmon standby clone\" again");
    return EXIT_CODE_BASEBACKUP;
}

static int verify(const struct clone *clone, struct err *err)
{
    const char *argv[] = {clone->verify_program, "-i", CLONE_SENTINEL, "-n",
                          clone->directory,      NULL};
    struct child_options options = {.argv = argv, .pass_fd = -1, .on_line = relay};
    struct child_result result;
    char how[128];

    if (clone->verify_program == NULL)
        return EXIT_CODE_SUCCESS;
    log_info("verifying the copy (using pg_verifybackup)...");
    if (child_run(&options, &result, err) != 0)
        return EXIT_CODE_BASEBACKUP;
    if (child_succeeded(&result))
        return EXIT_CODE_SUCCESS;
    if (result.interrupted)
        return interrupted(err);
    (void)err_set(err, -EIO, "the copy is not what was sent");
    err_detail(err, "pg_verifybackup: %s", child_describe(&result, how, sizeof how));
    err_hint(err, "check the disk, then execute \"pgrmon standby clone\" again");
    return EXIT_CODE_BASEBACKUP;
}

/* ---- all of it ------------------------------------------------------------------ */

static void undo_tablespaces(const struct clone *clone)
{
    for (int i = 0; i < clone->n_tablespaces; i++)
        if (clone_target_remove(clone->tablespaces[i].path,
                                !clone->tablespaces[i].existed) != 0)
            log_warning("directory \"%s\" could not be cleaned up",
                        clone->tablespaces[i].path);
}

/* The session may have died with the upstream. */
static void undo_slot(const struct clone *clone)
{
    PGconn *conn = clone_upstream(clone);

    if (PQstatus(conn) == CONNECTION_OK &&
        slot_drop(conn, clone->slot, 2000, NULL) == EXIT_CODE_SUCCESS)
        return;
    slot_drop_on(clone->upstream, clone->slot, 2000);
}

/* The point of no return lies in the first lines. */
static int make_copy(struct clone *clone, bool *slot_created, struct err *err)
{
    int code = EXIT_CODE_SUCCESS;

    if (clone->slot[0] != '\0')
        code = slot_create(clone_upstream(clone), clone->slot, slot_created, err);
    if (code == EXIT_CODE_SUCCESS)
        code = clone_target_prepare(&clone->target, err);
    if (code == EXIT_CODE_SUCCESS)
        code = copy(clone, err);
    if (code == EXIT_CODE_SUCCESS)
        code = verify(clone, err);
    if (code == EXIT_CODE_SUCCESS)
        code = write_settings(clone, err);
    if (code == EXIT_CODE_SUCCESS)
        code = interrupted(err);
    if (code == EXIT_CODE_SUCCESS)
        code = clone_target_finish(&clone->target, err);
    return code;
}

int clone_by_basebackup(struct clone *clone, struct err *err)
{
    bool slot_created = false;
    int code;

    child_hold_signals();
    code = make_copy(clone, &slot_created, err);
    if (code != EXIT_CODE_SUCCESS) {
        if (clone->target.prepared)
            undo_tablespaces(clone);
        clone_target_undo(&clone->target);
        if (slot_created)
            undo_slot(clone);
    }
    child_release_signals();
    if (code == EXIT_CODE_SUCCESS)
        log_notice("standby clone (using pg_basebackup) complete");
    return code == EXIT_CODE_SUCCESS ? code : EXIT_CODE_BASEBACKUP;
}

static int settings_only(struct clone *clone, struct err *err)
{
    bool slot_created = false;
    int code = EXIT_CODE_SUCCESS;

    if (clone->slot[0] != '\0')
        code = slot_create(clone_upstream(clone), clone->slot, &slot_created, err);
    if (code == EXIT_CODE_SUCCESS)
        code = write_settings(clone, err);
    if (code != EXIT_CODE_SUCCESS && slot_created)
        undo_slot(clone);
    if (code == EXIT_CODE_SUCCESS)
        log_notice("replication settings written to directory \"%s\"",
                   clone->directory);
    return code;
}

/* The event goes to the primary, which need not be the source. */
static void record_event(struct clone *clone)
{
    const struct config *config = &clone->context->config;
    const struct node_record *primary = nodeset_primary(&clone->set);
    PGconn *conn CLEANUP(session_close) = NULL;
    struct err err = ERR_INIT;
    char *details CLEANUP(cleanup_free) =
        xasprintf("cloned from host \"%s\", port %s; backup method: %s; --force: %s",
                  PQhost(clone->source), PQport(clone->source),
                  clone->context->line.replication_conf_only ? "none" : "pg_basebackup",
                  clone->context->line.force ? "Y" : "N");

    if (primary == NULL ||
        session_open(primary->conninfo, "the primary", &conn, &err) != 0) {
        log_warning("event \"standby_clone\" could not be recorded");
        log_detail(LOG_LEVEL_WARNING, "%s", err.text);
        return;
    }
    session_event(clone->context, conn, config->node_id, "standby_clone", true,
                  details);
}

static void tell_next(const struct clone *clone)
{
    const struct config *config = &clone->context->config;

    log_notice("you can now start your PostgreSQL server");
    if (config->service_start_command[0] != '\0')
        log_hint(LOG_LEVEL_NOTICE, "for example: %s", config->service_start_command);
    else
        log_hint(LOG_LEVEL_NOTICE, "for example: pg_ctl -D '%s' -l LOGFILE start",
                 clone->directory);
    log_hint(LOG_LEVEL_NOTICE,
             "after starting the server, you need to register this standby with "
             "\"pgrmon %s%s%sstandby register%s\"",
             config->file[0] != '\0' ? "-f " : "", config->file,
             config->file[0] != '\0' ? " " : "",
             nodeset_find(&clone->set, config->node_id) != NULL ? " --force" : "");
}

static int apply(struct clone *clone, struct err *err)
{
    int code = clone->context->line.replication_conf_only
                   ? settings_only(clone, err)
                   : clone_by_basebackup(clone, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    record_event(clone);
    tell_next(clone);
    return EXIT_CODE_SUCCESS;
}

/* What is no precondition, but spares a wait. */
static void advise(const struct clone *clone, struct precheck *list)
{
    const struct cmd_line *line = &clone->context->line;

    if (line->fast_checkpoint || line->replication_conf_only)
        return;
    precheck_add(list, PRECHECK_NOTICE,
                 "the copy will begin once the source has made its next checkpoint");
    precheck_hint(list, "consider using the -c/--fast-checkpoint option");
}

static int run(struct cmd_context *context, struct err *err)
{
    struct clone clone CLEANUP(clone_deinit) = {.context = context};
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = context->line.dry_run;
    int code = registration_need_config(context, err);

    if (code == EXIT_CODE_SUCCESS)
        code = clone_gather(&clone, &list, err);
    if (code == EXIT_CODE_SUCCESS && dry_run && list.n_failed == 0)
        advise(&clone, &list);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "standby clone", dry_run, err);
    if (code != EXIT_CODE_SUCCESS || dry_run)
        return code;
    return apply(&clone, err);
}

const struct cmd cmd_standby_clone = {
    .object = "standby",
    .action = "clone",
    .summary = "make this node a copy of another, ready to start as a standby",
    .details =
        "Copies the server that -h, -p, -U and -d name into data_directory (or -D) "
        "with\n"
        "pg_basebackup, makes a replication slot on the upstream, and writes the "
        "settings\n"
        "of a standby. The upstream is the primary, or what --upstream-node-id names.\n"
        "PostgreSQL is not started. An empty or missing directory is filled; --force\n"
        "overwrites an old copy of the same cluster or an unfinished clone, never a\n"
        "running server. A clone that fails leaves the directory as it was.",
    .examples =
        "pgrmon -h HOST -U pgrmon -d pgrmon -f /etc/pgrmon/pgrmon.conf standby clone "
        "--dry-run\n"
        "pgrmon -h HOST -U pgrmon -d pgrmon -f /etc/pgrmon/pgrmon.conf standby clone "
        "-c",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_UPSTREAM | CMD_OPT_CLONE |
               CMD_OPT_CONN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
