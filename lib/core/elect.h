/* elect.h - from a complete survey to a verdict: wait, return, follow or promote. Pure.
 *
 * The same function answers the daemon and, later, `pgrmon cluster explain`. */
#ifndef PGRMON_CORE_ELECT_H
#define PGRMON_CORE_ELECT_H

#include "core/core.h"

enum elect_action {
    ELECT_WAIT,     /* nothing to do; ask again */
    ELECT_RETURN,   /* all is well as it is: `leader_id` leads, our upstream stays */
    ELECT_FOLLOW,   /* point own PostgreSQL at `leader_id` */
    ELECT_PROMOTE,  /* stand as a candidate */
    ELECT_CATCH_UP, /* fetch WAL from `why.node_id` first (E10) */
};

struct verdict {
    enum elect_action action;
    int leader_id;
    struct core_why why;
};

/* Decide from what the current survey brought. Only in CORE_ELECTING. Rules E1 to E9 of
 * docs/failover-rules.md, in this order. With ELECT_FOLLOW, `why.node_id` is whom own
 * PostgreSQL is pointed at: a cascade returns to its own upstream. */
struct verdict elect_decide(const struct core *core);

/* Whether members[i] may lead: its daemon runs, has a voice, and its WAL is known. Self
 * needs no note: we know that we run. */
bool elect_is_candidate(const struct core *core, int i);

/* The member that leads by E2: out of recovery, ours, its term not over; of several the
 * one with the highest term. NULL when there is none; `*ret_rival` is another one with
 * an equal claim, or NULL. */
const struct core_member *elect_leader(const struct core *core,
                                       const struct core_member **ret_rival);

/* E5: own walreceiver got a message from the one that we lost, since then and within
 * the last window. */
bool elect_streams(const struct core *core);

#endif
