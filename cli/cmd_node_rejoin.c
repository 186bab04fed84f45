/* cmd_node_rejoin.c - `node rejoin`: bring a node back that is not what the leader
 * continues: an old primary above all.
 *
 * gather -> (a stopped server is started cut off, and asked) -> decide (lib/rejoin.c)
 * -> tell -> one of the ways -> start, wait, record. pgrmond may run all the while: it
 * starts no PostgreSQL as long as we hold the lock, and follows once it finds one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "cmd.h"
#include "log.h"
#include "rejoin_run.h"
#include "session.h"
#include "slot.h"

#define HINT_CLONE "execute \"pgrmon node rejoin --clone\", which copies %s"

/* ---- telling -------------------------------------------------------------------- */

static void tell_plan(const struct rejoin *rejoin)
{
    char detail[512];

    if (rejoin->plan.way == REJOIN_NOTHING)
        log_notice("nothing is to be done: %s",
                   rejoin_reason_text(rejoin->plan.reason));
    else
        log_notice("way to rejoin: %s; %s", rejoin_way_name(rejoin->plan.way),
                   rejoin_reason_text(rejoin->plan.reason));
    (void)rejoin_detail(&rejoin->plan, &rejoin->facts, detail, sizeof detail);
    if (detail[0] != '\0')
        log_detail(LOG_LEVEL_NOTICE, "%s", detail);
}

static void hint_refusal(const struct rejoin *rejoin, struct err *err)
{
    switch (rejoin->plan.reason) {
    case REJOIN_WHY_WRITABLE:
        err_hint(err,
                 "if it is the wrong one, stop it with \"pg_ctl stop -m fast -D "
                 "'%s'\" and execute \"pgrmon node rejoin\" again",
                 rejoin->directory);
        return;
    case REJOIN_WHY_STUCK:
        err_hint(err,
                 "let pgrmond of this node end it, or stop it with \"pg_ctl stop -m "
                 "immediate -D '%s'\"",
                 rejoin->directory);
        return;
    case REJOIN_WHY_OLDER_LEADER:
        err_hint(err,
                 "see \"pgrmon cluster show\"; if %s is right nevertheless, add "
                 "\"--force\"",
                 rejoin->label);
        return;
    case REJOIN_WHY_NO_RIGHTS:
        err_hint(err, "execute grants.sql on the primary as a superuser, or use "
                      "\"pgrmon node rejoin --clone\"");
        return;
    default:
        err_hint(err, "see \"pgrmon cluster show\"");
    }
}

/* Refused, or it takes a clone that was not asked for. */
static int give_up(const struct rejoin *rejoin, struct err *err)
{
    char detail[512];
    bool clone = rejoin->plan.way == REJOIN_CLONE;

    (void)err_set(err, EXIT_CODE_REJOIN, "this node can%s rejoin%s: %s",
                  clone ? "" : "not", clone ? " as a new copy only" : "",
                  rejoin_reason_text(rejoin->plan.reason));
    (void)rejoin_detail(&rejoin->plan, &rejoin->facts, detail, sizeof detail);
    if (detail[0] != '\0')
        err_detail(err, "%s", detail);
    if (clone)
        err_hint(err, HINT_CLONE, rejoin->label);
    else
        hint_refusal(rejoin, err);
    return EXIT_CODE_REJOIN;
}

static bool is_possible(const struct rejoin *rejoin)
{
    return rejoin->plan.way != REJOIN_REFUSE &&
           (rejoin->plan.way != REJOIN_CLONE || rejoin->wish.clone);
}

/* --dry-run: what would be done, step by step. */
static void tell_steps(const struct rejoin *rejoin)
{
    switch (rejoin->plan.way) {
    case REJOIN_UNKNOWN:
        log_info(
            "PostgreSQL would be started read-only and cut off, asked, and stopped");
        log_info(
            "then the way is decided: stream, pg_rewind, or a clone if \"--clone\" "
            "was given");
        return;
    case REJOIN_STREAM:
        log_info("primary_conninfo would be set for %s, and PostgreSQL be reloaded",
                 rejoin->label);
        return;
    case REJOIN_REWIND:
        log_info("PostgreSQL would be stopped; its WAL from the last common checkpoint "
                 "on, and its configuration, would be kept in a directory beside");
        log_info(
            "pg_rewind would be executed against %s, then PostgreSQL be started as "
            "its standby",
            rejoin->label);
        return;
    case REJOIN_CLONE:
        log_info(
            "%s would be copied into \"%s.pgrmon-new\"; PostgreSQL would be "
            "stopped, its WAL and configuration kept, and the directories exchanged",
            rejoin->label, rejoin->directory);
        return;
    case REJOIN_NOTHING:
    case REJOIN_REFUSE:
        return;
    }
}

