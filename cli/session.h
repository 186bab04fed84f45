/* session.h - blocking sessions of the CLI, and the checks every command begins with.
 *
 * Every wait is bounded: connecting by `connect_timeout` of the conninfo (default 3 s
 * here), statements by a server-side statement_timeout. */
#ifndef PGRMON_SESSION_H
#define PGRMON_SESSION_H

#include <libpq-fe.h>

#include "cmd.h"
#include "node.h"

/* Connect to `conninfo`; `what` names it in errors ("primary node", "node \"n\" (ID:
 * 1)"). Returns an exit code; on success `*ret_conn` is to be closed by PQfinish.
 * Failures carry a HINT that fits their kind (no pg_hba.conf entry, wrong password,
 * starting up ...). */
int session_open(const char *conninfo,
                 const char *what,
                 PGconn **ret_conn,
                 struct err *err) PGRMON_MUST_CHECK;

/* PQfinish as a cleanup attribute for a PGconn *. */
void session_close(PGconn **conn);

/* Check that schema `pgrmon` is there in the version of this program. Otherwise
 * EXIT_CODE_ BAD_CONFIG and a HINT with the exact command (register, `cluster upgrade`,
 * or install a newer pgrmon). */
int session_check_schema(PGconn *conn, struct err *err) PGRMON_MUST_CHECK;

/* The version of the schema that is there, whether it fits this program or not. Errors
 * as above where there is none. */
int session_schema_version(PGconn *conn,
                           int *ret_version,
                           struct err *err) PGRMON_MUST_CHECK;

/* Read all node records. */
int session_nodes(PGconn *conn,
                  struct nodeset *ret_set,
                  struct err *err) PGRMON_MUST_CHECK;

/* Connect to the local node, or where -d/-h/... say, check the schema and read the
 * records there. `ret_conn` NULL: close again. */
int session_open_any(struct cmd_context *context,
                     PGconn **ret_conn,
                     struct nodeset *ret_set,
                     struct err *err) PGRMON_MUST_CHECK;

/* From the local node or from -d/-h/..., find the node that is primary now: read the
 * records, contact all in parallel (gather.h), take the one out of recovery. Several
 * (split brain) or none: an error that lists what each node answered. */
int session_open_primary(struct cmd_context *context,
                         PGconn **ret_conn,
                         struct nodeset *ret_set,
                         int *ret_node_id,
                         struct err *err) PGRMON_MUST_CHECK;

/* Write a row into pgrmon.event and run event_notification_command if the configuration
 * wants it. A failure is a warning, never the command's failure. */
void session_event(struct cmd_context *context,
                   PGconn *primary,
                   int node_id,
                   const char *event,
                   bool successful,
                   const char *details);

#endif
