/* prove.h - proof that the simulation can fail: something is left out, and it must find
 * what goes wrong. */
#ifndef PGRMON_SIM_PROVE_H
#define PGRMON_SIM_PROVE_H

#include <stdint.h>

/* Play all stories, then `n` schedules from `first` on, until one fails. 0 when an
 * invariant or a story's expectation was violated; it says which, and where. */
int prove_violation(uint64_t first, uint64_t n, unsigned without);

/* The opposite: 0 when none of them fails. */
int prove_calm(uint64_t first, uint64_t n, unsigned without);

#endif
