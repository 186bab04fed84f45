/* quorum.h - how many must answer before anybody may be promoted. Pure. */
#ifndef PGRMON_CORE_QUORUM_H
#define PGRMON_CORE_QUORUM_H

#include "core/core.h"

/* Of the voting members: how many there are, how many answer (self included), and how
 * many must. A member that was marked inactive still counts until it is unregistered:
 * else a failover would shrink the cluster into one that needs no majority. */
struct quorum {
    int voting;
    int answered;
    int needed;
    bool two_nodes; /* rule Q2 applies: this node alone is enough */
};

/* Count from the current survey. */
struct quorum quorum_count(const struct core *core);

/* True when enough answered. */
static inline bool quorum_met(const struct quorum *quorum)
{
    return quorum->answered >= quorum->needed;
}

#endif
