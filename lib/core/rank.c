/* rank.c - promotion order. The numbers are those of docs/failover-rules.md and of the
 * test names in test/unit/rank_test.c; each rule is two comparisons (after bgpd's
 * rde_decide.c). */
#include "core/rank.h"

#include "core/internal.h"

int rank_cmp(const struct rank_candidate *a,
             const struct rank_candidate *b,
             enum core_rank_rule *ret_rule)
{
    /* P4.1 the higher term in its WAL: timelines do not identify a regime (P1). */
    *ret_rule = CORE_RANK_TERM;
    if (CORE_RULE(P4_1) && a->term != b->term)
        return a->term > b->term ? -1 : 1;

    /* P4.2 the further position: it holds what the other has, and more. */
    *ret_rule = CORE_RANK_POSITION;
    if (CORE_RULE(P4_2) && lsn_cmp(a->position, b->position) != 0)
        return lsn_cmp(a->position, b->position) > 0 ? -1 : 1;

    /* P4.3 the higher priority. */
    *ret_rule = CORE_RANK_PRIORITY;
    if (CORE_RULE(P4_3) && a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;

    /* P4.4 the lowest node id. */
    *ret_rule = CORE_RANK_ID;
    if (CORE_RULE(P4_4) && a->node_id != b->node_id)
        return a->node_id < b->node_id ? -1 : 1;

    *ret_rule = CORE_RANK_SAME;
    return 0;
}
