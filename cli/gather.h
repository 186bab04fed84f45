/* gather.h - ask all nodes at once; the slowest, not the sum, is what it takes.
 *
 * The only file of the CLI that runs a libev loop, privately and for one call at a
 * time. Everything in it has a deadline, name lookups included. */
#ifndef PGRMON_GATHER_H
#define PGRMON_GATHER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "node.h"

/* What one node answered to the probe statement. */
struct gathered {
    struct core_observation seen; /* seen.reach says how it went */
    char message[512];  /* the failure, passwords removed; "" when it answered */
    int server_version; /* 0 when it did not connect */
    int64_t took_ms;    /* until the answer or the failure */
    int n_notes;        /* of all daemons, on its board; 0 when it did not answer */
    struct core_note notes[CORE_MAX_NODES];
    int n_bad_notes;      /* sessions named like notes that are none */
    bool has_downstreams; /* the following is known */
    int n_downstreams;    /* streaming from this node, by application_name */
    char downstreams[CORE_MAX_NODES][CORE_NAME_SIZE];
};

/* True when node `name` is known to stream from the node that answered `gathered`. */
bool gathered_has_downstream(const struct gathered *gathered, const char *name);

/* Why a connection could not be had. */
struct gather_failure {
    enum reach reach;
    char sqlstate[8];  /* "28P01", or "" */
    char message[512]; /* passwords removed */
};

/* How long connecting may take: connect_timeout of `conninfo`, default 3 s, for each of
 * its hosts. */
int64_t gather_deadline_ms(const char *conninfo);

/* Connect within gather_deadline_ms(). The session is in blocking mode and to be closed
 * with PQfinish; NULL with `ret_failure` filled. */
PGconn *gather_open(const char *conninfo, struct gather_failure *ret_failure);

/* Probe every node of `set` in parallel, each within its gather_deadline_ms(). `ret`
 * has room for set->n. Witnesses are not asked: their reach stays UNKNOWN, and what
 * their daemons say lies on the boards of the others (daemons.h). */
void gather_probe(const struct nodeset *set, struct gathered *ret);

#endif
