/* outcome.h - how a story ended, and what it took: what its transcript in
 * test/golden/sim comes down to. */
#ifndef PGRMON_SIM_OUTCOME_H
#define PGRMON_SIM_OUTCOME_H

#include "sim.h"

struct sim_outcome {
    char text[1024];   /* who does what in the end, and how often something was done */
    int64_t outage_ms; /* how long nobody was writable */
};

struct sim_outcome outcome_of(const struct sim *sim);

/* Nobody was better or worse off: the same text, and an outage as long but for a
 * second. */
bool outcome_is_same(const struct sim_outcome *a, const struct sim_outcome *b);

#endif
