/* quorum.h - majorities: of voters who answer, and of ballots that are valid. Pure. */
#ifndef PGRMON_CORE_QUORUM_H
#define PGRMON_CORE_QUORUM_H

#include "core/core.h"

/* Of the voting members: how many there are and how many are needed (Q1, Q2). A member
 * that was marked inactive still counts until it is unregistered: else a failover would
 * shrink the cluster into one that needs no majority. `answered` is the count that was
 * asked for. */
struct quorum {
    int voting;
    int answered;
    int needed;
    bool two_nodes; /* rule Q2 applies: this node alone is enough */
};

/* 3.8, M1: the membership version that both of two voters are known to keep, now or by
 * our file; -1 when there are not two, or one of them has not confirmed the present
 * one. Only then is one of them enough: before, the third of a former membership could
 * still vote. */
int64_t quorum_pair_version(const struct core *core);

/* E6: who is known, by a fresh note, to support nobody but us; self included. */
struct quorum quorum_unbound(const struct core *core);

/* True when the daemons of so many other voters have been seen that they could elect
 * somebody without us. */
bool quorum_could_elect(const struct core *core);

/* C2: valid ballots for us in `term` at this moment; self included. */
struct quorum quorum_ballots(const struct core *core, int64_t term);

/* C2: reports that came with valid ballots for us in `term`, own one included, and how
 * many are needed: d - k of the d data members, where an acknowledged commit has k
 * copies besides the primary's; none when k is 0. Unknown is 1. */
struct quorum quorum_reports(const struct core *core, int64_t term);

/* L1: until when ballots of enough voters for us, in `term` or later, stay valid if no
 * other arrives; MONO_NEVER when self alone is enough. May lie in the past. */
struct mono quorum_lease_until(const struct core *core, int64_t term);

/* True when enough answered. */
static inline bool quorum_met(const struct quorum *quorum)
{
    return quorum->answered >= quorum->needed;
}

#endif
