/* member.h - the version of the membership (M1).
 *
 * A change that its leader wrote, and that was lost with it, may be in somebody's state
 * file all the same, with a version that no later leader's table has: that node would
 * use no table any more, and vote for nobody. So a leader gives its membership a
 * version above every one that it sees kept. */
#ifndef PGRMON_CORE_MEMBER_H
#define PGRMON_CORE_MEMBER_H

#include "core/core.h"

/* The peer at index `i` keeps an older membership than this node: it gets no vote from
 * here (V1), so it is not waited for as a candidate. */
bool member_is_outdated(const struct core *core, int i);

/* A leadership begins: nothing is known of the version in our table. */
void member_led(struct core *core);

/* While leading: ask for a version that is above all, if it may not be. */
void member_raise(struct core *core, struct core_effects *out);

/* The end of CORE_EFF_RAISE with `id`; others are passed over. */
void member_raised(struct core *core, uint32_t id, bool ok);

#endif
