/* registration.h - node records: looked up, checked for duplicates, written. */
#ifndef PGRMON_REGISTRATION_H
#define PGRMON_REGISTRATION_H

#include <libpq-fe.h>

#include "cmd.h"
#include "gather.h"
#include "node.h"
#include "precheck.h"
#include "queries.h"

/* "node \"node2\" (ID: 2)" in `buf`, for messages. */
#define REGISTRATION_LABEL_SIZE (CORE_NAME_SIZE + 32)
const char *registration_label(const struct node_record *record,
                               char buf[static REGISTRATION_LABEL_SIZE]);
const char *registration_self_label(const struct config *config,
                                    char buf[static REGISTRATION_LABEL_SIZE]);

/* A setup command cannot do without this node's settings. Returns an exit code. */
int registration_need_config(const struct cmd_context *context,
                             struct err *err) PGRMON_MUST_CHECK;

/* Append: is id and name of the configuration free, or this node's own already. A
 * record of another role or name under this id, or this name under another id, is a
 * failure; this node's own record is one unless --force. `command` is for the HINT. */
void registration_check_duplicates(const struct cmd_context *context,
                                   const struct nodeset *set,
                                   const char *command,
                                   struct precheck *list);

/* Append a warning when the conninfo to be stored holds a password. */
void registration_check_secret(const struct config *config, struct precheck *list);

/* Run a statement that may change who votes: only if `set`, as read from there, is
 * still the membership (M1); else EXIT_CODE_BAD_CONFIG. In a transaction of its own,
 * unless one is open. */
int registration_change(PGconn *primary,
                        const struct nodeset *set,
                        const struct query *query,
                        const char *const *params,
                        struct err *err) PGRMON_MUST_CHECK;

/* Write the record of the configuration's node. `upstream_id` 0: none. A witness has no
 * conninfo, priority or slot there: nobody connects to it, and it never leads. `set`:
 * see registration_change(). */
int registration_write(PGconn *primary,
                       const struct nodeset *set,
                       const struct config *config,
                       enum core_role role,
                       int upstream_id,
                       struct err *err) PGRMON_MUST_CHECK;

/* Delete a record. `set`: see registration_change(). */
int registration_delete(PGconn *primary,
                        const struct nodeset *set,
                        int node_id,
                        struct err *err) PGRMON_MUST_CHECK;

/* The node that --node-id, --node-name or else the configuration names. NULL with `err`
 * filled when it is not in `set`. */
const struct node_record *registration_target(const struct cmd_context *context,
                                              const struct nodeset *set,
                                              struct err *err);

/* Append a failure that lists the nodes which have `record` as upstream, if any. */
void registration_check_downstreams(const struct nodeset *set,
                                    const struct node_record *record,
                                    struct precheck *list);

/* Run `statements` between BEGIN and COMMIT; a failure rolls back. `arg` is handed on.
 * Returns an exit code. */
int registration_transaction(PGconn *conn,
                             int (*statements)(PGconn *conn,
                                               void *arg,
                                               struct err *err),
                             void *arg,
                             struct err *err) PGRMON_MUST_CHECK;

#endif
