/* link.h - a session that runs queued statements in order, and reconnects by itself.
 *
 * The daemon has two: to its own PostgreSQL (reading the node table) and to the primary
 * (writing events, states and history). Statements that must not be lost wait here
 * until there is a primary to write to. */
#ifndef PGRMOND_LINK_H
#define PGRMOND_LINK_H

#include "pgconn.h"
#include "queries.h"

struct link;

/* The end of a statement; `answer` is valid during the call only. */
typedef void link_cb(void *arg, const struct pgconn_answer *answer);

/* One statement. Parameters are copied; `query` must live as long as the program. */
struct link_job {
    const struct query *query;
    const char *const *params;
    bool keep;   /* wait for a writable server rather than fail with the connection */
    link_cb *cb; /* may be NULL; not called for a job that link_free() drops */
    void *arg;
};

/* A link to nowhere; `label` ("primary") is for log lines and copied. */
struct link *link_new(struct ev_loop *loop, struct resolve *resolve, const char *label);

/* Close; queued statements are dropped without a callback. NULL is fine. */
void link_free(struct link *link);

/* From now on talk to `conninfo` (copied); NULL: to nobody. Nothing happens when it is
 * the present one. The queue stays. */
void link_target(struct link *link, const char *conninfo);

/* Bound each connect and statement by `deadline_ms`, and wait as long between tries. */
void link_set_deadline(struct link *link, int64_t deadline_ms);

/* Queue a statement. At most LINK_MAX_JOBS wait: then the oldest that need not be kept
 * goes first, then the oldest, with a warning. */
void link_submit(struct link *link, const struct link_job *job);

/* How many statements wait that must not be lost. */
int link_kept(const struct link *link);

#define LINK_MAX_JOBS 256

#endif
