/* unblock.h - take away what a promotion would wait for (rule C5, postgres-facts 5): a
 * slow restore_command, which is called several times, and readers that conflict with
 * replay.
 *
 * Steps of an action on its session to own PostgreSQL. None of them fails: a promotion
 * is slow without them, not wrong, so they are bounded tightly, and go on when own
 * PostgreSQL has no session for us or refuses. */
#ifndef PGRMOND_UNBLOCK_H
#define PGRMOND_UNBLOCK_H

#include "action.h"

/* Clear restore_command (from PostgreSQL 14 on it can be changed without a restart) and
 * remember it, then run `then`. */
void unblock_start(struct action *action, void (*then)(struct action *action));

/* End the sessions that the startup process waits for, then run `then`. The session
 * must be idle. */
void unblock_readers(struct action *action, void (*then)(struct action *action));

/* Put restore_command back, if it was cleared, then run `then`. A primary does not use
 * it, but a standby that it becomes again does. */
void unblock_undo(struct action *action, void (*then)(struct action *action));

#endif
