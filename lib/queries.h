/* queries.h - every SQL statement that pgrmon runs, and the decoders of their rows.
 *
 * Parameterised, schema-qualified; a test PREPAREs each. DDL lives in sql/ alone. The two
 * kinds of statement that cannot take parameters (ALTER SYSTEM, CREATE ... ) are built by
 * the query_build_* functions with libpq's escaping. */
#ifndef PGRMON_QUERIES_H
#define PGRMON_QUERIES_H

#include <libpq-fe.h>
#include <stdint.h>

#include "core/core.h"
#include "err.h"
#include "node.h"

struct query {
    const char *name;
    const char *text;
    int n_params;
    int min_version; /* PQserverVersion(); 130000 = all */
};

/* The version of schema `pgrmon` that this program reads and writes. */
#define QUERY_SCHEMA_VERSION 1

/* X(name): statements, in the order of queries.c. */
#define QUERY_LIST(X)                                                                  \
    X(schema_version)                                                                  \
    X(nodes)                                                                           \
    X(node_upsert)                                                                     \
    X(node_delete)                                                                     \
    X(node_set_active)                                                                 \
    X(node_set_upstream)                                                               \
    X(node_set_slot)                                                                   \
    X(probe)                                                                           \
    X(server_identity)                                                                 \
    X(server_settings)                                                                 \
    X(database_size)                                                                   \
    X(record_term)                                                                     \
    X(record_promotion)                                                                \
    X(terms)                                                                           \
    X(record_event)                                                                    \
    X(events)                                                                          \
    X(record_state)                                                                    \
    X(states)                                                                          \
    X(record_history)                                                                  \
    X(cleanup_history)                                                                 \
    X(replication_connections)                                                         \
    X(downstreams)                                                                     \
    X(slots)                                                                           \
    X(slot_create)                                                                     \
    X(slot_drop)                                                                       \
    X(node_facts)                                                                      \
    X(archive_facts)                                                                   \
    X(promote)                                                                         \
    X(reload)                                                                          \
    X(checkpoint_needed)                                                               \
    X(setting)

#define QUERY_DECLARE(query_name) extern const struct query query_##query_name;
QUERY_LIST(QUERY_DECLARE)
#undef QUERY_DECLARE

/* All of them, ended by NULL, for the test that prepares each. */
extern const struct query *const query_all[];

/* Run `query` synchronously (CLI only; the session has a statement_timeout). Returns a
 * result to PQclear, or NULL with `err` filled (code -EIO). */
PGresult *query_run(PGconn *conn,
                    const struct query *query,
                    const char *const *params,
                    struct err *err);

/* Decode `nodes` into `ret_set` (freed first). -EINVAL names the bad row; -E2BIG when
 * there are more than CORE_MAX_NODES. */
int query_decode_nodes(const PGresult *res, struct nodeset *ret_set, struct err *err)
    PGRMON_MUST_CHECK;

/* Decode the one row of `probe` run on node `node_id`. -EINVAL when it is not one. */
int query_decode_probe(const PGresult *res,
                       int node_id,
                       struct core_observation *ret_seen,
                       struct err *err) PGRMON_MUST_CHECK;

/* ALTER SYSTEM SET name = 'value' (or RESET with value NULL), escaped with `conn`.
 * Returns heap memory, or NULL when `conn` cannot escape. */
char *query_build_alter_system(PGconn *conn, const char *name, const char *value);

#endif
