/* cmd_service_unpause.c - `service unpause`: the primary is fenced again, then the
 * voters are released (rule M3). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "pausing.h"
#include "registration.h"
#include "session.h"
#include "state.h"

/* ---- with a primary ---------------------------------------------------------------
 */

static int
not_ended(const struct nodeset *set, const struct pausing *pausing, struct err *err)
{
    char names[PAUSING_TEXT_SIZE];

    (void)err_set(err, EXIT_CODE_PAUSE, "the pause has not ended everywhere yet");
    if (pausing->relies)
        err_detail(err, "the primary relies on it until a majority supports it again");
    else
        err_detail(err, "%s; not released yet: %s",
                   pausing->leads ? "the primary is fenced again" : "nobody leads",
                   pausing_names(set, pausing->paused, true, names));
    err_hint(err, "see \"pgrmon cluster explain\"; what is left of it ends by itself, "
                  "see \"pgrmon service status\"");
    return EXIT_CODE_PAUSE;
}

static bool is_paused(const struct nodeset *set, int64_t version)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct pausing now;

    gather_probe(set, answers);
    pausing_judge(&now, set, answers, version);
    return now.n_paused > 0 || now.relies;
}

static int end(struct cmd_context *context,
               PGconn *primary,
               int primary_id,
               const struct nodeset *set,
               struct err *err)
{
    struct pausing pausing;
    int64_t version = 0;
    int code = pausing_wish(primary, 0, &version, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    session_event(context, primary, primary_id, "service_unpause", true, "");
    if (!pausing_await(set, version, pausing_is_ended, &pausing))
        return not_ended(set, &pausing, err);
    log_notice("the pause is over: the primary needs a majority again, and the voters "
               "elect");
    return EXIT_CODE_SUCCESS;
}

static int with_primary(struct cmd_context *context,
                        PGconn *primary,
                        int primary_id,
                        const struct nodeset *set,
                        struct err *err)
{
    struct pausing_wish wish;
    int code = pausing_read_wish(primary, &wish, err);

    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (wish.left_ms <= 0 && !is_paused(set, wish.version)) {
        log_notice("the service is not paused");
        return EXIT_CODE_SUCCESS;
    }
    if (context->line.dry_run) {
        log_info("would end the pause of %s, which ends by itself at %s", wish.by,
                 wish.until);
        return EXIT_CODE_SUCCESS;
    }
    return end(context, primary, primary_id, set, err);
}

/* ---- without one: the own promise -------------------------------------------------
 */

static int hint_running(struct err *err)
{
    err_hint(err, "stop pgrmond on this node first");
    return EXIT_CODE_BAD_CONFIG;
}

/* The operator vouches that no primary relies on it. */
static int take_back(const struct cmd_context *context, struct err *err)
{
    const struct config *config = &context->config;
    struct state state CLEANUP(state_free) = STATE_INIT;
    int fd = -1, r = state_lock(config->state_directory, &fd, err);

    if (r == STATE_E_LOCKED)
        return hint_running(err);
    if (r == 0)
        r = state_load(config->state_directory, config->node_id, 0, &state, err);
    if (r == 0 && state.durable.pause_ms == 0) {
        log_notice("this node is not paused");
    } else if (r == 0 && context->line.dry_run) {
        log_info("would take back what this node promised");
    } else if (r == 0) {
        state.durable.pause_ms = 0;
        r = state_save(config->state_directory, &state, err);
        if (r == 0)
            log_notice("this node is not bound by the pause any more: start pgrmond");
    }
    if (fd >= 0)
        (void)close(fd);
    return r == 0 ? EXIT_CODE_SUCCESS : EXIT_CODE_BAD_CONFIG;
}

static int without_primary(const struct cmd_context *context, int code, struct err *err)
{
    struct err lost = *err;

    if (context->line.force && context->has_config) {
        *err = (struct err)ERR_INIT;
        log_warning("no primary: %s", lost.text);
        log_detail(LOG_LEVEL_WARNING,
                   "only the promise of this node is taken back, with pgrmond stopped");
        return take_back(context, err);
    }
    err_hint(err,
             "a pause ends by itself. Bring the primary back: it leads on. If its "
             "host is gone for good, and only then: on a majority of the voters "
             "stop pgrmond, run \"pgrmon service unpause --force\", start pgrmond");
    return code;
}

static int run(struct cmd_context *context, struct err *err)
{
    PGconn *primary CLEANUP(session_close) = NULL;
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    int primary_id, code;

    code = session_open_primary(context, &primary, &set, &primary_id, err);
    if (code != EXIT_CODE_SUCCESS)
        return without_primary(context, code, err);
    return with_primary(context, primary, primary_id, &set, err);
}

const struct cmd cmd_service_unpause = {
    .object = "service",
    .action = "unpause",
    .summary = "end a pause before its time",
    .details =
        "The primary needs a majority again as soon as it has one, then the voters "
        "are\n"
        "released. Waits until that is so. Without a primary there is nobody to whom "
        "it\n"
        "could be said: the pause ends by itself. If the primary's host is gone for "
        "good\n"
        "you may take back what single nodes promised: on a majority of the voters,\n"
        "stop pgrmond, run this command with --force, and start pgrmond. Never do "
        "that\n"
        "while the primary may be running somewhere: two nodes would accept writes.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf service unpause",
    .options = CMD_OPT_FORCE | CMD_OPT_DRY_RUN,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
