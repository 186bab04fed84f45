/* reach.h - what became of an attempt to talk to a PostgreSQL server.
 *
 * Kinds of failure are told apart by what a *new connection* is told (design.md section
 * 2, postgres-facts 10 and 11), by SQLSTATE and never by message text. Unknown,
 * unreachable and refused are different values; only lib/core judges what follows from
 * them. */
#ifndef PGRMON_CORE_REACH_H
#define PGRMON_CORE_REACH_H

#include <stdbool.h>

enum reach {
    REACH_UNKNOWN,  /* not tried, or could not be asked: no name server answered ... */
    REACH_OK,       /* answered the query */
    REACH_REJECTED, /* alive, but would not let us in: 28xxx, 53300, 3D000, 42501 ... */
    REACH_STARTING, /* 57P03: starting, in recovery, or shutting down */
    REACH_FAILED,   /* connected, but our query failed there */
    REACH_REFUSED,  /* the host answered, nobody listens (or no socket file) */
    REACH_SILENT,   /* no answer before our deadline, no route, or no such host */
    REACH_UNUSABLE, /* the conninfo itself is wrong: it says nothing of the server */
};

/* True when the attempt says anything of the server at all. */
static inline bool reach_is_evidence(enum reach reach)
{
    return reach != REACH_UNKNOWN && reach != REACH_UNUSABLE;
}

/* True when something that speaks PostgreSQL's protocol answered. */
static inline bool reach_is_alive(enum reach reach)
{
    return reach == REACH_OK || reach == REACH_REJECTED || reach == REACH_STARTING ||
           reach == REACH_FAILED;
}

/* "refused", "silent": a word for logs and tables. */
const char *reach_name(enum reach reach);

#endif
