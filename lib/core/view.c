/* view.c - observations are facts with a time; what they mean is judged here.
 *
 * Unknown, unreachable and refused stay different values. Rules F1 to F3 of
 * docs/failover-rules.md. */
#include "core/view.h"

#include <string.h>

int view_index(const struct core *core, int id)
{
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].id == id)
            return i;
    return -1;
}

const struct core_member *core_member(const struct core *core, int id)
{
    int i = view_index(core, id);

    return i < 0 ? NULL : &core->members[i];
}

const struct core_view *core_view(const struct core *core, int id)
{
    int i = view_index(core, id);

    return i < 0 ? NULL : &core->views[i];
}

struct core_view *view_self(struct core *core)
{
    int i = view_index(core, core->settings.self_id);

    CORE_ASSERT(i >= 0);
    return &core->views[i];
}

/* The record that stands in for self as long as the metadata has none. */
static struct core_member unrecorded_self(const struct core *core)
{
    struct core_member self = {.id = core->settings.self_id};

    memcpy(self.name, core->settings.self_name, sizeof self.name);
    return self;
}

void view_set_members(struct core *core, const struct core_member *members, int n)
{
    struct core_view views[CORE_MAX_NODES];
    struct core_peer peers[CORE_MAX_NODES];
    bool recorded = false;

    CORE_ASSERT(n >= 0 && n <= CORE_MAX_NODES);
    memset(views, 0, sizeof views);
    memset(peers, 0, sizeof peers);
    for (int i = 0; i < n; i++) {
        int old = view_index(core, members[i].id);

        if (old >= 0) {
            views[i] = core->views[old];
            peers[i] = core->peers[old];
        }
        recorded = recorded || members[i].id == core->settings.self_id;
    }
    if (!recorded && n == CORE_MAX_NODES)
        n--; /* we need a place; who is not registered decides nothing anyway */
    if (!recorded) {
        int old = view_index(core, core->settings.self_id);

        if (old >= 0)
            views[n] = core->views[old];
    }
    if (n > 0)
        memcpy(core->members, members, (size_t)n * sizeof members[0]);
    if (!recorded)
        core->members[n++] = unrecorded_self(core);
    memcpy(core->views, views, sizeof views);
    memcpy(core->peers, peers, sizeof peers);
    core->n_members = n;
    core->recorded = recorded;
}

bool view_lives(const struct core *core, const struct core_view *view)
{
    switch (view->seen.reach) {
    case REACH_OK:
        return true;
    case REACH_FAILED:
    case REACH_REJECTED: /* it speaks; a wrong password is no reason to fail over */
        return CORE_RULE(F2_ERROR);
    case REACH_STARTING: /* alive, for startup_patience, then as silence */
        return CORE_RULE(F3_ALIVE) && (mono_diff(core->now, view->starting_since) <
                                           core->settings.startup_patience_ms ||
                                       CORE_WITHOUT(F3_PATIENCE));
    case REACH_SILENT:
        return CORE_RULE(F2_SESSION) && view->seen.connected &&
               core->settings.check != CORE_CHECK_QUERY;
    case REACH_UNKNOWN:
    case REACH_REFUSED:
    case REACH_UNUSABLE:
        return false;
    }
    return false;
}

void view_observe(struct core *core, const struct core_observation *seen)
{
    int i = view_index(core, seen->node_id);
    struct core_view *view;

    /* F1: nothing was learned (no name server answered, a conninfo is mistyped, we ran
     * out of descriptors): what was known stays. */
    if (i < 0 || !reach_is_evidence(seen->reach))
        return;
    view = &core->views[i];
    view->seen = *seen;
    view->seen_at = core->now;
    view->fresh = true;
    if (seen->reach != REACH_STARTING)
        view->starting_since = (struct mono){0};
    else if (view->starting_since.ms == 0)
        view->starting_since = core->now;
    if (seen->reach == REACH_OK)
        view->system_identifier = seen->system_identifier;
    if (view_lives(core, view))
        view->answered_at = core->now;
    if (seen->reach == REACH_OK && core->system_identifier == 0 &&
        seen->node_id == core->settings.self_id)
        core->system_identifier = seen->system_identifier;
    if (view_is_ours(core, view) && seen->term > core->term) {
        core->term = seen->term;
        core->term_at = core->now;
    }
}

void view_begin_survey(struct core *core)
{
    core->survey_at = core->now;
    for (int i = 0; i < core->n_members; i++)
        core->views[i].fresh = false;
}

bool view_is_fresh(const struct core *core, const struct core_view *view)
{
    return view->fresh && (mono_diff(core->now, view->seen_at) <=
                               CORE_SURVEY_BEATS * core->settings.beat_ms ||
                           CORE_WITHOUT(E1_OLD));
}

bool view_survey_complete(const struct core *core)
{
    if (mono_diff(core->now, core->survey_at) >=
        CORE_SURVEY_BEATS * core->settings.beat_ms)
        return true;
    /* A witness has no PostgreSQL that could answer. */
    for (int i = 0; i < core->n_members; i++)
        if (!core->views[i].fresh && core->members[i].role != CORE_ROLE_WITNESS)
            return false;
    return true;
}

bool view_is_ours(const struct core *core, const struct core_view *view)
{
    return view->seen.reach == REACH_OK && core->system_identifier != 0 &&
           (view->seen.system_identifier == core->system_identifier ||
            CORE_WITHOUT(F4_SYSTEM));
}

bool view_is_foreign(const struct core *core, const struct core_view *view)
{
    return view->system_identifier != 0 && core->system_identifier != 0 &&
           view->system_identifier != core->system_identifier;
}

bool view_is_primary(const struct core *core, const struct core_view *view)
{
    return view_is_ours(core, view) && !view->seen.in_recovery;
}

bool view_is_stale(const struct core *core, const struct core_view *view)
{
    return CORE_RULE(P1_STALE) && view_is_primary(core, view) &&
           view->seen.term < core->term &&
           (mono_diff(view->seen_at, core->term_at) >
                CORE_SURVEY_BEATS * core->settings.beat_ms ||
            CORE_WITHOUT(P1_UNDERWAY));
}

bool view_self_is_up(const struct core *core)
{
    return view_is_ours(core, core_view(core, core->settings.self_id));
}

int view_registered_primary(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].role == CORE_ROLE_PRIMARY && core->members[i].active)
            return core->members[i].id;
    return 0;
}
