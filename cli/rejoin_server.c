/* rejoin_server.c - own PostgreSQL: started cut off from all others, stopped, started.
 *
 * Cut off: in recovery by the guard, without upstream and archive, so that nothing new
 * comes into its WAL; on a socket in a directory that only its owner enters, with a
 * pg_hba.conf of one line, so that nobody else reads what the quorum did not have, and
 * pgrmond does not take it for ours. It recovers from a crash, and a clean stop then
 * leaves what pg_rewind wants (postgres-facts 7). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "clone_target.h"
#include "conninfo.h"
#include "guard.h"
#include "lockfile.h"
#include "log.h"
#include "mono.h"
#include "pgstart.h"
#include "rejoin_run.h"
#include "session.h"

#define STOP_MS   120000
#define ZOMBIE_MS 5000
#define POLL_US   50000

static void relay(void *arg, const char *line)
{
    (void)arg;
    log_debug("%s", line);
}

static int need_pg_ctl(const struct rejoin *rejoin, struct err *err)
{
    if (rejoin->pg_ctl != NULL)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "program \"pg_ctl\" was not found");
    err_hint(err, "install PostgreSQL %d on this host, or set \"pg_bindir\"",
             rejoin->info.major_version);
    return EXIT_CODE_BAD_CONFIG;
}

static int run(const char *const argv[],
               const char *const environment[],
               int64_t timeout_ms,
               const char *what,
               struct err *err)
{
    struct child_options options = {.argv = argv,
                                    .environment = environment,
                                    .pass_fd = -1,
                                    .timeout_ms = timeout_ms,
                                    .on_line = relay};
    struct child_result result;
    char how[128];

    if (child_run(&options, &result, err) != 0)
        return EXIT_CODE_SYSTEM;
    if (child_succeeded(&result))
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, -EIO, "PostgreSQL could not be %s", what);
    err_detail(err, "%s", child_describe(&result, how, sizeof how));
    return EXIT_CODE_NO_RESTART;
}

/* A dead postmaster that nobody has reaped yet keeps a new one from starting
 * (postgres-facts 12). */
static void await_reaping(const struct rejoin *rejoin)
{
    struct mono deadline = mono_add(mono_now(), ZOMBIE_MS);
    struct err err = ERR_INIT;
    pid_t pid;

    while (lockfile_look(rejoin->directory, &pid) == LOCKFILE_ZOMBIE) {
        if (!mono_reached(deadline, mono_now())) {
            (void)usleep(POLL_US);
            continue;
        }
        if (lockfile_remove(rejoin->directory, &err) == -EAGAIN)
            continue;
        if (err.text[0] != '\0')
            log_err(LOG_LEVEL_WARNING, &err);
        return;
    }
}

/* ---- starting ------------------------------------------------------------------- */

/* pg_ctl takes the options as words for a shell; all goes through the environment. */
static int start_by_pg_ctl(const struct rejoin *rejoin,
                           const char *options,
                           const char *log_file,
                           struct err *err)
{
    const struct config *config = &rejoin->context->config;
    char *shell CLEANUP(cleanup_free) = xasprintf(
        "exec \"$PGRMON_PG_CTL\" -D \"$PGRMON_PGDATA\" -s -w -t \"$PGRMON_SECONDS\" "
        "-l \"$PGRMON_PG_LOG\" -o \"$PGRMON_PG_OPTIONS\" %s start",
        config->pg_ctl_options);
    char *variables[] = {
        xasprintf("PGRMON_PG_CTL=%s", rejoin->pg_ctl),
        xasprintf("PGRMON_PGDATA=%s", rejoin->directory),
        xasprintf("PGRMON_SECONDS=%lld",
                  (long long)config->startup_patience_ms / 1000 + 1),
        xasprintf("PGRMON_PG_LOG=%s", log_file),
        xasprintf("PGRMON_PG_OPTIONS=%s", options),
    };
    const char *environment[sizeof variables / sizeof *variables + 1] = {NULL};
    const char *argv[] = {"/bin/sh", "-c", shell, NULL};
    int code;

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        environment[i] = variables[i];
    code = run(argv, environment, config->startup_patience_ms + 30000, "started", err);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        free(variables[i]);
    if (code != EXIT_CODE_SUCCESS)
        err_hint(err, "see its log, \"%s\"", log_file);
    return code;
}

