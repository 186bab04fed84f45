/* ownpg.h - the processes of own PostgreSQL, seen from the operating system.
 *
 * pg_terminate_backend() refuses the walreceiver and, unless we are a superuser,
 * superusers' sessions (postgres-facts 4). We run as PostgreSQL's own user, so the
 * kernel does not; but only what is provably a child of our postmaster is ever
 * signalled. In a container of its own, beside PostgreSQL's, nothing here is seen. */
#ifndef PGRMOND_OWNPG_H
#define PGRMOND_OWNPG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config.h"
#include "err.h"

/* The postmaster that works in `data_directory`, 0 when there is none to be seen. */
pid_t ownpg_postmaster(const char *data_directory);

/* Signal a child of our postmaster. 0, -ESRCH when `pid` is no such child (any more),
 * or -errno of kill(2). */
int ownpg_signal(const char *data_directory, pid_t pid, int signal) PGRMON_MUST_CHECK;

/* End the sessions of `res`, an answer to replay_blockers. Returns the process of one
 * that we may not signal and that only SQL (query_terminate) can end, 0 when there is
 * none. */
pid_t ownpg_end_readers(const char *data_directory, const PGresult *res);

/* Is the startup process, with such a wait_event_type and wait_event (NULL = none), in
 * a wait for somebody who reads? Then it does nothing else (postgres-facts 4, 5). */
bool ownpg_is_conflict(const char *type, const char *wait);

/* Does the process have children? False when that cannot be seen. */
bool ownpg_has_children(pid_t pid);

/* True while `signal` was sent to process `pid` but not delivered to it. */
bool ownpg_signal_pending(pid_t pid, int signal);

/* The path of PostgreSQL's program `name` ("pg_ctl"): in pg_bindir when that is set,
 * else where Debian and Red Hat put it for the data directory's version, else in
 * /usr/bin. No session is asked, which would cost time. The caller frees; NULL when it
 * is nowhere. */
char *ownpg_program(const struct config *config, const char *name);

#endif
