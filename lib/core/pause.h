/* pause.h - a pause is a promise of the voters (rule M3). Pure. */
#ifndef PGRMON_CORE_PAUSE_H
#define PGRMON_CORE_PAUSE_H

#include "core/internal.h"

/* ---- a voter --------------------------------------------------------------------- */

/* True while this node has granted a pause, by its file: it elects nobody. */
bool pause_is_granted(const struct core *core);

/* V1, M3: so it votes for nobody and does not stand. */
bool pause_forbids(const struct core *core);

/* The file was read: what it granted begins anew (D2), and what it relied on is as good
 * as ever, within one boot. Once, with core->durable set. */
void pause_start(struct core *core);

/* The wish was read with the node table. An older one is passed over. */
void pause_wish(struct core *core, const struct core_pause *wish);

/* What the file of a voter must say: a pause that is wished for, and the end of one. */
void pause_keep(const struct core *core, struct core_durable *wanted);

/* core->wanted is on disk, and about to become core->durable. */
void pause_saved(struct core *core);

/* True when both say the same of pauses. */
bool pause_is_same(const struct core_durable *a, const struct core_durable *b);

/* ---- a leader -------------------------------------------------------------------- */

/* A newer note of a peer than the one that is known, peer->note. */
void pause_take(const struct core *core,
                struct core_peer *peer,
                const struct core_note *note);

/* What the file of a leader must say. `fenced`: it needs no pause at this moment, since
 * it has a lease, or may write without one. */
void pause_lead(const struct core *core, bool fenced, struct core_durable *wanted);

/* True while enough voters are known to elect nobody: no ballots are needed. */
bool pause_relies(const struct core *core);

/* ---- both ------------------------------------------------------------------------ */

/* What own note says of it. The report of its WAL gives way. */
void pause_post(const struct core *core, struct core_note *note);

/* Tell people when it begins and ends. */
void pause_say(struct core *core, struct core_effects *out);

/* When own promise, or what a leader relies on, is over. */
struct mono pause_deadline(const struct core *core);

#endif
