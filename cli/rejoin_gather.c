/* rejoin_gather.c - own data directory and server, and how they compare with the
 * leader's. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "mono.h"
#include "pgstart.h"
#include "proc.h"
#include "programs.h"
#include "queries.h"
#include "rejoin_run.h"
#include "replconn.h"
#include "session.h"
#include "slot.h"

#define POLL_US 20000

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void rejoin_deinit(struct rejoin *rejoin)
{
    session_close(&rejoin->local);
    session_close(&rejoin->remote);
    server_deinit(&rejoin->server);
    nodeset_free(&rejoin->set);
    if (rejoin->has_state)
        state_free(&rejoin->state);
    free(rejoin->answers);
    free(rejoin->config_file);
    free(rejoin->pg_ctl);
    free(rejoin->private_socket);
    free(rejoin->history);
    free(rejoin->own_rows);
    free(rejoin->leader_rows);
    free(rejoin->kept);
    free(rejoin->old_directory);
    close_fd(rejoin->lock_fd);
    close_fd(rejoin->state_fd);
}

/* ---- own data directory and server ---------------------------------------------- */

static bool is_stopped(pid_t pid)
{
    struct proc proc;

    return proc_read(pid, &proc) && proc_is_stopped(&proc);
}

/* How own PostgreSQL stands. A session to it, when it runs. */
static int look_at_server(struct rejoin *rejoin, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    pid_t pid = 0;
    enum pgdata_use use = pgdata_in_use(rejoin->directory, &pid);
    PGresult *res CLEANUP(query_clear) = NULL;
    int code;

    rejoin->facts.server = REJOIN_SERVER_STOPPED;
    if (use == PGDATA_IDLE)
        return EXIT_CODE_SUCCESS;
    rejoin->facts.server = REJOIN_SERVER_STUCK;
    if (use == PGDATA_ORPHANS || is_stopped(pid))
        return EXIT_CODE_SUCCESS;
    rejoin->was_running = true;
    (void)pgstart_log_of(pid, rejoin->log, sizeof rejoin->log);
    code = session_open(config->conninfo, "the local node", &rejoin->local, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    res = query_run(rejoin->local, &query_in_recovery, NULL, err);
    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    rejoin->facts.server =
        query_bool(res, 0, 0) ? REJOIN_SERVER_READ_ONLY : REJOIN_SERVER_WRITABLE;
    return EXIT_CODE_SUCCESS;
}

static int
gather_directory(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    const struct config *config = &rejoin->context->config;

    rejoin->directory = config->data_directory;
    if (pgdata_inspect(rejoin->directory, &rejoin->info, err) != 0) {
        err_hint(err, "run pgrmon as the user that runs PostgreSQL");
        return EXIT_CODE_BAD_CONFIG;
    }
    rejoin->marked = rejoin_is_marked(rejoin->directory);
    if (rejoin->info.kind != PGDATA_SERVER) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "\"%s\" is no data directory",
                      rejoin->directory);
        precheck_hint(list, "make this node a new standby: \"pgrmon standby clone\"");
    } else if (!programs_is_owner(rejoin->directory)) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" belongs to another user", rejoin->directory);
        precheck_hint(list, "run pgrmon as the user that runs PostgreSQL");
    } else {
        return look_at_server(rejoin, err);
    }
    return EXIT_CODE_SUCCESS;
}

static void gather_start(struct rejoin *rejoin)
{
    const struct config *config = &rejoin->context->config;

    rejoin->config_file = pgstart_debian_config(config);
    rejoin->pg_ctl = programs_find(config, "pg_ctl", rejoin->info.major_version);
}

/* ---- own promise ---------------------------------------------------------------- */

static void gather_state(struct rejoin *rejoin)
{
    const struct config *config = &rejoin->context->config;
    int fd = -1, r;

    rejoin->has_state =
        state_load(config->state_directory, config->node_id,
                   rejoin->info.system_identifier, &rejoin->state, NULL) == 0;
    r = state_lock(config->state_directory, &fd, NULL);
    rejoin->daemon_runs = r == STATE_E_LOCKED;
    if (r == 0)
        close_fd(fd);
}

/* ---- nodes ---------------------------------------------------------------------- */

/* From -d, else own server, else what the daemon knew last. */
static int gather_nodes(struct rejoin *rejoin, struct err *err)
{
    struct cmd_context *context = rejoin->context;
    PGconn *conn CLEANUP(session_close) = NULL;
    int code;

    if (context->source_conninfo != NULL) {
        code = session_open(context->source_conninfo, "the node that was named", &conn,
                            err);
        if (code == EXIT_CODE_SUCCESS)
            code = session_check_schema(conn, err);
        return code == EXIT_CODE_SUCCESS ? session_nodes(conn, &rejoin->set, err)
                                         : code;
    }
    if (rejoin->has_state && rejoin->state.nodes.n > 0) {
        nodeset_copy(&rejoin->set, &rejoin->state.nodes);
        return EXIT_CODE_SUCCESS;
    }
    if (rejoin->local != NULL)
        return session_nodes(rejoin->local, &rejoin->set, err);
    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "no other node of the cluster is known");
    err_detail(err, "PostgreSQL of this node is stopped, and there is no valid state "
                    "file");
    err_hint(err, "name any other node with \"-h HOST -U ROLE -d DATABASE\"");
    return EXIT_CODE_BAD_CONFIG;
}

