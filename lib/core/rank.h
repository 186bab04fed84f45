/* rank.h - which of two nodes should lead: numbered rules, a total order (P4). Pure. */
#ifndef PGRMON_CORE_RANK_H
#define PGRMON_CORE_RANK_H

#include "core/core.h"

/* What is ranked. */
struct rank_candidate {
    int node_id;
    int64_t term;        /* highest term row in its WAL */
    struct lsn position; /* the end of its WAL, as reported */
    int priority;
};

/* Less than zero when `a` is to lead rather than `b`, greater when `b`, zero only for
 * one and the same node. `*ret_rule` names the rule that decided. */
int rank_cmp(const struct rank_candidate *a,
             const struct rank_candidate *b,
             enum core_rank_rule *ret_rule);

#endif
