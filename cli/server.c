/* server.c - see server.h. */
#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "pgdata.h"
#include "queries.h"

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

int server_read(PGconn *conn, struct server *ret, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = NULL;

    *ret = (struct server){0};
    res = query_run(conn, &query_server_identity, NULL, err);
    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    ret->version_num = (int)query_int64(res, 0, 0, 0);
    copy(ret->version, sizeof ret->version, query_text(res, 0, 1));
    /* Unsigned in the control file, bigint in SQL. */
    ret->system_identifier = (uint64_t)query_int64(res, 0, 2, 0);
    copy(ret->data_directory, sizeof ret->data_directory, query_text(res, 0, 3));
    ret->in_recovery = query_bool(res, 0, 4);
    ret->timeline = (int)query_int64(res, 0, 5, 0);
    copy(ret->started_at, sizeof ret->started_at, query_text(res, 0, 7));
    copy(ret->user, sizeof ret->user, query_text(res, 0, 8));
    ret->settings = query_run(conn, &query_server_settings, NULL, err);
    return ret->settings == NULL ? EXIT_CODE_DB_QUERY : EXIT_CODE_SUCCESS;
}

void server_deinit(struct server *server)
{
    PQclear(server->settings);
    server->settings = NULL;
}

const char *server_setting(const struct server *server, const char *name)
{
    const char *value =
        query_text(server->settings, query_row_named(server->settings, name), 1);

    return value != NULL ? value : "";
}

int64_t
server_setting_int(const struct server *server, const char *name, int64_t otherwise)
{
    return query_int64(server->settings, query_row_named(server->settings, name), 1,
                       otherwise);
}

bool server_same(const struct server *a, const struct server *b)
{
    return a->system_identifier == b->system_identifier &&
           a->in_recovery == b->in_recovery &&
           strcmp(a->started_at, b->started_at) == 0 &&
           strcmp(a->data_directory, b->data_directory) == 0 &&
           strcmp(server_setting(a, "port"), server_setting(b, "port")) == 0;
}

int server_major(int version_num)
{
    return version_num / 10000;
}

void server_check_version(const struct server *server, struct precheck *list)
{
    if (server->version_num < SERVER_VERSION_MIN) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "PostgreSQL %s is not supported",
                      server->version);
        precheck_detail(list, "pgrmon works with PostgreSQL %d to %d",
                        server_major(SERVER_VERSION_MIN),
                        server_major(SERVER_VERSION_TESTED) - 1);
        precheck_hint(list, "upgrade the server with \"pg_upgrade\"");
    } else if (server->version_num >= SERVER_VERSION_TESTED) {
        precheck_add(list, PRECHECK_WARN, "PostgreSQL %s is newer than this pgrmon",
                     server->version);
        precheck_detail(list, "it was tested with versions up to %d",
                        server_major(SERVER_VERSION_TESTED) - 1);
    } else {
        precheck_add(list, PRECHECK_OK, "server version is PostgreSQL %s",
                     server->version);
    }
}

static bool same_path(const char *a, const char *b)
{
    struct stat sa, sb;

    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* The directory is where the server says; is it really that server's. */
static void check_content(const struct server *server,
                          const struct config *config,
                          struct precheck *list)
{
    struct pgdata_info info;
    struct err err = ERR_INIT;

    if (pgdata_inspect(config->data_directory, &info, &err) != 0 ||
        info.kind != PGDATA_SERVER) {
        precheck_add(list, PRECHECK_WARN,
                     "data directory \"%s\" cannot be looked at from here",
                     config->data_directory);
        precheck_detail(list, "%s",
                        err.text[0] != '\0' ? err.text
                                            : "it is no data directory on this host");
        precheck_hint(list,
                      "run pgrmon on the host of the server, as the user that runs it");
        return;
    }
    if (info.system_identifier == server->system_identifier) {
        precheck_add(list, PRECHECK_OK, "data directory \"%s\" is that of the server",
                     config->data_directory);
        return;
    }
    precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                  "data directory \"%s\" belongs to another cluster",
                  config->data_directory);
    precheck_detail(
        list, "its system identifier is %" PRIu64 ", that of the server is %" PRIu64,
        info.system_identifier, server->system_identifier);
    precheck_hint(list, "correct \"conninfo\" or \"data_directory\" in %s",
                  config->file[0] != '\0' ? config->file : "the environment");
}

void server_check_data_directory(const struct server *server,
                                 const struct config *config,
                                 struct precheck *list)
{
    if (server->data_directory[0] == '\0') {
        precheck_add(list, PRECHECK_WARN,
                     "role \"%s\" may not see the server's data directory",
                     server->user);
        precheck_hint(list, "execute \"GRANT pg_monitor TO %s\" on the primary",
                      server->user);
        check_content(server, config, list);
    } else if (!same_path(server->data_directory, config->data_directory)) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "setting \"data_directory\" is not the server's data directory");
        precheck_detail(list,
                        "configured is \"%s\", the server at \"conninfo\" uses \"%s\"",
                        config->data_directory, server->data_directory);
        precheck_hint(list, "set \"data_directory = '%s'\" in %s",
                      server->data_directory,
                      config->file[0] != '\0' ? config->file : "the environment");
    } else {
        check_content(server, config, list);
    }
}