/* ---- locks and the promise ------------------------------------------------------ */

static int lock(struct rejoin *rejoin, struct err *err)
{
    const char *directory = rejoin->context->config.state_directory;
    int r = state_make_directory(directory, err);

    if (r == 0)
        r = rejoin_lock(directory, &rejoin->lock_fd, err);
    if (r < 0)
        err_hint(err, "as root execute \"install -d -m 0700 -o %d '%s'\"",
                 (int)geteuid(), directory);
    return r == 0 ? EXIT_CODE_SUCCESS : EXIT_CODE_REJOIN;
}

/* D1: a former leader has resigned. Its daemon sees to that; while none runs, none can
 * start either, and we do. PostgreSQL is stopped or in recovery here. */
static int settle_promise(struct rejoin *rejoin, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    struct core_durable *promise = &rejoin->state.durable;
    int r = state_lock(config->state_directory, &rejoin->state_fd, err);

    if (r == STATE_E_LOCKED) {
        *err = (struct err)ERR_INIT;
        return EXIT_CODE_SUCCESS;
    }
    if (r != 0)
        return EXIT_CODE_SYSTEM;
    if (!rejoin->has_state || promise->leader_id != config->node_id ||
        promise->duty == CORE_DUTY_FOLLOWER || promise->duty == CORE_DUTY_RESIGNED)
        return EXIT_CODE_SUCCESS;
    promise->duty = CORE_DUTY_RESIGNED;
    promise->lead_term = 0;
    promise->armed = false;
    promise->recorded = false;
    return state_save(config->state_directory, &rejoin->state, err) == 0
               ? EXIT_CODE_SUCCESS
               : EXIT_CODE_SYSTEM;
}

/* ---- deciding ------------------------------------------------------------------- */

static bool must_ask(const struct rejoin *rejoin)
{
    return rejoin->plan.way == REJOIN_UNKNOWN;
}

/* A server that runs is asked as it is. */
static int decide(struct rejoin *rejoin, struct err *err)
{
    int code = EXIT_CODE_SUCCESS;

    if (rejoin->facts.server == REJOIN_SERVER_READ_ONLY && rejoin->facts.same_system)
        code = rejoin_compare(rejoin, err);
    rejoin->plan = rejoin_decide(&rejoin->facts, &rejoin->wish);
    return code;
}

