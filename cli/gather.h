/* gather.h - ask all nodes at once; the slowest, not the sum, is what it takes. */
#ifndef PGRMON_GATHER_H
#define PGRMON_GATHER_H

#include "core/core.h"
#include "node.h"

/* What one node answered to the probe statement. */
struct gathered {
    struct core_observation seen; /* seen.reach says how it went */
    char message[512];            /* the failure, passwords removed; "" when it answered */
    int server_version;           /* 0 when it did not connect */
};

/* Probe every node of `set` in parallel, each within its deadline (its conninfo's
 * connect_timeout, default 3 s), name lookups included. `ret` has room for set->n. */
void gather_probe(const struct nodeset *set, struct gathered *ret);

#endif
