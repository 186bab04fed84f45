/* rejoin_finish.c - the last steps of all ways: settings, slot, start, waiting until
 * the leader sends to us, the record. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "clone_target.h"
#include "log.h"
#include "mono.h"
#include "queries.h"
#include "rejoin_run.h"
#include "session.h"
#include "slot.h"

#define POLL_US 50000

/* ---- settings ------------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

int rejoin_write_settings(const struct rejoin *rejoin,
                          const char *directory,
                          struct err *err)
{
    const struct config *config = &rejoin->context->config;
    char *conninfo CLEANUP(cleanup_free) = NULL;
    char *old CLEANUP(cleanup_free) = NULL;
    char *text CLEANUP(cleanup_free) = NULL;
    struct replication_setting settings[4];
    size_t n = 0;

    if (replication_primary_conninfo(&conninfo, config, rejoin->leader->conninfo,
                                     config->replication_user, err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    settings[n++] = (struct replication_setting){"primary_conninfo", conninfo};
    settings[n++] =
        (struct replication_setting){"primary_slot_name", or_null(rejoin->slot)};
    settings[n++] = (struct replication_setting){
        "recovery_min_apply_delay", or_null(config->recovery_min_apply_delay)};
    /* Without a setting of ours, what this node used stays. */
    if (config->restore_command[0] != '\0')
        settings[n++] =
            (struct replication_setting){"restore_command", config->restore_command};
    if (pgdata_read(directory, "postgresql.auto.conf", &old, err) == -ENOENT)
        old = xstrdup("");
    if (old == NULL)
        return EXIT_CODE_SYSTEM;
    text = replication_auto_conf(old, settings, n);
    if (pgdata_write(directory, "postgresql.auto.conf", text, err) != 0 ||
        pgdata_write(directory, "standby.signal", "", err) != 0)
        return EXIT_CODE_SYSTEM;
    *err = (struct err)ERR_INIT;
    return EXIT_CODE_SUCCESS;
}

/* One that runs goes on: what it is told needs no restart. */
int rejoin_by_stream(struct rejoin *rejoin, struct err *err)
{
    int code;

    rejoin->changed = true;
    code = rejoin_write_settings(rejoin, rejoin->directory, err);
    return code == EXIT_CODE_SUCCESS ? rejoin_reload(rejoin, err) : code;
}

/* ---- the leader ----------------------------------------------------------------- */

int rejoin_make_slot(struct rejoin *rejoin, struct err *err)
{
    if (rejoin->slot[0] == '\0')
        return EXIT_CODE_SUCCESS;
    return slot_create(rejoin->remote, rejoin->slot, &rejoin->slot_created, err);
}

/* What came before may have taken hours, and the session not have lived. */
static int reopen(struct rejoin *rejoin, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(rejoin->remote, &query_in_recovery, NULL, NULL);

    if (res != NULL)
        return EXIT_CODE_SUCCESS;
    session_close(&rejoin->remote);
    return session_open(rejoin->leader->conninfo, rejoin->label, &rejoin->remote, err);
}

/* ---- waiting -------------------------------------------------------------------- */

static bool leader_sends(const struct rejoin *rejoin)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(rejoin->remote, &query_downstreams, NULL, NULL);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *name = query_text(res, i, 0), *state = query_text(res, i, 2);

        if (name != NULL && state != NULL && strcmp(state, "streaming") == 0 &&
            strcmp(name, rejoin->context->config.node_name) == 0)
            return true;
    }
    return false;
}

static int64_t wait_ms(const struct rejoin *rejoin)
{
    int seconds = rejoin->context->line.wait_s;

    return rejoin->context->line.wait && seconds > 0
               ? (int64_t)seconds * 1000
               : rejoin->context->config.node_rejoin_timeout_ms;
}

static int await_streaming(struct rejoin *rejoin, struct err *err)
{
    struct mono deadline = mono_add(mono_now(), wait_ms(rejoin));

    log_info("waiting for %s to send WAL", rejoin->label);
    while (!leader_sends(rejoin)) {
        if (mono_reached(deadline, mono_now())) {
            (void)err_set(err, -ETIMEDOUT,
                          "this node does not stream from %s within %" PRId64 " s",
                          rejoin->label, wait_ms(rejoin) / 1000);
            err_detail(err, "it was started and goes on trying");
            err_hint(err, "see the log of this server for what the walreceiver was "
                          "told, then execute \"pgrmon cluster show\"");
            return EXIT_CODE_REJOIN;
        }
        (void)usleep(POLL_US);
    }
    return EXIT_CODE_SUCCESS;
}

/* ---- recording ------------------------------------------------------------------ */

static int set_value(const struct rejoin *rejoin,
                     const struct query *query,
                     const char *value,
                     struct err *err)
{
    char id[16];
    const char *params[] = {id, value};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(id, sizeof id, "%d", rejoin->context->config.node_id);
    res = query_run(rejoin->remote, query, params, err);
    return res == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

/* It is an active standby again. Streaming is what counts: a failure is a warning. */
static void record(const struct rejoin *rejoin)
{
    struct err err = ERR_INIT;
    char upstream[16];
    int code;

    (void)snprintf(upstream, sizeof upstream, "%d", rejoin->leader->id);
    code = set_value(rejoin, &query_node_set_upstream, upstream, &err);
    if (code == EXIT_CODE_SUCCESS)
        code = set_value(rejoin, &query_node_set_slot, rejoin->slot, &err);
    if (code == EXIT_CODE_SUCCESS)
        return;
    err_prefix(&err, "could not record this node as a standby");
    err_hint(&err, "execute \"pgrmon standby register --force\"");
    log_err(LOG_LEVEL_WARNING, &err);
}

/* ---- the old directory of a clone ----------------------------------------------- */

/* It is superfluous once its successor streams and what only it had is kept. */
static void settle_old(const struct rejoin *rejoin, bool streams)
{
    const char *old = rejoin->old_directory;
    int rc;

    if (old == NULL)
        return;
    if (rejoin->context->line.keep || rejoin->old_is_needed || !streams) {
        log_notice("the old data directory is kept as \"%s\"", old);
        if (!rejoin->context->line.keep)
            log_hint(LOG_LEVEL_NOTICE,
                     "once this node streams and nothing in it is needed, execute \"rm "
                     "-rf '%s'\"",
                     old);
        return;
    }
    log_info("removing the old data directory \"%s\"", old);
    rc = clone_target_remove(old, true);
    if (rc != 0)
        log_warning("\"%s\" could not be removed completely: %s", old, strerror(-rc));
}

/* ---- all of it ------------------------------------------------------------------ */

int rejoin_finish(struct rejoin *rejoin, struct err *err)
{
    bool wait = !rejoin->context->line.no_wait;
    int code = rejoin_recheck_leader(rejoin, err);

    if (code == EXIT_CODE_SUCCESS)
        code = reopen(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = rejoin_start(rejoin, err);
    if (code == EXIT_CODE_SUCCESS && wait)
        code = await_streaming(rejoin, err);
    settle_old(rejoin, wait && code == EXIT_CODE_SUCCESS);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    record(rejoin);
    return EXIT_CODE_SUCCESS;
}
