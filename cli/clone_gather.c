/* clone_gather.c - find source, upstream and target of a clone. See clone.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clone.h"
#include "conninfo.h"
#include "gather.h"
#include "log.h"
#include "programs.h"
#include "queries.h"
#include "replconn.h"
#include "session.h"
#include "slot.h"

void clone_deinit(struct clone *clone)
{
    session_close(&clone->source);
    session_close(&clone->upstream_conn);
    server_deinit(&clone->server);
    nodeset_free(&clone->set);
    free(clone->replication_conninfo);
    free(clone->primary_conninfo);
    free(clone->program);
    free(clone->verify_program);
    clone_target_deinit(&clone->target);
    for (int i = 0; i < clone->n_tablespaces; i++) {
        clone_target_deinit(&clone->tablespaces[i]);
        free(clone->tablespace_paths[i]);
    }
    free(clone->tablespaces);
    free(clone->tablespace_paths);
}

PGconn *clone_upstream(const struct clone *clone)
{
    return clone->upstream_conn != NULL ? clone->upstream_conn : clone->source;
}

/* ---- source --------------------------------------------------------------------- */

static int open_source(struct clone *clone, struct err *err)
{
    const struct cmd_context *context = clone->context;
    char *shown CLEANUP(cleanup_free) = NULL;
    int code;

    if (context->source_conninfo == NULL) {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG,
                      "the server to clone from is not known");
        err_hint(err, "name it with \"-h HOST -U ROLE -d DATABASE\"");
        return EXIT_CODE_BAD_CONFIG;
    }
    shown = conninfo_redact(context->source_conninfo);
    log_info("connecting to source node");
    log_detail(LOG_LEVEL_INFO, "connection string is: %s", shown);
    code =
        session_open(context->source_conninfo, "the source node", &clone->source, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(clone->source, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(clone->source, &clone->set, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(clone->source, &clone->server, err);
    return code;
}

/* ---- members -------------------------------------------------------------------- */

static void check_own_record(const struct clone *clone,
                             const struct gathered *answers,
                             struct precheck *list)
{
    const struct config *config = &clone->context->config;

    for (int i = 0; i < clone->set.n; i++) {
        const struct node_record *record = &clone->set.v[i];
        bool same_id = record->id == config->node_id;
        bool same_name = strcmp(record->name, config->node_name) == 0;

        if (!same_id && !same_name)
            continue;
        if (same_id != same_name) {
            precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                          same_id
                              ? "node id of this node is already used by node \"%s\" "
                                "(ID: %d)"
                              : "node name of this node is already used by node \"%s\" "
                                "(ID: %d)",
                          record->name, record->id);
            precheck_hint(list, "choose another \"%s\" in %s",
                          same_id ? "node_id" : "node_name", config->file);
        } else if (reach_is_alive(answers[i].seen.reach) && !clone->beside) {
            precheck_fail(
                list, EXIT_CODE_BAD_CONFIG,
                "node \"%s\" (ID: %d) is registered and its server is running",
                record->name, record->id);
            precheck_hint(list, "stop it first with \"pg_ctl stop -m fast -D '%s'\"",
                          clone->directory);
        } else {
            precheck_add(
                list, PRECHECK_NOTICE,
                "node \"%s\" (ID: %d) is registered already, and is cloned anew",
                record->name, record->id);
        }
    }
}

static void check_identifiers(const struct clone *clone,
                              const struct gathered *answers,
                              struct precheck *list)
{
    int n = 0;

    for (int i = 0; i < clone->set.n; i++) {
        const struct node_record *record = &clone->set.v[i];

        if (answers[i].seen.reach != REACH_OK)
            continue;
        n++;
        if (answers[i].seen.system_identifier == clone->server.system_identifier)
            continue;
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "node \"%s\" (ID: %d) belongs to another cluster than the source",
                      record->name, record->id);
        precheck_detail(
            list,
            "system identifier is %" PRIu64 " there and %" PRIu64 " on the source",
            answers[i].seen.system_identifier, clone->server.system_identifier);
        precheck_hint(list,
                      "correct its record or unregister it with \"pgrmon standby "
                      "unregister --node-id=%d\"",
                      record->id);
    }
    precheck_add(list, PRECHECK_OK,
                 "system identifier of the source is %" PRIu64 "; %d of %d registered "
                 "nodes answered",
                 clone->server.system_identifier, n, clone->set.n);
}

static void check_members(const struct clone *clone, struct precheck *list)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);

    gather_probe(&clone->set, answers);
    check_own_record(clone, answers, list);
    check_identifiers(clone, answers, list);
}

/* ---- upstream ------------------------------------------------------------------- */

