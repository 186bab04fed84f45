/* board.h - from notes to what is known of each member's daemon (rules N). Pure.
 *
 * A board is a PostgreSQL on which daemons leave notes. On which board a note lay means
 * nothing: of several notes of one node the newest counts (N2). */
#ifndef PGRMON_CORE_BOARD_H
#define PGRMON_CORE_BOARD_H

#include "core/internal.h"

/* S: how long the last sign of somebody counts (design.md section 2, Timing). */
int64_t board_sign_ms(const struct core *core);

/* Take the notes that lay on the board of `board_id` (NULL: it was not read). Those of
 * ourselves, of unknown nodes and older ones than known are passed over. */
void board_take(struct core *core, int board_id, const struct core_note *notes, int n);

/* What is known of the daemon of the member with `id`, or NULL. */
const struct core_peer *board_peer(const struct core *core, int id);

/* N5: this run has seen the peer's stamp advance, the last time within S. */
bool board_is_fresh(const struct core *core, const struct core_peer *peer);

/* L2: the peer showed itself as a leader or candidate within S. */
bool board_shows_sign(const struct core *core, const struct core_peer *peer);

/* The member that leads: it says so, within S, in the highest term of those who do, and
 * not below `least_term`. NULL when nobody does. Never ourselves. */
const struct core_member *board_leader(const struct core *core, int64_t least_term);

/* True when `id`, which led or canvassed for `term`, has given that up for good. Own
 * terms included. It may be believed at first sight: it is durable and final. */
bool board_is_over(const struct core *core, int id, int64_t term);

#endif
