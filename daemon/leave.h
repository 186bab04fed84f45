/* leave.h - stopping the daemon in good order (rule M4). */
#ifndef PGRMOND_LEAVE_H
#define PGRMOND_LEAVE_H

#include "daemon.h"

/* SIGTERM or SIGINT came. A leader does what on_stop says: pause: PostgreSQL goes on
 * without a lease, and is taken up again by the next start; stop: it is stopped;
 * handover: it is stopped, and the term is given up, so that another node leads at
 * once.
 */
void leave_begin(struct daemon *daemon);

/* True when nothing more has to be waited for, or the time for it is over. */
bool leave_is_done(const struct daemon *daemon);

#endif
