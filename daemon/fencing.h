/* fencing.h - what is done to the processes of own PostgreSQL (rules L4 to L7, G).
 *
 * Looks at them once a beat and when the postmaster dies, freezes, continues and ends
 * them as the core asks, and gives the sentry its deadlines.
 * Where they cannot be seen or signalled it says so once, and the core fences
 * nothing. */
#ifndef PGRMOND_FENCING_H
#define PGRMOND_FENCING_H

#include "daemon.h"

/* Begin: start the sentry (one thread only, so before durable_begin()) and the looks.
 * Afterwards fencing_is_possible() is known. */
void fencing_open(struct daemon *daemon);
void fencing_close(struct daemon *daemon);

/* Whether the processes of own PostgreSQL are ours to stop; false for a witness, with
 * fencing = off, and where they cannot be reached. */
bool fencing_is_possible(const struct daemon *daemon);

/* Until when the lease of a former run lasts, by its sentry; ms 0 = there was none. For
 * CORE_EV_START. */
struct mono fencing_lease_until(const struct daemon *daemon);

/* CORE_EFF_LEASE, _FREEZE, _THAW and _KILL. */
void fencing_lease(struct daemon *daemon, const struct core_effect *effect);
void fencing_freeze(struct daemon *daemon, const struct core_effect *effect);
void fencing_thaw(struct daemon *daemon, const struct core_effect *effect);
void fencing_kill(struct daemon *daemon, const struct core_effect *effect);

/* Look at the processes now; what changed becomes CORE_EV_LOCAL, from the loop. */
void fencing_look(struct daemon *daemon);

#endif
