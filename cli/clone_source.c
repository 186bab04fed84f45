/* clone_source.c - can the source be copied from: its settings, capacity and size. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clone.h"
#include "conninfo.h"
#include "log.h"
#include "queries.h"
#include "replconn.h"
#include "session.h"

/* pg_basebackup -X stream: one for the files, one for the WAL. */
#define WALSENDERS 2

/* What is needed beside the databases: a few WAL segments. */
#define SPARE_SEGMENTS 4

static void check_wal_level(const struct server *server, struct precheck *list)
{
    const char *level = server_setting(server, "wal_level");

    if (strcmp(level, "minimal") != 0) {
        precheck_add(list, PRECHECK_OK, "parameter \"wal_level\" set to \"%s\"", level);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "\"wal_level\" of the source is \"minimal\"");
    precheck_hint(
        list, "execute \"ALTER SYSTEM SET wal_level = 'replica'\" there and restart "
              "it");
}

static void check_settings(const struct server *server, struct precheck *list)
{
    check_wal_level(server, list);
    if (strcmp(server_setting(server, "hot_standby"), "off") == 0) {
        precheck_add(list, PRECHECK_WARN, "\"hot_standby\" of the source is \"off\"");
        precheck_detail(list,
                        "a standby with this setting accepts no connections: pgrmon "
                        "cannot monitor or promote it");
        precheck_hint(
            list, "execute \"ALTER SYSTEM SET hot_standby = on\" there and reload it");
    } else {
        precheck_add(list, PRECHECK_OK, "parameter \"hot_standby\" set to \"on\"");
    }
    if (strcmp(server_setting(server, "wal_log_hints"), "on") != 0 &&
        strcmp(server_setting(server, "data_checksums"), "on") != 0) {
        precheck_add(list, PRECHECK_WARN,
                     "neither \"wal_log_hints\" nor data checksums are on");
        precheck_detail(list, "pg_rewind cannot be used after a failover");
        precheck_hint(list,
                      "execute \"ALTER SYSTEM SET wal_log_hints = on\" on the primary "
                      "and restart it");
    }
    if (server_setting_int(server, "max_slot_wal_keep_size", 0) == -1) {
        precheck_add(list, PRECHECK_WARN,
                     "\"max_slot_wal_keep_size\" of the source is not limited");
        precheck_detail(list,
                        "a standby that stays away fills the disk of its upstream, "
                        "through its replication slot");
        precheck_hint(
            list, "for example, execute \"ALTER SYSTEM SET max_slot_wal_keep_size = "
                  "'10GB'\" and reload it");
    }
}

static int
check_walsenders(const struct clone *clone, struct precheck *list, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(clone->source, &query_replication_connections, NULL, err);
    int64_t maximum, available;

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    maximum = query_int64(res, 0, 0, 0);
    available = maximum - query_int64(res, 0, 1, 0);
    precheck_add(list, PRECHECK_OK, "parameter \"max_wal_senders\" set to %" PRId64,
                 maximum);
    precheck_add(list, PRECHECK_NOTICE,
                 "checking for available walsenders on the source node (%d required)",
                 WALSENDERS);
    if (available >= WALSENDERS) {
        precheck_add(list, PRECHECK_OK,
                     "sufficient walsenders available on the source node");
        precheck_detail(list, "%d required, %" PRId64 " available", WALSENDERS,
                        available);
        return EXIT_CODE_SUCCESS;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "too few walsenders are available on the source node");
    precheck_detail(list, "%d required, %" PRId64 " available", WALSENDERS, available);
    precheck_hint(list,
                  "execute \"ALTER SYSTEM SET max_wal_senders = %" PRId64
                  "\" there and restart it",
                  maximum + 5);
    return EXIT_CODE_SUCCESS;
}

