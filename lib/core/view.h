/* view.h - from observations to what is believed of each member. Pure. */
#ifndef PGRMON_CORE_VIEW_H
#define PGRMON_CORE_VIEW_H

#include "core/internal.h"

/* Index of the member with `id`, or -1. */
int view_index(const struct core *core, int id);

/* The view of own PostgreSQL. */
struct core_view *view_self(struct core *core);

/* True when own PostgreSQL answered its newest probe. */
bool view_self_is_up(const struct core *core);

/* The member that is registered as the active primary, 0 when none is. */
int view_registered_primary(const struct core *core);

/* Take a new set of members, keeping what is known of those that stay. Self stays a
 * member even when it has no record. */
void view_set_members(struct core *core, const struct core_member *members, int n);

/* Take one observation. One of a node that is no member any more is dropped. */
void view_observe(struct core *core, const struct core_observation *seen);

/* Begin a survey: nobody is fresh. */
void view_begin_survey(struct core *core);

/* True when every member is fresh, or the survey has lasted longer than any probe may:
 * those who did not answer by then count as silent. */
bool view_survey_complete(const struct core *core);

/* True when the newest answer is of this survey, and not older than a survey may last
 * (E1): a daemon that slept must not decide by what was true before. */
bool view_is_fresh(const struct core *core, const struct core_view *view);

/* F2: does the newest observation prove that the server lives? */
bool view_lives(const struct core *core, const struct core_view *view);

/* True when the member's PostgreSQL answered and belongs to our cluster. */
bool view_is_ours(const struct core *core, const struct core_view *view);

/* F4: when it last answered, it was of another cluster. */
bool view_is_foreign(const struct core *core, const struct core_view *view);

/* True when it is ours and accepts writes. */
bool view_is_primary(const struct core *core, const struct core_view *view);

/* True when it accepts writes, but its term is over (P1). Only an answer that came well
 * after we learned of a later term shows that: term rows travel by replication, and one
 * may reach us before the leader's own answer, asked earlier, does. */
bool view_is_stale(const struct core *core, const struct core_view *view);

#endif