static bool is_source(const struct clone *clone, PGconn *conn)
{
    struct server server;
    const char *here = PQhostaddr(clone->source), *there = PQhostaddr(conn);
    bool same = server_read(conn, &server, NULL) == EXIT_CODE_SUCCESS &&
                server_same(&server, &clone->server) && here != NULL && there != NULL &&
                strcmp(here, there) == 0 &&
                strcmp(PQport(clone->source), PQport(conn)) == 0;

    server_deinit(&server);
    return same;
}

static int choose_upstream(struct clone *clone, struct precheck *list, struct err *err)
{
    int asked = clone->context->line.upstream_node_id;
    int code;

    clone->upstream =
        asked != 0 ? nodeset_find(&clone->set, asked) : nodeset_primary(&clone->set);
    if (clone->upstream == NULL ||
        clone->upstream->id == clone->context->config.node_id) {
        if (clone->upstream != NULL)
            precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                          "node %d cannot be its own upstream", clone->upstream->id);
        else if (asked != 0)
            precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                          "no node with ID %d is registered", asked);
        else
            precheck_fail(list, EXIT_CODE_BAD_CONFIG, "no primary is registered");
        precheck_hint(list,
                      "see \"pgrmon cluster show\", and name the node to stream from "
                      "with \"--upstream-node-id=ID\"");
        clone->upstream = NULL;
        return EXIT_CODE_SUCCESS;
    }
    (void)registration_label(clone->upstream, clone->label);
    code = session_open(clone->upstream->conninfo, clone->label, &clone->upstream_conn,
                        err);
    if (code != EXIT_CODE_SUCCESS) {
        precheck_fail_err(list, code, err);
        *err = (struct err)ERR_INIT;
        return EXIT_CODE_SUCCESS;
    }
    if (is_source(clone, clone->upstream_conn))
        session_close(&clone->upstream_conn);
    precheck_add(list, PRECHECK_NOTICE,
                 "standby will attach to upstream node \"%s\" (ID: %d)",
                 clone->upstream->name, clone->upstream->id);
    return EXIT_CODE_SUCCESS;
}

/* Is one free for the slot that is to be made. */
static int
check_slot_limit(const struct clone *clone, struct precheck *list, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(clone_upstream(clone), &query_replication_connections, NULL, err);
    int64_t maximum, used;

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    maximum = query_int64(res, 0, 2, 0);
    used = query_int64(res, 0, 3, 0);
    if (used < maximum) {
        precheck_add(list, PRECHECK_OK,
                     "replication slots: %" PRId64 " of %" PRId64 " in use", used,
                     maximum);
        return EXIT_CODE_SUCCESS;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "no replication slot is free on %s (\"max_replication_slots\" is "
                  "%" PRId64 ")",
                  clone->label, maximum);
    precheck_hint(list,
                  "execute \"ALTER SYSTEM SET max_replication_slots = %" PRId64
                  "\" there and restart it",
                  maximum + 5);
    return EXIT_CODE_SUCCESS;
}

static int check_slot(struct clone *clone, struct precheck *list, struct err *err)
{
    const struct config *config = &clone->context->config;
    enum slot_state state;
    int code;

    if (!config->use_replication_slots) {
        precheck_add(list, PRECHECK_NOTICE,
                     "no replication slot will be used (use_replication_slots is off)");
        return EXIT_CODE_SUCCESS;
    }
    code = slot_look(clone_upstream(clone),
                     replication_slot_name(config->node_id, clone->slot), &state, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (state == SLOT_ABSENT || state == SLOT_LOST) {
        precheck_add(list, PRECHECK_OK, "replication slot \"%s\" will be created on %s",
                     clone->slot, clone->label);
        return state == SLOT_ABSENT ? check_slot_limit(clone, list, err)
                                    : EXIT_CODE_SUCCESS;
    }
    if (state == SLOT_FREE) {
        precheck_add(list, PRECHECK_OK,
                     "replication slot \"%s\" is there already on %s", clone->slot,
                     clone->label);
    } else {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "replication slot \"%s\" on %s is %s",
                      clone->slot, clone->label,
                      state == SLOT_ACTIVE ? "in use" : "a logical one");
        precheck_detail(list, "another server with node id %d may be running",
                        config->node_id);
        precheck_hint(list, "stop that server, or choose another \"node_id\" in %s",
                      config->file);
    }
    return EXIT_CODE_SUCCESS;
}