/* ---- the leader's server -------------------------------------------------------- */

static int read_rights(struct rejoin *rejoin, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(rejoin->remote, &query_role_facts, NULL, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    rejoin->may_checkpoint = query_bool(res, 0, 5);
    rejoin->facts.may_rewind = query_bool(res, 0, 6);
    return EXIT_CODE_SUCCESS;
}

/* Over the very connection that the walreceiver will need. */
static int read_end(struct rejoin *rejoin, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    char *conninfo CLEANUP(cleanup_free) = NULL;
    PGconn *conn CLEANUP(session_close) = NULL;
    int code;

    if (replication_client_conninfo(&conninfo, config, rejoin->leader->conninfo,
                                    config->replication_user, err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    code = replconn_open(conninfo, rejoin->label, rejoin->remote, &conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = replconn_identify(conn, &rejoin->end, err);
    if (code == EXIT_CODE_SUCCESS)
        code = replconn_history(conn, rejoin->end.timeline, &rejoin->history, err);
    return code;
}

static int check_slot(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    const struct config *config = &rejoin->context->config;
    enum slot_state state;
    int code;

    if (!config->use_replication_slots)
        return EXIT_CODE_SUCCESS;
    code = slot_look(rejoin->remote,
                     replication_slot_name(config->node_id, rejoin->slot), &state, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (state == SLOT_LOGICAL) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "slot \"%s\" on %s is a logical one",
                      rejoin->slot, rejoin->label);
        precheck_hint(list, "drop it there: \"SELECT pg_drop_replication_slot('%s')\"",
                      rejoin->slot);
    } else {
        precheck_add(list, PRECHECK_OK,
                     state == SLOT_ABSENT ? "replication slot \"%s\" will be created"
                                          : "replication slot \"%s\" is there already",
                     rejoin->slot);
    }
    return EXIT_CODE_SUCCESS;
}

static bool is_on(const struct rejoin *rejoin, const char *name)
{
    return strcmp(server_setting(&rejoin->server, name), "on") == 0;
}

/* ---- what a rewind left --------------------------------------------------------- */

static enum rejoin_left judge_left(struct rejoin *rejoin)
{
    const struct config *config = &rejoin->context->config;
    enum pgdata_control_state state;

    rejoin->has_record =
        rejoin_record_read(config->state_directory, &rejoin->record) == 0;
    if (!rejoin->marked)
        return REJOIN_LEFT_NOTHING;
    if (!rejoin->has_record || !rejoin_record_is_of_this_boot(&rejoin->record) ||
        rejoin->record.leader_id != rejoin->leader->id ||
        rejoin->record.term != rejoin->term ||
        access(rejoin->record.kept, R_OK | X_OK) != 0 ||
        pgdata_control_state(rejoin->directory, &state, NULL) != 0)
        return REJOIN_LEFT_BROKEN;
    /* pg_rewind writes pg_control last. */
    if (state == PGDATA_CONTROL_IN_ARCHIVE_RECOVERY)
        return REJOIN_LEFT_REWOUND;
    return state == PGDATA_CONTROL_SHUT_DOWN ||
                   state == PGDATA_CONTROL_SHUT_DOWN_IN_RECOVERY
               ? REJOIN_LEFT_REPEATABLE
               : REJOIN_LEFT_BROKEN;
}

static bool already_streams(const struct rejoin *rejoin)
{
    const struct gathered *own = &rejoin->answers[rejoin->self - rejoin->set.v];
    const struct gathered *leader = &rejoin->answers[rejoin->leader - rejoin->set.v];

    return own->seen.reach == REACH_OK && own->seen.receiver_streaming &&
           gathered_has_downstream(leader, rejoin->self->name);
}

static int gather_leader(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    int code = rejoin_find_leader(rejoin, list, err);

    if (code != EXIT_CODE_SUCCESS || list->n_failed > 0)
        return code;
    code = read_rights(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = read_end(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = check_slot(rejoin, list, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    server_check_version(&rejoin->server, list);
    rejoin->facts.same_system =
        rejoin->server.system_identifier == rejoin->info.system_identifier;
    rejoin->facts.same_major =
        server_major(rejoin->server.version_num) == rejoin->info.major_version;
    rejoin->facts.hints =
        is_on(rejoin, "wal_log_hints") || is_on(rejoin, "data_checksums");
    rejoin->facts.streams = already_streams(rejoin);
    rejoin->facts.left = judge_left(rejoin);
    if (!is_on(rejoin, "full_page_writes") && !rejoin->wish.clone) {
        precheck_add(list, PRECHECK_WARN, "\"full_page_writes\" of %s is off",
                     rejoin->label);
        precheck_detail(list, "a rewind needs it");
        rejoin->facts.hints = false;
    }
    return EXIT_CODE_SUCCESS;
}

int rejoin_gather(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    int code = gather_directory(rejoin, list, err);

    if (code != EXIT_CODE_SUCCESS || list->n_failed > 0)
        return code;
    gather_start(rejoin);
    gather_state(rejoin);
    code = gather_nodes(rejoin, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    return gather_leader(rejoin, list, err);
}

/* ---- comparing ------------------------------------------------------------------ */

/* The caller frees `*ret`. No schema is no rows. */
static int read_rows(PGconn *conn,
                     struct termlist *list,
                     struct termlist_row **ret,
                     struct err *err)
{
    char sqlstate[6];
    PGresult *res CLEANUP(query_clear) =
        query_run_state(conn, &query_term_rows, NULL, sqlstate, err);

    *list = (struct termlist){0, NULL};
    *ret = NULL;
    if (res == NULL && strcmp(sqlstate, "42P01") != 0)
        return EXIT_CODE_DB_QUERY;
    if (res == NULL) {
        *err = (struct err)ERR_INIT;
        return EXIT_CODE_SUCCESS;
    }
    *list = query_decode_term_rows(res, ret);
    return EXIT_CODE_SUCCESS;
}

/* The startup process waits for more WAL: nothing is left to replay. */
static bool waits_for_wal(const PGresult *state)
{
    const char *wait = query_text(state, 0, 5);

    return wait != NULL && (strcmp(wait, "RecoveryWalStream") == 0 ||
                            strcmp(wait, "RecoveryRetrieveRetryInterval") == 0);
}

/* What it had replayed is not all that it has (postgres-facts 3). */
static int await_replay(const struct rejoin *rejoin, struct err *err)
{
    int64_t patience_ms = rejoin->context->config.startup_patience_ms;
    struct mono deadline = mono_add(mono_now(), patience_ms);

    for (;;) {
        PGresult *res CLEANUP(query_clear) =
            query_run(rejoin->local, &query_revoke_state, NULL, err);

        if (res == NULL)
            return EXIT_CODE_DB_QUERY;
        if (waits_for_wal(res))
            return EXIT_CODE_SUCCESS;
        if (mono_reached(deadline, mono_now())) {
            (void)err_set(err, -ETIMEDOUT,
                          "PostgreSQL has not replayed its WAL within %" PRId64 " s",
                          patience_ms / 1000);
            err_hint(err, "see its log; end readers that block replay, or execute "
                          "\"SELECT pg_wal_replay_resume()\"");
            return EXIT_CODE_REJOIN;
        }
        (void)usleep(POLL_US);
    }
}

static int read_position(struct rejoin *rejoin, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(rejoin->local, &query_wal_end, NULL, err);

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    rejoin->facts.self.timeline = (int)query_int64(res, 0, 1, 0);
    rejoin->facts.self.position = query_lsn(res, 0, 2);
    return EXIT_CODE_SUCCESS;
}

/* Own WAL must have been written with hints, too. */
static int read_own_settings(struct rejoin *rejoin, struct err *err)
{
    struct server own;
    int code = server_read(rejoin->local, &own, err);

    if (code == EXIT_CODE_SUCCESS &&
        strcmp(server_setting(&own, "wal_log_hints"), "on") != 0 &&
        strcmp(server_setting(&own, "data_checksums"), "on") != 0)
        rejoin->facts.hints = false;
    server_deinit(&own);
    return code;
}

static void judge_attach(struct rejoin *rejoin)
{
    struct replication_end here = {rejoin->info.system_identifier,
                                   rejoin->facts.self.timeline,
                                   rejoin->facts.self.position};

    rejoin->facts.attach =
        replication_can_attach(&here, &rejoin->end, rejoin->history, &rejoin->fork);
}

/* Own rows first, then own position, then the leader's rows, which only grow. */
int rejoin_compare(struct rejoin *rejoin, struct err *err)
{
    int code = EXIT_CODE_SUCCESS;

    if (!rejoin->facts.streams)
        code = await_replay(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code =
            read_rows(rejoin->local, &rejoin->facts.self.rows, &rejoin->own_rows, err);
    if (code == EXIT_CODE_SUCCESS)
        code = read_position(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code = read_own_settings(rejoin, err);
    if (code == EXIT_CODE_SUCCESS)
        code =
            read_rows(rejoin->remote, &rejoin->facts.leader, &rejoin->leader_rows, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    judge_attach(rejoin);
    rejoin->facts.known = true;
    return EXIT_CODE_SUCCESS;
}
