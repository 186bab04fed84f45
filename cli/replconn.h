/* replconn.h - connections in physical replication mode: what a walreceiver and
 * pg_basebackup will open, tried beforehand. */
#ifndef PGRMON_REPLCONN_H
#define PGRMON_REPLCONN_H

#include <libpq-fe.h>

#include "cmd.h"
#include "lsn.h"
#include "replication.h"

/* Connect to `conninfo` with replication=true within its connect_timeout (default 3 s).
 * Returns an exit code; `what` names the server in the error, `beside` (may be NULL) is
 * a session there, from which our address for the pg_hba.conf line of the HINT comes.
 */
int replconn_open(const char *conninfo,
                  const char *what,
                  PGconn *beside,
                  PGconn **ret,
                  struct err *err) PGRMON_MUST_CHECK;

/* IDENTIFY_SYSTEM. Returns an exit code. */
int replconn_identify(PGconn *conn,
                      struct replication_end *ret,
                      struct err *err) PGRMON_MUST_CHECK;

/* TIMELINE_HISTORY: the content of that file, for the caller to free; NULL for timeline
 * 1, which has none. Returns an exit code. */
int replconn_history(PGconn *conn, int timeline, char **ret, struct err *err)
    PGRMON_MUST_CHECK;

#endif
