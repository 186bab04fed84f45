/* own.h - own PostgreSQL: what is known of its processes, and what is done to them
 * (rules L4 to L6). Pure. One action on them is under way at most. */
#ifndef PGRMON_CORE_OWN_H
#define PGRMON_CORE_OWN_H

#include "core/internal.h"

/* Stopped by this daemon, its sentry, or an earlier run. */
static inline bool own_is_frozen(const struct core *core)
{
    return core->local == CORE_LOCAL_FROZEN;
}

/* Own processes were looked at. */
void own_local(struct core *core, enum core_local local, bool clean);

/* L5: bring the sum of freezes up to date; `frozen` from now on. */
void own_count_freeze(struct core *core, bool frozen);

/* Freeze, thaw or kill them, if nothing is under way. */
void own_act(struct core *core, enum core_effect_kind kind, struct core_effects *out);

/* A freeze, thaw, kill or start ended; other ids are passed over. */
void own_done(struct core *core, uint32_t id, bool ok);

/* It is writable, and we do not lead: frozen, and in the end killed. */
void own_unleased(struct core *core, struct core_effects *out);

/* crash_action = restart: one quick restart before the term is given up, within a
 * window. It comes up read-only (G1), and with all of its WAL it is compared like any
 * other. True while that is tried. */
bool own_restart_in_place(struct core *core, struct core_effects *out);

/* Start it again, read-only, when we ended it. */
void own_start_again(struct core *core, struct core_effects *out);

/* E9: we led, our PostgreSQL neither crashed nor hung, and it is on its way to a
 * report: the others wait for it, since it may have commits that nobody else has. */
bool own_report_is_coming(const struct core *core);

#endif
