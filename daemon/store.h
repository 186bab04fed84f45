/* store.h - the durable file (lib/state.h), written without blocking the loop: an fsync
 * may take seconds. One thread writes; it is given texts and touches nothing else.
 *
 * Nothing that depends on a state may happen before its callback has said ok (D1). */
#ifndef PGRMOND_STORE_H
#define PGRMOND_STORE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "state.h"

struct store;

/* A write is over: `ok` when the state that was given with `id`, or a later one, is
 * durable. After a failure the file is the former or the new one, as after a crash; the
 * reason has been logged. */
typedef void store_cb(void *arg, uint32_t id, bool ok);

/* Write into `directory` (copied; it has to be there). Starts the thread, so call it
 * after the last fork() that goes on without exec. Returns NULL with `err` filled when
 * there can be no thread. */
struct store *store_new(struct ev_loop *loop, const char *directory, struct err *err);

/* Finish what was given, without any callback, then stop and release; waits as long as
 * the disk does. NULL is allowed. Not to be called from a callback. */
void store_free(struct store *store);

/* Make `state` durable (read during the call only). `cb` is called exactly once, from
 * the loop and never during this call; callbacks come in the order of the calls. Of
 * several states that wait, only the newest is written: each callback then reports that
 * write. A callback may save again. */
void store_save(struct store *store,
                const struct state *state,
                uint32_t id,
                store_cb *cb,
                void *arg);

/* How many callbacks are still to come. */
int store_n_pending(const struct store *store);

#endif
