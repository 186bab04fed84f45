/* termlist.h - do two nodes share their past? (rule P3)
 *
 * PostgreSQL's timelines do not tell: two standbys promoted from one point get the same
 * number and identical history files, stream from each other and corrupt silently, and
 * pg_rewind finds nothing to do (postgres-facts 1). The rows of pgrmon.term tell: each
 * regime wrote one into its own WAL, so who has a row has that regime's WAL. Pure. */
#ifndef PGRMON_TERMLIST_H
#define PGRMON_TERMLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lsn.h"

/* A row of pgrmon.term. */
struct termlist_row {
    int64_t term;
    int leader;
    int timeline;
    struct lsn
        start; /* where the WAL stood when it was written: at or after the fork */
};

/* Ordered by term, ascending. */
struct termlist {
    int n;
    const struct termlist_row *v;
};

/* A node that is to follow. */
struct termlist_self {
    struct termlist rows; /* as replayed */
    int timeline;         /* highest in its WAL */
    struct lsn position;  /* end of its WAL */
    int64_t stream_term;  /* the term that it last streamed under (its durable state);
                             0 = not known */
};

enum termlist_verdict {
    TERMLIST_STREAM, /* all of its WAL is the leader's too, as far as terms tell */
    TERMLIST_REWIND, /* it has WAL of its own, on a timeline that pg_rewind tells apart
                      */
    TERMLIST_CLONE,  /* anything else */
};

enum termlist_reason {
    TERMLIST_SAME,       /* the same regimes */
    TERMLIST_CONTINUED,  /* the leader's later regime began after our WAL's end */
    TERMLIST_BEYOND,     /* our WAL goes on beyond the beginning of the leader's later
                            regime */
    TERMLIST_UNKNOWN_TO, /* we have a regime that the leader has not; nor has it a later
                            one: it may lag */
    TERMLIST_SPLIT,      /* each has a regime that the other has not */
    TERMLIST_UNRECORDED, /* our WAL is on a timeline for which we have no row: whose it
                            is cannot be told */
};

struct termlist_result {
    enum termlist_verdict verdict;
    enum termlist_reason reason;
    const struct termlist_row *own;    /* the first row that differs, or NULL */
    const struct termlist_row *leader; /* the same of the leader's list */
};

/* Compare. To be read in this order: own rows, own position, the leader's rows. Where
 * the verdict is STREAM on different timelines, PostgreSQL itself still compares our
 * position with the exact fork point; on the same timeline nobody does. */
struct termlist_result termlist_compare(const struct termlist_self *node,
                                        struct termlist leader);

/* A row in words for a DETAIL; "nothing" for NULL. */
void termlist_describe(const struct termlist_row *row, char *buf, size_t size);

#endif
