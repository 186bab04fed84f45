/* pgconn.h - one asynchronous PostgreSQL session on a libev loop.
 *
 * The only user of libpq's asynchronous interface (manual section 34.4); the daemon
 * holds its sessions through it, and the CLI contacts all nodes in parallel through it.
 * Nothing here blocks: host names are resolved by lib/resolve.c, every step has a
 * deadline of ours, and what arrives late is thrown away.
 *
 * A session is in one of: closed, connecting, idle, busy. A callback is called exactly
 * once for each accepted request, from the loop, never from inside the call that made
 * it. A callback may start the next request or free the session.
 *
 * Names resolve by /etc/hosts and DNS only. Kerberos (gssencmode, krbsrvname) and
 * service files with ldap:// lines make libpq itself ask servers and block; pgrmon
 * switches gssencmode off unless the conninfo or PGGSSENCMODE sets it. */
#ifndef PGRMON_PGCONN_H
#define PGRMON_PGCONN_H

#include <ev.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/reach.h"
#include "err.h"

struct pgconn;
struct resolve; /* resolve.h: the asynchronous resolver shared by a loop's sessions */

/* How a session identifies and protects itself. */
struct pgconn_options {
    const char *application_name; /* <= 63 bytes, printable ASCII; NULL: "pgrmon" */
    int64_t statement_timeout_ms; /* server side; 0 = none */
    bool replication;    /* replication=database, for IDENTIFY_SYSTEM and co. */
    bool verbose_errors; /* keep the server's message text, not only SQLSTATE */
};

/* The end of a connect or query. Valid only during the callback. */
struct pgconn_answer {
    /* REACH_OK: `result` is there (NULL after a connect). REACH_UNKNOWN: we ran out of
     * descriptors or memory ourselves and learnt nothing. */
    enum reach reach;
    PGresult *result;     /* owned by pgconn, cleared after the callback */
    const char *sqlstate; /* "57P03", or "" where the failure has none */
    const char *message;  /* one line or several, passwords removed; "" on success */
};

typedef void
pgconn_cb(struct pgconn *conn, void *arg, const struct pgconn_answer *answer);

/* A NOTIFY has come. The callback must not close or free the session. */
typedef void pgconn_notify_cb(void *arg, const char *channel, const char *payload);

/* A closed session. `loop` and `resolve` must outlive it. Never NULL. */
struct pgconn *pgconn_new(struct ev_loop *loop, struct resolve *resolve);

/* Close at once and release; a pending callback is not called any more. NULL is fine.
 */
void pgconn_free(struct pgconn *conn);

/* Start connecting a closed session. `conninfo` is libpq's. Several hosts and addresses
 * are tried in turn, each with its share of the deadline; the first that lets us in or
 * rejects us ends the search, else the failure that tells most is reported. What is
 * added: keepalives and tcp_user_timeout on both ends (postgres-facts 18; the user's
 * own win on our end), our own statement_timeout, lock_timeout, search_path and
 * synchronous_commit = local, so that the role's or the user's settings cannot hurt us;
 * then one setup query for what exists only in newer servers (idle_session_timeout).
 * `deadline_ms` bounds the whole, name lookup included. A host name that cannot be
 * resolved is REACH_UNUSABLE, never a sign about the server; when no name server
 * answers, the address it last had is used. */
void pgconn_connect(struct pgconn *conn,
                    const char *conninfo,
                    const struct pgconn_options *options,
                    int64_t deadline_ms,
                    pgconn_cb *cb,
                    void *arg);

/* Run one statement on an idle session, text format. `params` may be NULL when n_params
 * is 0. A failed statement (REACH_FAILED) leaves the session idle. A passed deadline
 * (REACH_SILENT) closes it, and the server then ends the statement within a second
 * (PostgreSQL 14 and later) or at statement_timeout: PQcancel() would block. A session
 * that is lost meanwhile is closed too: REACH_REFUSED when the server ended it
 * (SQLSTATE 57P01 and so on, if it said so), REACH_SILENT when the network did. What
 * that says about the server, only a new connection can tell. On a session that was
 * lost before the call the answer is REACH_REFUSED. */
void pgconn_query(struct pgconn *conn,
                  const char *sql,
                  int n_params,
                  const char *const *params,
                  int64_t deadline_ms,
                  pgconn_cb *cb,
                  void *arg);

/* Tell when an idle session is lost (end of file; 57P01 as a notice proves nothing,
 * postgres-facts 11). Called at most once per connection, with the session closed.
 * `reach` as for a session lost during a query. */
void pgconn_on_loss(struct pgconn *conn, pgconn_cb *cb, void *arg);

/* Tell of NOTIFY messages; LISTEN is the caller's statement, after each connect. */
void pgconn_on_notify(struct pgconn *conn, pgconn_notify_cb *cb, void *arg);

/* Close; a pending callback is not called. The session can connect again. */
void pgconn_close(struct pgconn *conn);

/* Ready for a query; closed and ready to connect. Neither while a request is pending.
 */
bool pgconn_is_idle(const struct pgconn *conn);
bool pgconn_is_closed(const struct pgconn *conn);

/* True when a pooler stands between us and the server (postgres-facts 19): the process
 * that answers is not the one that the start-up named. Not known for replication
 * sessions. */
bool pgconn_is_pooled(const struct pgconn *conn);

/* PQserverVersion() of an open session (150020), else 0. */
int pgconn_server_version(const struct pgconn *conn);

/* Hand the libpq connection of an idle session over, in blocking mode, to the caller
 * (the CLI), who must PQfinish it. The session is closed afterwards. */
PGconn *pgconn_release(struct pgconn *conn);

/* For escaping identifiers and literals; the connection of an open session, else NULL.
 */
PGconn *pgconn_raw(struct pgconn *conn);

#endif
