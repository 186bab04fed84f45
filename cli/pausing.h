/* pausing.h - a pause (rule M3) as the CLI sees it: the wish in the metadata, and what
 * the daemons' notes say of it. */
#ifndef PGRMON_PAUSING_H
#define PGRMON_PAUSING_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemons.h"
#include "err.h"
#include "gather.h"
#include "node.h"

#define PAUSING_MIN_MS     1000
#define PAUSING_DEFAULT_MS 3600000

/* The row of pgrmon.pause. Times are of the server's wall clock, for people: the
 * promises are counted by each daemon's own clock. */
struct pausing_wish {
    int64_t version, ms; /* ms 0 = no pause */
    int64_t left_ms;     /* not above 0: over, or none */
    char by[64], at[32], until[32];
};

/* One look at all boards. Voters only. */
struct pausing {
    int n_voters, needed; /* so many must have granted it */
    int n_granted;        /* that version, or a later one */
    int n_paused;         /* any */
    bool leads;           /* some pgrmond leads */
    bool relies;          /* on a pause: it needs no majority */
    int64_t leader_version;
    bool granted[CORE_MAX_NODES]; /* in the order of the nodeset */
    bool paused[CORE_MAX_NODES];
    bool seen[CORE_MAX_NODES];
};

/* Read the wish. Returns an exit code. */
int pausing_read_wish(PGconn *conn,
                      struct pausing_wish *ret,
                      struct err *err) PGRMON_MUST_CHECK;

/* Wish for a pause of `ms`, or for none any more with 0, on the primary. Returns an
 * exit code. */
int pausing_wish(PGconn *primary, int64_t ms, int64_t *ret_version, struct err *err)
    PGRMON_MUST_CHECK;

/* Judge what was gathered; pure. */
void pausing_judge(struct pausing *ret,
                   const struct nodeset *set,
                   const struct gathered *answers,
                   int64_t version);

/* True when enough voters granted it and the leader relies on it. */
bool pausing_is_in_force(const struct pausing *pausing, int64_t version);

/* True when the leader relies on none before `version`, and no voter that is seen is
 * paused any more. */
bool pausing_is_ended(const struct pausing *pausing, int64_t version);

/* Look again and again, telling progress, until `is_done` or the deadline. True when it
 * is. */
bool pausing_await(const struct nodeset *set,
                   int64_t version,
                   bool (*is_done)(const struct pausing *, int64_t),
                   struct pausing *ret);

/* The voters for which `flags` is `value`, "node2, node3", in `buf`. Returns `buf`. */
#define PAUSING_TEXT_SIZE 1024
const char *pausing_names(const struct nodeset *set,
                          const bool flags[static CORE_MAX_NODES],
                          bool value,
                          char buf[static PAUSING_TEXT_SIZE]);

/* "2 h 5 min", "40 s": for people, in `buf`. Returns `buf`. */
#define PAUSING_SPAN_SIZE 32
const char *pausing_span(int64_t ms, char buf[static PAUSING_SPAN_SIZE]);

#endif