static int build_conninfos(struct clone *clone, struct err *err)
{
    const struct cmd_context *context = clone->context;

    clone->replication_user = context->line.replication_user != NULL
                                  ? context->line.replication_user
                                  : context->config.replication_user;
    if (replication_client_conninfo(&clone->replication_conninfo, &context->config,
                                    context->source_conninfo, clone->replication_user,
                                    err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    if (clone->upstream != NULL &&
        replication_primary_conninfo(&clone->primary_conninfo, &context->config,
                                     clone->upstream->conninfo, clone->replication_user,
                                     err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    return EXIT_CODE_SUCCESS;
}

/* ---- programs ------------------------------------------------------------------- */

static char *
need_program(const struct clone *clone, const char *name, struct precheck *list)
{
    int server = server_major(clone->server.version_num);
    char *path = programs_find(&clone->context->config, name, server);
    int version;

    if (path == NULL) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "program \"%s\" was not found", name);
        precheck_hint(list, "install PostgreSQL %d on this host, or set \"pg_bindir\"",
                      server);
        return NULL;
    }
    version = programs_version(path);
    if (version == server) {
        precheck_add(list, PRECHECK_OK,
                     "program \"%s\" has the version of the source, %d", path, version);
        return path;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "program \"%s\" has another version than the source", path);
    precheck_detail(list, "version %d here, PostgreSQL %d there", version, server);
    precheck_hint(list,
                  "install PostgreSQL %d on this host, and set \"pg_bindir\" to where "
                  "its programs are",
                  server);
    return path;
}

static void check_programs(struct clone *clone, struct precheck *list)
{
    clone->program = need_program(clone, "pg_basebackup", list);
    if (clone->context->line.verify_backup)
        clone->verify_program = need_program(clone, "pg_verifybackup", list);
}

/* ---- target --------------------------------------------------------------------- */

/* An existing copy that gets its settings only. */
static void check_existing_copy(struct clone *clone, struct precheck *list)
{
    struct err err = ERR_INIT;
    struct pgdata_info *info = &clone->target.info;

    clone->target.path = clone->directory;
    if (pgdata_inspect(clone->directory, info, &err) != 0) {
        precheck_fail_err(list, EXIT_CODE_BAD_CONFIG, &err);
    } else if (info->kind != PGDATA_SERVER) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" is no data directory", clone->directory);
        precheck_hint(list, "leave \"--replication-conf-only\" away to make a copy");
    } else if (info->system_identifier != clone->server.system_identifier) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "directory \"%s\" belongs to another cluster", clone->directory);
        precheck_detail(list,
                        "its system identifier is %" PRIu64
                        ", that of the source is %" PRIu64,
                        info->system_identifier, clone->server.system_identifier);
        precheck_hint(list,
                      "move it away and make a copy with \"pgrmon standby clone\"");
    } else if (pgdata_in_use(clone->directory, NULL) != PGDATA_IDLE) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "a PostgreSQL server is running in directory \"%s\"",
                      clone->directory);
        precheck_hint(list,
                      "stop it with \"pg_ctl stop -m fast -D '%s'\"; a running standby "
                      "is pointed elsewhere by \"pgrmon standby follow\"",
                      clone->directory);
    } else {
        precheck_add(list, PRECHECK_OK, "directory \"%s\" holds a copy of this cluster",
                     clone->directory);
    }
}

/* -D wins over the setting, but every later command goes by the setting. */
static void check_configured(const struct clone *clone, struct precheck *list)
{
    const struct config *config = &clone->context->config;

    if (config->data_directory[0] == '\0' || clone->beside ||
        strcmp(config->data_directory, clone->directory) == 0)
        return;
    precheck_add(list, PRECHECK_WARN,
                 "setting \"data_directory\" is another directory, \"%s\"",
                 config->data_directory);
    precheck_hint(list, "set \"data_directory = '%s'\" in %s", clone->directory,
                  config->file);
}

int clone_gather(struct clone *clone, struct precheck *list, struct err *err)
{
    const struct cmd_line *line = &clone->context->line;
    int code;

    clone->directory =
        line->pgdata != NULL ? line->pgdata : clone->context->config.data_directory;
    if (clone->directory[0] == '\0') {
        (void)err_set(err, EXIT_CODE_BAD_CONFIG, "no data directory was given");
        err_hint(err, "set \"data_directory\", or give one with \"-D DIRECTORY\"");
        return EXIT_CODE_BAD_CONFIG;
    }
    log_notice("destination directory \"%s\" provided", clone->directory);
    code = open_source(clone, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (line->replication_conf_only)
        check_existing_copy(clone, list);
    else
        clone_target_check(&clone->target, clone->directory,
                           clone->server.system_identifier, line->force, list);
    check_configured(clone, list);
    server_check_version(&clone->server, list);
    check_members(clone, list);
    code = choose_upstream(clone, list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = build_conninfos(clone, err);
    if (code == EXIT_CODE_SUCCESS && clone->upstream != NULL && list->n_failed == 0)
        code = check_slot(clone, list, err);
    if (code != EXIT_CODE_SUCCESS || line->replication_conf_only)
        return code;
    check_programs(clone, list);
    return clone_check_source(clone, list, err);
}
