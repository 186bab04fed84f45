/* membership.h - rule M1: one change of who votes at a time.
 *
 * Before the set of voters is changed, a majority of the present ones must have the
 * present set in their own files, and the leader's term row in their metadata: else two
 * majorities could exist that have no voter in common. */
#ifndef PGRMON_MEMBERSHIP_H
#define PGRMON_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "gather.h"
#include "node.h"
#include "precheck.h"

/* Why one voter does not count. */
enum membership_gap {
    MEMBERSHIP_CONFIRMED,
    MEMBERSHIP_UNSEEN,    /* no note of its daemon on any board */
    MEMBERSHIP_VOICELESS, /* its daemon has no valid state file */
    MEMBERSHIP_OLDER,     /* it quotes an older membership */
    MEMBERSHIP_NO_TERM,   /* it does not have the newest term */
};

struct membership_count {
    int n_voters, needed, confirmed;
    bool daemons; /* a voter's note lies on some board */
    bool leads;   /* the primary's daemon leads the term of the primary's newest row */
    bool relies;  /* a leader, on a pause (M3) */
    enum membership_gap gaps[CORE_MAX_NODES]; /* in the order of the nodeset */
};

/* Count who has confirmed set->version and `term`. A witness has no metadata: there the
 * term that it promised counts. Pure. `answers` has set->n elements. */
void membership_count(const struct nodeset *set,
                      const struct gathered *answers,
                      int64_t term,
                      struct membership_count *ret);

/* Whether the primary has a term of its own: before its row is written, the newest one
 * is its predecessor's, and so would be the version of a changed membership. Pure. */
bool membership_leads(const struct nodeset *set,
                      const struct gathered *answers,
                      int primary_id);

/* Whether those who still vote once `leaving_id` does not have a majority among them
 * that is there now: else the primary would be frozen at once. How many are, of how many
 * that are needed. Pure. */
bool membership_lasts(const struct nodeset *set,
                      const struct membership_count *count,
                      int leaving_id,
                      int *ret_there,
                      int *ret_needed);

/* Append what M1 says about changing the set of voters now: asks all nodes again and
 * again for up to 10 seconds (once with --dry-run, --force, or when the list has a
 * failure already). Too few are a failure, unless --force, now or without
 * `leaving_id`, who will not vote any more (0 = nobody). Where no voter's daemon is seen
 * there is nobody to agree with: a notice. `set` is as read from the primary. */
void membership_check(const struct cmd_context *context,
                      const struct nodeset *set,
                      int primary_id,
                      int leaving_id,
                      struct precheck *list);

/* Append a notice when the change leaves two voters or one (design.md 3.8), unless it
 * fails anyway. `n_voters`: afterwards. */
void membership_check_size(int n_voters, struct precheck *list);

/* How many vote; without the one with the id `except` (0 = count all). */
int membership_voters(const struct nodeset *set, int except);

#endif