static int start_by_command(const struct rejoin *rejoin, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    const char *argv[] = {"/bin/sh", "-c", config->service_start_command, NULL};
    int code = run(argv, NULL, config->startup_patience_ms + 30000, "started", err);

    if (code != EXIT_CODE_SUCCESS)
        err_hint(err, "setting \"service_start_command\" failed: \"%s\"",
                 config->service_start_command);
    return code;
}

/* Guarded it may be started: a brake of ours is for what would be writable. */
static int arm(const struct rejoin *rejoin, struct err *err)
{
    if (guard_arm(rejoin->directory, err) != 0)
        return EXIT_CODE_SYSTEM;
    if (guard_is_held(rejoin->directory) && guard_unhold(rejoin->directory, err) != 0)
        return EXIT_CODE_SYSTEM;
    await_reaping(rejoin);
    return EXIT_CODE_SUCCESS;
}

int rejoin_start(struct rejoin *rejoin, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    char *log_file CLEANUP(cleanup_free) = NULL;
    char *options CLEANUP(cleanup_free) = NULL;
    int code;

    if (pgdata_in_use(rejoin->directory, NULL) == PGDATA_RUNNING)
        return EXIT_CODE_SUCCESS;
    code = arm(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    log_info("starting PostgreSQL");
    if (config->service_start_command[0] != '\0')
        return start_by_command(rejoin, err);
    code = need_pg_ctl(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    log_file = pgstart_log(config, rejoin->config_file, rejoin->log);
    options = pgstart_options(config, rejoin->config_file);
    return start_by_pg_ctl(rejoin, options, log_file, err);
}

/* ---- cut off -------------------------------------------------------------------- */

/* Settings that would bring WAL in, take it out, or end recovery (postgres-facts 8). */
static char *private_options(const struct rejoin *rejoin, const char *timeline)
{
    char *options CLEANUP(cleanup_free) =
        pgstart_options(&rejoin->context->config, rejoin->config_file);

    return xasprintf(
        "%s " PGSTART_PRIVATE_WORDS " \"-c\" \"listen_addresses=\""
        " \"-c\" \"unix_socket_directories=%s\" \"-c\" \"hba_file=%s/pg_hba.conf\""
        " \"-c\" \"primary_conninfo=\" \"-c\" \"primary_slot_name=\""
        " \"-c\" \"restore_command=\" \"-c\" \"archive_mode=off\""
        " \"-c\" \"hot_standby=on\" \"-c\" \"recovery_min_apply_delay=0\""
        " \"-c\" \"recovery_target=\" \"-c\" \"recovery_target_lsn=\""
        " \"-c\" \"recovery_target_name=\" \"-c\" \"recovery_target_time=\""
        " \"-c\" \"recovery_target_xid=\" \"-c\" \"recovery_target_timeline=%s\""
        " \"-c\" \"logging_collector=off\" \"-c\" \"ssl=off\"",
        options, rejoin->private_socket, rejoin->private_socket, timeline);
}

static int make_private_socket(struct rejoin *rejoin, struct err *err)
{
    char path[] = "/tmp/pgrmon-rejoin-XXXXXX"; /* a socket's path is short */

    if (mkdtemp(path) == NULL) {
        (void)err_set(err, -errno, "could not create directory \"%s\": %s", path,
                      strerror(errno));
        return EXIT_CODE_SYSTEM;
    }
    rejoin->private_socket = xstrdup(path);
    return pgdata_write(path, "pg_hba.conf", "local all all trust\n", err) == 0
               ? EXIT_CODE_SUCCESS
               : EXIT_CODE_SYSTEM;
}

static void remove_private_socket(struct rejoin *rejoin)
{
    if (rejoin->private_socket == NULL)
        return;
    (void)!clone_target_remove(rejoin->private_socket, true);
    free(rejoin->private_socket);
    rejoin->private_socket = NULL;
}

static int open_private(struct rejoin *rejoin, struct err *err)
{
    const char *own = rejoin->context->config.conninfo;
    struct pgdata_postmaster pm;
    char *user CLEANUP(cleanup_free) = conninfo_get(own, "user");
    char *dbname CLEANUP(cleanup_free) = conninfo_get(own, "dbname");
    char port[16];
    char *conninfo CLEANUP(cleanup_free) = NULL;
    struct conninfo_change changes[] = {
        {"host",    rejoin->private_socket              },
        {"port",    port                                },
        {"user",    user                                },
        {"dbname",  dbname != NULL ? dbname : "postgres"},
        {"sslmode", "disable"                           },
    };

    if (pgdata_read_postmaster(rejoin->directory, &pm, err) != 0)
        return EXIT_CODE_NO_RESTART;
    (void)snprintf(port, sizeof port, "%d", pm.port);
    if (conninfo_build(&conninfo, "", changes, sizeof changes / sizeof *changes, err) !=
        0)
        return EXIT_CODE_BAD_CONFIG;
    return session_open(conninfo, "the local node", &rejoin->local, err);
}

static int start_private(struct rejoin *rejoin, const char *timeline, struct err *err)
{
    char *log_file CLEANUP(cleanup_free) =
        xasprintf("%s/rejoin.log", rejoin->context->config.state_directory);
    char *options CLEANUP(cleanup_free) = private_options(rejoin, timeline);

    return start_by_pg_ctl(rejoin, options, log_file, err);
}

/* The latest timeline is its own, begun and crashed before a checkpoint; or the
 * leader's, whose history came in without its WAL: then PostgreSQL refuses to start. */
int rejoin_start_cut_off(struct rejoin *rejoin, struct err *err)
{
    int code = need_pg_ctl(rejoin, err);

    if (code == EXIT_CODE_SUCCESS)
        code = make_private_socket(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = arm(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    log_info("starting PostgreSQL read-only and cut off, to see what its WAL holds");
    code = start_private(rejoin, "latest", err);
    if (code == EXIT_CODE_NO_RESTART &&
        pgdata_in_use(rejoin->directory, NULL) == PGDATA_IDLE)
        code = start_private(rejoin, "current", err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    *err = (struct err)ERR_INIT;
    return open_private(rejoin, err);
}

/* ---- stopping ------------------------------------------------------------------- */

int rejoin_stop(struct rejoin *rejoin, struct err *err)
{
    const char *argv[] = {
        rejoin->pg_ctl, "-D", rejoin->directory, "-s", "-m", "fast", "-w", "-t", "110",
        "stop",         NULL};
    int code = EXIT_CODE_SUCCESS;

    session_close(&rejoin->local);
    if (pgdata_in_use(rejoin->directory, NULL) != PGDATA_IDLE) {
        code = need_pg_ctl(rejoin, err);
        if (code == EXIT_CODE_SUCCESS)
            code = run(argv, NULL, STOP_MS, "stopped", err);
        if (code != EXIT_CODE_SUCCESS)
            err_hint(err,
                     "stop it with \"pg_ctl stop -m fast -D '%s'\", then execute "
                     "\"pgrmon node rejoin\" again",
                     rejoin->directory);
    }
    await_reaping(rejoin);
    remove_private_socket(rejoin);
    return code;
}

int rejoin_reload(struct rejoin *rejoin, struct err *err)
{
    const char *argv[] = {rejoin->pg_ctl, "-D",     rejoin->directory,
                          "-s",           "reload", NULL};
    int code;

    if (pgdata_in_use(rejoin->directory, NULL) != PGDATA_RUNNING)
        return EXIT_CODE_SUCCESS;
    code = need_pg_ctl(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = run(argv, NULL, STOP_MS, "reloaded", err);
    return code;
}
