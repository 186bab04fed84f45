/* waldump.h - ask pg_waldump where the WAL in own data directory ends (lib/walend.h).
 *
 * For a standby that has no walreceiver and does not know (postgres-facts 3). Needs the
 * data directory and PostgreSQL's programs at hand; 20 to 50 ms. */
#ifndef PGRMOND_WALDUMP_H
#define PGRMOND_WALDUMP_H

#include <ev.h>

#include "config.h"
#include "walend.h"

struct waldump;

/* Called once, from the loop. `end` is LSN_UNKNOWN when it could not be found out;
 * `why` says why not then. The handle is gone. */
typedef void waldump_cb(void *arg, struct lsn end, const char *why);

/* Find the end of the last complete record at or after `start`, which is a position
 * that was replayed. `config` must outlive it. Never NULL. */
struct waldump *waldump_start(struct ev_loop *loop,
                              const struct config *config,
                              const struct walend_layout *layout,
                              struct lsn start,
                              int64_t deadline_ms,
                              waldump_cb *cb,
                              void *arg);

/* Forget it; its callback is not called. NULL is fine. */
void waldump_cancel(struct waldump *waldump);

#endif
