/* startpg.h - start own PostgreSQL, guarded (rules G1 to G3).
 *
 *   guard  ->  service_start_command, or pg_ctl start with the command line of last
 * time  ->  postmaster.pid says that it takes connections
 *
 * The guard is armed first: it comes up in recovery, whatever it was before. */
#ifndef PGRMOND_STARTPG_H
#define PGRMOND_STARTPG_H

#include "daemon.h"

struct startpg;

/* How it ended. Valid during the callback. */
struct startpg_end {
    bool ok;          /* it runs, and takes connections unless hot_standby is off */
    const char *text; /* why not; "" when it does */
};

typedef void startpg_cb(void *arg, uint32_t id, const struct startpg_end *end);

/* Start it, bounded by `deadline_ms`. The callback is called exactly once, from the
 * loop; the handle is gone then. A server that runs already is fine. Never NULL. */
struct startpg *startpg_start(
    struct daemon *daemon, uint32_t id, int64_t deadline_ms, startpg_cb *cb, void *arg);

/* Forget it; its callback is not called. A server that is starting goes on. NULL is
 * fine. */
void startpg_cancel(struct startpg *startpg);

/* While it runs: remember the file that PostgreSQL's standard error goes to, so that a
 * start of ours writes there, too. To be called now and then; costs microseconds. */
void startpg_remember_log(const struct config *config);

#endif