/* Not whether they should be possible: whether they are. */
static void check_connections(const struct clone *clone, struct precheck *list)
{
    PGconn *conns[WALSENDERS] = {NULL};
    struct err err = ERR_INIT;
    int code = EXIT_CODE_SUCCESS;

    precheck_add(
        list, PRECHECK_NOTICE,
        "checking replication connections can be made to the source server (%d "
        "required)",
        WALSENDERS);
    for (int i = 0; i < WALSENDERS && code == EXIT_CODE_SUCCESS; i++)
        code = replconn_open(clone->replication_conninfo, "the source node",
                             clone->source, &conns[i], &err);
    for (int i = 0; i < WALSENDERS; i++)
        session_close(&conns[i]);
    if (code != EXIT_CODE_SUCCESS) {
        precheck_fail_err(list, code, &err);
        return;
    }
    precheck_add(
        list, PRECHECK_OK,
        "required number of replication connections could be made to the source "
        "server");
    precheck_detail(list, "%d replication connections required", WALSENDERS);
}

static int check_size(struct clone *clone, struct precheck *list, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(clone->source, &query_database_size, NULL, err);
    int64_t segment =
        server_setting_int(&clone->server, "wal_segment_size", INT64_C(16) << 20);
    int64_t bytes;

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    bytes = query_int64(res, 0, 0, 0);
    log_detail(LOG_LEVEL_INFO, "current installation size is %s",
               query_text(res, 0, 1));
    clone_target_check_space(&clone->target, bytes + SPARE_SEGMENTS * segment,
                             clone->context->line.force, list);
    return EXIT_CODE_SUCCESS;
}

/* ---- tablespaces ---------------------------------------------------------------- */

/* Where tablespace_mapping puts `location`; itself when it says nothing. */
static char *mapped(const struct config_list *mapping, const char *location)
{
    size_t length = strlen(location);

    for (size_t i = 0; i < mapping->n; i++)
        if (strncmp(mapping->items[i], location, length) == 0 &&
            mapping->items[i][length] == '=')
            return xstrdup(mapping->items[i] + length + 1);
    return xstrdup(location);
}

static void check_tablespace(struct clone *clone,
                             const char *location,
                             int i,
                             struct precheck *list)
{
    struct clone_target *target = &clone->tablespaces[i];
    char *path = mapped(&clone->context->config.tablespace_mapping, location);
    struct err err = ERR_INIT;

    clone->tablespace_paths[i] = path;
    *target = (struct clone_target){.path = path};
    if (pgdata_inspect(path, &target->info, &err) != 0) {
        precheck_fail_err(list, EXIT_CODE_BAD_CONFIG, &err);
        return;
    }
    target->existed = target->info.kind != PGDATA_ABSENT;
    target->mode = target->info.mode;
    if (target->info.kind == PGDATA_ABSENT || target->info.kind == PGDATA_EMPTY) {
        precheck_add(list, PRECHECK_OK, "tablespace \"%s\" will be in \"%s\"", location,
                     path);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "directory \"%s\" of a tablespace is not empty", path);
    precheck_detail(list, "on the source it is \"%s\"", location);
    precheck_hint(list,
                  "empty it, or set \"tablespace_mapping = '%s=OTHER_DIRECTORY'\"",
                  location);
}

static int
check_tablespaces(struct clone *clone, struct precheck *list, struct err *err)
{
    PGresult *res CLEANUP(query_clear) =
        query_run(clone->source, &query_tablespaces, NULL, err);
    int n;

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    n = PQntuples(res);
    clone->tablespaces = xcalloc((size_t)n + 1, sizeof *clone->tablespaces);
    clone->tablespace_paths = xcalloc((size_t)n + 1, sizeof *clone->tablespace_paths);
    clone->n_tablespaces = n;
    for (int i = 0; i < n; i++)
        check_tablespace(clone, query_text(res, i, 1), i, list);
    return EXIT_CODE_SUCCESS;
}

int clone_check_source(struct clone *clone, struct precheck *list, struct err *err)
{
    int code = check_size(clone, list, err);

    if (code == EXIT_CODE_SUCCESS)
        code = check_tablespaces(clone, list, err);
    if (code == EXIT_CODE_SUCCESS)
        code = check_walsenders(clone, list, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    check_connections(clone, list);
    check_settings(&clone->server, list);
    return EXIT_CODE_SUCCESS;
}