/* One that is stopped is started for it; it is stopped again in any case. */
static int ask_stopped(struct rejoin *rejoin, struct err *err)
{
    struct err more = ERR_INIT;
    int code, stopped;

    rejoin->acting = true;
    code = rejoin_start_cut_off(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_compare(rejoin, err);
    stopped = rejoin_stop(rejoin, code == EXIT_CODE_SUCCESS ? err : &more);
    rejoin->plan = rejoin_decide(&rejoin->facts, &rejoin->wish);
    return code != EXIT_CODE_SUCCESS ? code : stopped;
}

/* ---- acting --------------------------------------------------------------------- */

static int go(struct rejoin *rejoin, struct err *err)
{
    int code = EXIT_CODE_SUCCESS;

    rejoin->acting = true;
    if (rejoin->plan.way != REJOIN_CLONE) /* which makes one itself */
        code = rejoin_make_slot(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && rejoin->plan.way == REJOIN_REWIND)
        code = rejoin_stop(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (rejoin->plan.way == REJOIN_REWIND)
        code = rejoin_by_rewind(rejoin, err);
    else if (rejoin->plan.way == REJOIN_CLONE)
        code = rejoin_by_clone(rejoin, err);
    else
        code = rejoin_by_stream(rejoin, err);
    return code == EXIT_CODE_SUCCESS ? rejoin_finish(rejoin, err) : code;
}

/* What failed before the data directory was touched leaves all as it was. */
static void undo(struct rejoin *rejoin)
{
    struct err err = ERR_INIT;

    if (rejoin->marked || rejoin->changed)
        return;
    if (rejoin->slot_created && slot_drop(rejoin->remote, rejoin->slot, 0, NULL) != 0)
        slot_drop_on(rejoin->leader, rejoin->slot, 0);
    if (!rejoin->was_running || pgdata_in_use(rejoin->directory, NULL) != PGDATA_IDLE)
        return;
    if (rejoin_start(rejoin, &err) == EXIT_CODE_SUCCESS)
        log_notice("PostgreSQL runs again, read-only as before");
    else
        log_err(LOG_LEVEL_WARNING, &err);
}

static void record_event(struct rejoin *rejoin, bool ok, const struct err *err)
{
    char *details CLEANUP(cleanup_free) = NULL;

    if (!rejoin->acting || rejoin->remote == NULL)
        return;
    details = ok ? xasprintf("rejoined %s by %s: %s%s%s%s", rejoin->label,
                             rejoin_way_name(rejoin->plan.way),
                             rejoin_reason_text(rejoin->plan.reason),
                             rejoin->kept != NULL ? "; its own WAL is kept in \"" : "",
                             rejoin->kept != NULL ? rejoin->kept : "",
                             rejoin->kept != NULL ? "\"" : "")
                 : xasprintf("could not rejoin %s: %s", rejoin->label, err->text);
    session_event(rejoin->context, rejoin->remote, rejoin->context->config.node_id,
                  "node_rejoin", ok, details);
}

static void tell_end(const struct rejoin *rejoin)
{
    log_notice("NODE REJOIN successful");
    log_detail(LOG_LEVEL_NOTICE,
               rejoin->context->line.no_wait
                   ? "PostgreSQL is started as a standby of %s"
                   : "this node streams from %s",
               rejoin->label);
    if (rejoin->kept == NULL)
        return;
    log_notice("what only this node had is in \"%s\"", rejoin->kept);
    log_hint(LOG_LEVEL_NOTICE,
             "read it with \"pg_waldump -p '%s/pg_wal' SEGMENT\"; remove it when it is "
             "not needed",
             rejoin->kept);
}

static int act(struct rejoin *rejoin, struct err *err)
{
    int code;

    child_hold_signals();
    code = settle_promise(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && must_ask(rejoin)) {
        code = ask_stopped(rejoin, err);
        if (code == EXIT_CODE_SUCCESS && !is_possible(rejoin))
            code = give_up(rejoin, err);
        if (code == EXIT_CODE_SUCCESS)
            tell_plan(rejoin);
    }
    if (code == EXIT_CODE_SUCCESS)
        code = go(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        undo(rejoin);
    record_event(rejoin, code == EXIT_CODE_SUCCESS, err);
    child_release_signals();
    if (code == EXIT_CODE_SUCCESS)
        tell_end(rejoin);
    return code;
}

/* ---- the command ---------------------------------------------------------------- */

/* What is known before anything is changed, told alike by --dry-run and the real run.
 */
static int prepare(struct rejoin *rejoin, struct err *err)
{
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    bool dry_run = rejoin->context->line.dry_run;
    int code = rejoin_gather(rejoin, &list, err);

    if (code == EXIT_CODE_SUCCESS && list.n_failed == 0)
        code = decide(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && list.n_failed == 0 &&
        rejoin->plan.way == REJOIN_CLONE && rejoin->wish.clone)
        code = rejoin_check_clone(rejoin, &list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = precheck_report(&list, "node rejoin", dry_run, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (!is_possible(rejoin))
        return give_up(rejoin, err);
    tell_plan(rejoin);
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct rejoin rejoin CLEANUP(rejoin_deinit) = REJOIN_INIT(context);
    int code = registration_need_config(context, err);

    rejoin.wish = (struct rejoin_wish){context->line.clone, context->line.force};
    if (code == EXIT_CODE_SUCCESS && !context->line.dry_run)
        code = lock(&rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = prepare(&rejoin, err);
    if (code != EXIT_CODE_SUCCESS || rejoin.plan.way == REJOIN_NOTHING)
        return code;
    if (context->line.dry_run) {
        tell_steps(&rejoin);
        return EXIT_CODE_SUCCESS;
    }
    return act(&rejoin, err);
}

const struct cmd cmd_node_rejoin = {
    .object = "node",
    .action = "rejoin",
    .summary = "bring a former primary, or a standby that diverged, back",
    .details =
        "Finds the leader and compares the terms and the WAL of both. If all of this\n"
        "node's WAL is the leader's, it streams from it; if not, pg_rewind takes it\n"
        "back, and what only this node had is kept in DATA_DIRECTORY.pgrmon-kept. "
        "Where\n"
        "pg_rewind cannot be trusted, it says so, and --clone copies the leader into "
        "a\n"
        "directory beside and exchanges the two. PostgreSQL of this node may run\n"
        "read-only or be stopped, in good order or not; pgrmond may run. A rewind "
        "that\n"
        "broke off is taken up by calling this again; until then nobody can start\n"
        "PostgreSQL. The configuration files in the data directory stay this node's.\n"
        "Without -h or -d the nodes are those that pgrmond knew last.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf node rejoin --dry-run\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf node rejoin\n"
                "pgrmon -f /etc/pgrmon/pgrmon.conf node rejoin --clone --keep",
    .options =
        CMD_OPT_FORCE | CMD_OPT_DRY_RUN | CMD_OPT_WAIT | CMD_OPT_REJOIN | CMD_OPT_CONN,
    .need = CMD_NEED_DATA_NODE,
    .run = run,
};
