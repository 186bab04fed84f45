/* cmd_node_guard.c - `node guard`: arm the start guard before PostgreSQL is started
 * (rule G3). Quick, and needs no server: a service manager runs it before each start.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "guard.h"
#include "log.h"
#include "pgdata.h"
#include "rejoin_mark.h"

/* Managed is a node whose daemon has made a promise on disk. What cannot be looked at
 * is taken for managed. */
static bool is_managed(const struct config *config)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s/" GUARD_STATE_FILE, config->state_directory);

    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* NULL, or why there is nothing to arm. */
static const char *not_needed(const struct config *config)
{
    if (config->start_guard == CONFIG_GUARD_OFF)
        return "\"start_guard\" is off";
    if (!is_managed(config))
        return "pgrmond does not manage this node yet";
    if (guard_is_permitted(config->state_directory))
        return "pgrmond itself starts PostgreSQL, as the leader";
    return NULL;
}

/* A standby comes up read-only anyway, so holding it would be for nothing. */
static bool is_to_be_held(const struct config *config)
{
    return config->start_guard == CONFIG_GUARD_HOLD &&
           !guard_is_armed(config->data_directory);
}

static int arm(const struct config *config, struct err *err)
{
    const char *directory = config->data_directory;
    struct pgdata_info info;
    int r = pgdata_inspect(directory, &info, err);

    if (r == 0 && info.kind != PGDATA_SERVER)
        return err_set(err, EXIT_CODE_BAD_CONFIG, "\"%s\" is no data directory",
                       directory);
    if (r == 0)
        r = is_to_be_held(config) ? guard_hold(directory, err)
                                  : guard_arm(directory, err);
    if (r == GUARD_E_FOREIGN) { /* PostgreSQL is held by that one, too */
        log_err(LOG_LEVEL_WARNING, err);
        *err = (struct err)ERR_INIT;
        return EXIT_CODE_SUCCESS;
    }
    return r == 0 ? EXIT_CODE_SUCCESS : EXIT_CODE_SYSTEM;
}

static int run(struct cmd_context *context, struct err *err)
{
    const struct config *config = &context->config;
    const char *reason = not_needed(config);
    bool held;
    int code = EXIT_CODE_SUCCESS;

    if (rejoin_is_marked(config->data_directory)) {
        rejoin_refuse_marked(config->data_directory, err);
        return EXIT_CODE_NO_RESTART;
    }
    if (reason != NULL) {
        (void)printf("no start guard is needed: %s\n", reason);
        return EXIT_CODE_SUCCESS;
    }
    held = is_to_be_held(config);
    if (!context->line.dry_run)
        code = arm(config, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)printf("the start guard %s: PostgreSQL %s\n",
                 context->line.dry_run ? "would be armed" : "is armed",
                 held ? "is not started before it is elected"
                      : "comes up read-only until it is elected");
    return EXIT_CODE_SUCCESS;
}

const struct cmd cmd_node_guard = {
    .object = "node",
    .action = "guard",
    .summary = "arm the start guard, before PostgreSQL is started",
    .details =
        "A PostgreSQL that is started by anybody but pgrmond shall not be writable\n"
        "before the cluster has elected it. This makes sure of it, as start_guard\n"
        "says; no server is needed. For ExecStartPre= of PostgreSQL's unit, and\n"
        "for the entry point of a container. Exits with 0 when the guard is armed,\n"
        "or not needed: start_guard = off, pgrmond does not manage the node yet,\n"
        "or pgrmond itself is starting PostgreSQL as the leader. Exits with 4, so\n"
        "that PostgreSQL is not started, where a rewind broke off.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node guard",
    .options = CMD_OPT_DRY_RUN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
