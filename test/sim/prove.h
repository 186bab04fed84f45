/* prove.h - proof that the simulation can fail: something is left out, and it must find
 * what goes wrong. */
#ifndef PGRMON_SIM_PROVE_H
#define PGRMON_SIM_PROVE_H

#include <stdint.h>

enum prove {
    PROVE_VIOLATION, /* an invariant is violated, in a story or in a schedule */
    PROVE_STORY,     /* or a story ends otherwise than with all rules */
    PROVE_NOTHING,   /* neither */
};

/* Play all stories and `n` schedules from `first` on without what is left out, until
 * something is found; says what, and where. 0 when it is what was expected, else 1. */
int prove(enum prove expected, uint64_t first, uint64_t n, unsigned without);

#endif
