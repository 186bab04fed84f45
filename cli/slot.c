/* slot.c - see slot.h. */
#include "slot.h"

#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "mono.h"
#include "queries.h"
#include "session.h"

#define POLL_US 50000

int slot_look(PGconn *conn, const char *name, enum slot_state *ret, struct err *err)
{
    const char *params[] = {name};
    PGresult *res CLEANUP(query_clear) = query_run(conn, &query_slots, params, err);
    const char *type, *status;

    if (res == NULL)
        return EXIT_CODE_DB_QUERY;
    *ret = SLOT_ABSENT;
    if (PQntuples(res) == 0)
        return EXIT_CODE_SUCCESS;
    type = query_text(res, 0, 1);
    status = query_text(res, 0, 6);
    if (type != NULL && strcmp(type, "physical") != 0)
        *ret = SLOT_LOGICAL;
    else if (query_bool(res, 0, 2))
        *ret = SLOT_ACTIVE;
    else if (status != NULL && strcmp(status, "lost") == 0)
        *ret = SLOT_LOST;
    else
        *ret = SLOT_FREE;
    return EXIT_CODE_SUCCESS;
}

static int create(PGconn *conn, const char *name, struct err *err)
{
    const char *params[] = {name};
    char sqlstate[6];
    PGresult *res CLEANUP(query_clear) =
        query_run_state(conn, &query_slot_create, params, sqlstate, err);

    if (res != NULL)
        return EXIT_CODE_SUCCESS;
    err_prefix(err, "could not create replication slot \"%s\"", name);
    if (strcmp(sqlstate, "53400") == 0)
        err_hint(err, "raise \"max_replication_slots\" there and restart it");
    else if (strcmp(sqlstate, "42501") == 0)
        err_hint(err, "execute \"ALTER ROLE %s REPLICATION\" on the primary",
                 PQuser(conn));
    return EXIT_CODE_DB_QUERY;
}

int slot_create(PGconn *conn, const char *name, bool *ret_created, struct err *err)
{
    enum slot_state state;
    int code = slot_look(conn, name, &state, err);

    *ret_created = false;
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (state == SLOT_LOST) {
        code = slot_drop(conn, name, 0, err);
        if (code != EXIT_CODE_SUCCESS)
            return code;
        state = SLOT_ABSENT;
    }
    if (state != SLOT_ABSENT)
        return EXIT_CODE_SUCCESS;
    code = create(conn, name, err);
    *ret_created = code == EXIT_CODE_SUCCESS;
    return code;
}

int slot_drop(PGconn *conn, const char *name, int64_t wait_ms, struct err *err)
{
    const char *params[] = {name};
    struct mono deadline = mono_add(mono_now(), wait_ms);
    char sqlstate[6];

    for (;;) {
        PGresult *res CLEANUP(query_clear) =
            query_run_state(conn, &query_slot_drop, params, sqlstate, err);

        if (res != NULL || strcmp(sqlstate, "42704") == 0) {
            if (err != NULL)
                *err = (struct err)ERR_INIT;
            return EXIT_CODE_SUCCESS;
        }
        if (strcmp(sqlstate, "55006") != 0 || mono_reached(deadline, mono_now()))
            break;
        (void)usleep(POLL_US);
    }
    err_prefix(err, "could not drop replication slot \"%s\"", name);
    return EXIT_CODE_DB_QUERY;
}

void slot_drop_on(const struct node_record *upstream, const char *name, int64_t wait_ms)
{
    PGconn *conn CLEANUP(session_close) = NULL;
    struct err err = ERR_INIT;
    int code = session_open(upstream->conninfo, "its upstream node", &conn, &err);

    if (code == EXIT_CODE_SUCCESS)
        code = slot_drop(conn, name, wait_ms, &err);
    if (code == EXIT_CODE_SUCCESS) {
        log_debug("replication slot \"%s\" on node \"%s\" (ID: %d) is gone", name,
                  upstream->name, upstream->id);
        return;
    }
    log_warning("replication slot \"%s\" may be left on node \"%s\" (ID: %d)", name,
                upstream->name, upstream->id);
    log_detail(LOG_LEVEL_WARNING, "%s\n%s", err.text, err.detail);
    log_hint(LOG_LEVEL_WARNING,
             "as it keeps WAL, drop it when it is not used: \"SELECT "
             "pg_drop_replication_slot('%s')\" on node \"%s\"",
             name, upstream->name);
}
