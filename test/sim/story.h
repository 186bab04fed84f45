/* story.h - how a story begins and ends. */
#ifndef PGRMON_SIM_STORY_H
#define PGRMON_SIM_STORY_H

#include "sim.h"

/* Long enough for a promise of 6 s, an election, and the others to follow. */
#define FAILOVER_MS 18000

/* node1 is the primary; the others, up to `n`, are its standbys. */
void story_nodes(struct sim *sim, int n);

/* They run, one leads and all support it; story_calm() adds them first. */
void story_begin(struct sim *sim);
void story_calm(struct sim *sim, int n);

/* In the end there is one primary, and all follow it. */
void story_settle(struct sim *sim);

#endif
