/* cmd_node_release.c - `node release`: take the start guard away, before pg_upgrade, a
 * restore, or the removal of pgrmon (rule G5). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "guard.h"
#include "pgdata.h"
#include "rejoin_mark.h"
#include "state.h"

/* The daemon holds this lock for as long as it runs. */
static bool daemon_runs(const struct config *config)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" STATE_LOCK_NAME, config->state_directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;

    if (fd >= 0)
        (void)close(fd);
    return locked;
}

/* It would arm the guard again within a minute, or hold what was just released. */
static int refuse_beside_daemon(struct err *err)
{
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "the start guard cannot be released while pgrmond runs");
    err_detail(err, "pgrmond would arm it again; with \"start_guard\" off it does not");
    err_hint(err, "stop it first: \"systemctl stop pgrmond\"");
    return EXIT_CODE_BAD_CONFIG;
}

/* standby.signal is a standby's own mark as well. Whoever was last in recovery may be
 * one, and would come up as a second primary without it. */
static bool may_be_a_standby(const char *directory)
{
    enum pgdata_control_state state;

    if (pgdata_control_state(directory, &state, NULL) != 0)
        return true;
    return state == PGDATA_CONTROL_SHUT_DOWN_IN_RECOVERY ||
           state == PGDATA_CONTROL_IN_ARCHIVE_RECOVERY;
}

static int refuse_standby(struct err *err)
{
    (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                  "this PostgreSQL was last in recovery: it may be a standby");
    err_detail(err, "without its file \"standby.signal\" a standby becomes a second "
                    "primary when it is started");
    err_hint(err, "if it is a guarded primary: \"pgrmon node release --force\"");
    return EXIT_CODE_BAD_CONFIG;
}

static int release(const char *directory, struct err *err)
{
    int r = guard_unhold(directory, err);

    if (r == 0 && guard_is_armed(directory))
        r = guard_disarm(directory, err);
    if (r < 0)
        return EXIT_CODE_SYSTEM;
    return r == 0 ? EXIT_CODE_SUCCESS : EXIT_CODE_BAD_CONFIG;
}

static int run(struct cmd_context *context, struct err *err)
{
    const char *directory = context->config.data_directory;
    bool armed = guard_is_armed(directory);
    int code = EXIT_CODE_SUCCESS;

    if (rejoin_is_marked(directory)) {
        rejoin_refuse_marked(directory, err);
        return EXIT_CODE_NO_RESTART;
    }
    if (!armed && !guard_is_held(directory)) {
        (void)printf("there is no start guard in \"%s\"\n", directory);
        return EXIT_CODE_SUCCESS;
    }
    if (daemon_runs(&context->config))
        return refuse_beside_daemon(err);
    if (armed && may_be_a_standby(directory) && !context->line.force)
        return refuse_standby(err);
    if (!context->line.dry_run)
        code = release(directory, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)printf(
        "the start guard %s: the next start of PostgreSQL is writable, without "
        "a vote\n"
        "pgrmond arms it again when it manages this node as primary, unless "
        "\"start_guard\" is off\n",
        context->line.dry_run ? "would be released" : "is released");
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_node_release = {
    .object = "node",
    .action = "release",
    .summary = "release the start guard, for pg_upgrade, a restore or a removal",
    .details =
        "Removes what \"node guard\" and pgrmond have put into the data directory\n"
        "(standby.signal, recovery.conf), so that PostgreSQL starts writable. No\n"
        "server is needed. Refused while pgrmond runs, which would arm it again,\n"
        "and for a PostgreSQL that was last in recovery, since that may be a true\n"
        "standby; --force releases it all the same.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node release --dry-run\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf node release",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
