/* slot.h - the replication slot of one node on another. */
#ifndef PGRMON_SLOT_H
#define PGRMON_SLOT_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "cmd.h"
#include "node.h"

enum slot_state {
    SLOT_ABSENT,
    SLOT_FREE,    /* there, and nobody uses it */
    SLOT_ACTIVE,  /* there, and in use */
    SLOT_LOGICAL, /* there, and not physical */
    SLOT_LOST,    /* there, but its WAL is gone */
};

/* How slot `name` stands on the server of `conn`. Returns an exit code. */
int slot_look(PGconn *conn, const char *name, enum slot_state *ret, struct err *err)
    PGRMON_MUST_CHECK;

/* Create it, reserving WAL at once; one that is there already is taken as it is, one
 * that lost its WAL is made anew. `*ret_created` tells whether there is one to take
 * back on a later failure. Returns an exit code. */
int slot_create(PGconn *conn, const char *name, bool *ret_created, struct err *err)
    PGRMON_MUST_CHECK;

/* Drop it if it is there and not in use, waiting `wait_ms` for its user to go. Returns
 * an exit code; no such slot is success. */
int slot_drop(PGconn *conn, const char *name, int64_t wait_ms, struct err *err)
    PGRMON_MUST_CHECK;

/* Connect to `upstream` and drop slot `name` there. Every failure is a warning with
 * what is to be done by hand: a slot that stays fills that server's disk. */
void slot_drop_on(const struct node_record *upstream,
                  const char *name,
                  int64_t wait_ms);

#endif
