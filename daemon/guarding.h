/* guarding.h - the start guard of a PostgreSQL that runs as the primary (rules G1, G4).
 *
 * Armed as soon as own PostgreSQL leads; before, and then once a minute and after each
 * reload, its settings are asked: with some of them a guarded PostgreSQL would not
 * start, not answer, or never be promoted (postgres-facts 8). */
#ifndef PGRMOND_GUARDING_H
#define PGRMOND_GUARDING_H

#include "daemon.h"

/* Begin the looks; guarding_free() ends them and takes NULL. */
struct guarding *guarding_new(struct daemon *daemon);
void guarding_free(struct guarding *guarding);

/* Look now. Where own PostgreSQL is no primary of ours, or start_guard is off, nothing
 * happens. What is armed stays so: a setting that came later is only warned of, once.
 */
void guarding_check(struct guarding *guarding);

#endif
