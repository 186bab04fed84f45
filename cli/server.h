/* server.h - what the setup commands need to know of one server, read once. */
#ifndef PGRMON_SERVER_H
#define PGRMON_SERVER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "lsn.h"
#include "precheck.h"

/* Supported PostgreSQL majors; newer ones are a warning. */
#define SERVER_VERSION_MIN    130000
#define SERVER_VERSION_TESTED 190000

struct server {
    int version_num;  /* 150020 */
    char version[64]; /* "15.20 (Debian ...)" */
    uint64_t system_identifier;
    char data_directory[1024]; /* "" when the role may not see it */
    bool in_recovery;
    int timeline;
    char started_at[32];
    char user[64];
    PGresult *settings; /* rows of query_server_settings; owned */
};

/* Read identity and settings through `conn`. Returns an exit code. Release with
 * server_deinit() whatever is returned. */
int server_read(PGconn *conn, struct server *ret, struct err *err) PGRMON_MUST_CHECK;
void server_deinit(struct server *server);

/* A setting as the server spells it, "" when it is not known. */
const char *server_setting(const struct server *server, const char *name);

/* A setting as a number, `otherwise` when it is not known. */
int64_t
server_setting_int(const struct server *server, const char *name, int64_t otherwise);

/* True when both results describe one running server. */
bool server_same(const struct server *a, const struct server *b);

/* Append: is this version supported. */
void server_check_version(const struct server *server, struct precheck *list);

/* Append: is data_directory of the configuration that of this server, here on this
 * host. A directory of another cluster is a failure; one that cannot be looked at from
 * here is a warning. */
void server_check_data_directory(const struct server *server,
                                 const struct config *config,
                                 struct precheck *list);

/* "15" of 150020, "9.6" never. */
int server_major(int version_num);

#endif
