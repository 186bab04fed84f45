/* elect.c - who becomes writable, decided from one survey.
 *
 * elect_decide() is a list of rules, tried in order; the first that applies is the
 * verdict, and its reason says which one it was. Votes, promises and revocation
 * (V1, V2 of "Not yet" in docs/failover-rules.md) will stand between E8 and E9. */
#include "core/elect.h"

#include <stddef.h>

#include "core/quorum.h"
#include "core/rank.h"
#include "core/view.h"

static struct verdict
verdict(enum elect_action action, enum core_reason reason, int node_id)
{
    return (struct verdict){
        action, node_id, {.reason = reason, .node_id = node_id}
    };
}

/* The window: reconnect_attempts times reconnect_interval (design.md section 2). */
static int64_t window_ms(const struct core *core)
{
    return core->settings.reconnect_attempts * core->settings.reconnect_interval_ms;
}

/* ---- E2: somebody leads ---------------------------------------------------------- */

/* Whether a fresh, writable member may be followed at all. */
static bool may_lead_us(const struct core *core, int i)
{
    const struct core_view *view = &core->views[i];
    enum core_phase phase = view->seen.note.phase;

    return core->members[i].id != core->settings.self_id && view->fresh &&
           view_is_primary(core, view) && !view_is_stale(core, view) &&
           phase != CORE_PHASE_PROMOTE;
}

const struct core_member *elect_leader(const struct core *core,
                                       const struct core_member **ret_rival)
{
    const struct core_member *leader = NULL;
    int64_t term = 0;

    *ret_rival = NULL;
    for (int i = 0; i < core->n_members; i++) {
        if (!may_lead_us(core, i))
            continue;
        if (leader != NULL && core->views[i].seen.term == term)
            *ret_rival = &core->members[i];
        if (leader != NULL && core->views[i].seen.term <= term)
            continue;
        leader = &core->members[i];
        term = core->views[i].seen.term;
        *ret_rival = NULL;
    }
    return leader;
}

/* A member out of recovery whose term is over: the old primary that came back. */
static const struct core_member *stale_leader(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].id != core->settings.self_id && core->views[i].fresh &&
            view_is_stale(core, &core->views[i]))
            return &core->members[i];
    return NULL;
}

/* What to do about a leader that was found. */
static struct verdict with_leader(const struct core *core, int leader_id)
{
    const struct core_view *self = core_view(core, core->settings.self_id);
    const struct core_view *upstream = core_view(core, core->upstream_id);
    bool upstream_fine = upstream != NULL && upstream->fresh &&
                         core->upstream_id != core->primary_id &&
                         view_is_ours(core, upstream) && upstream->seen.in_recovery;

    if (leader_id == core->upstream_id)
        return verdict(ELECT_RETURN,
                       leader_id == core->suspect_id ? CORE_WHY_BACK
                                                     : CORE_WHY_LEADER_FOUND,
                       leader_id);
    /* A cascade whose own upstream lives stays where it is and follows the new timeline
     * through it. */
    if (upstream_fine)
        return verdict(ELECT_RETURN, CORE_WHY_LEADER_FOUND, leader_id);
    if (!view_is_ours(core, self))
        return verdict(ELECT_WAIT, CORE_WHY_SELF_DOWN, core->settings.self_id);
    if (!mono_reached(core->backoff_until, core->now))
        return verdict(ELECT_WAIT, CORE_WHY_BACKOFF, leader_id);
    if (leader_id == core->primary_id)
        return verdict(ELECT_FOLLOW, CORE_WHY_UPSTREAM_GONE, leader_id);
    return verdict(ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, leader_id);
}

/* ---- E5: somebody still hears the lost one --------------------------------------- */

/* A walreceiver of `view`, attached to the suspect, got a message since we lost it. */
static bool hears_suspect(const struct core *core, int i)
{
    const struct core_observation *seen = &core->views[i].seen;
    bool attached = core->members[i].id == core->settings.self_id
                        ? core->upstream_id == core->suspect_id
                        : core->members[i].upstream_id == core->suspect_id;

    return attached && seen->receiver_streaming && seen->receiver_age_ms >= 0 &&
           mono_add(core->views[i].seen_at, -seen->receiver_age_ms).ms >
               core->first_missed.ms;
}

/* It follows somebody other than us: the lost one, or one whose term is not over. */
static bool sees_leader(const struct core *core, const struct core_note *note)
{
    return note->phase == CORE_PHASE_FOLLOW && note->leader_id != 0 &&
           note->leader_id != core->settings.self_id &&
           (note->leader_id == core->primary_id || note->term >= core->term);
}

static struct verdict still_visible(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++) {
        const struct core_view *view = &core->views[i];
        const struct core_note *note = &view->seen.note;

        if (!view->fresh || !view_is_ours(core, view))
            continue;
        if (hears_suspect(core, i))
            return verdict(ELECT_WAIT, CORE_WHY_STILL_STREAMING, core->members[i].id);
        if (core->members[i].id != core->settings.self_id && sees_leader(core, note))
            return verdict(ELECT_WAIT, CORE_WHY_STILL_VISIBLE, core->members[i].id);
    }
    return verdict(ELECT_WAIT, CORE_WHY_NONE, 0);
}

/* ---- E7, E8: candidates -----------------------------------------------------------
 */

/* Whether a member may be promoted now. Self needs no note: we know that we run. */
static bool is_candidate(const struct core *core, int i)
{
    const struct core_member *member = &core->members[i];
    const struct core_view *view = &core->views[i];
    bool self = member->id == core->settings.self_id;
    enum core_phase phase = view->seen.note.phase;

    if (!view->fresh || !view_is_ours(core, view) || !view->seen.in_recovery)
        return false;
    if (member->priority <= 0 || !lsn_known(view->seen.position))
        return false;
    if (self)
        return core->settings.failover == CORE_FAILOVER_AUTOMATIC;
    return phase != CORE_PHASE_NONE && phase != CORE_PHASE_PASS && !view->passed_over;
}

static struct rank_candidate candidate(const struct core *core, int i)
{
    const struct core_observation *seen = &core->views[i].seen;

    return (struct rank_candidate){core->members[i].id, seen->term, seen->position,
                                   core->members[i].priority};
}

/* The candidates' best, with how it won against the runner-up, or none. */
static struct core_why best_candidate(const struct core *core)
{
    struct core_why best = {.reason = CORE_WHY_NO_CANDIDATE};
    struct rank_candidate first = {0};
    enum core_rank_rule rule;

    for (int i = 0; i < core->n_members; i++) {
        struct rank_candidate next;

        if (!is_candidate(core, i))
            continue;
        next = candidate(core, i);
        best.a++;
        if (best.node_id != 0 && rank_cmp(&first, &next, &rule) < 0) {
            best.rule = rule;
            continue;
        }
        if (best.node_id != 0)
            best.rule = rule;
        first = next;
        best.node_id = next.node_id;
        best.lsn = next.position;
        best.term = next.term;
    }
    return best;
}

/* Somebody is being promoted at this moment. */
static const struct core_member *being_promoted(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].id != core->settings.self_id && core->views[i].fresh &&
            view_is_ours(core, &core->views[i]) &&
            core->views[i].seen.note.phase == CORE_PHASE_PROMOTE)
            return &core->members[i];
    return NULL;
}

/* E7 to E9, when nothing else stands in the way. */
static struct verdict choose(const struct core *core)
{
    struct core_why best = best_candidate(core);
    const struct core_member *self = core_member(core, core->settings.self_id);
    struct verdict result = {ELECT_WAIT, 0, best};

    if (best.node_id == core->settings.self_id) {
        result.action = ELECT_PROMOTE;
        result.why.reason =
            best.a == 1 ? CORE_WHY_ONLY_CANDIDATE : CORE_WHY_BEST_CANDIDATE;
        if (!mono_reached(core->backoff_until, core->now)) {
            result.action = ELECT_WAIT;
            result.why.reason = CORE_WHY_BACKOFF;
        }
        return result;
    }
    if (best.node_id != 0)
        result.why.reason = CORE_WHY_OTHER_BETTER;
    else if (core->settings.failover == CORE_FAILOVER_MANUAL)
        result.why.reason = CORE_WHY_MANUAL;
    else if (self->priority <= 0)
        result.why.reason = CORE_WHY_SELF_PRIORITY;
    return result;
}

struct verdict elect_decide(const struct core *core)
{
    const struct core_member *leader, *rival;
    const struct core_view *self = core_view(core, core->settings.self_id);
    const struct core_view *suspect = core_view(core, core->suspect_id);
    struct quorum quorum = quorum_count(core);
    struct verdict result;

    /* E1 only after a complete survey. */
    if (!view_survey_complete(core))
        return verdict(ELECT_WAIT, CORE_WHY_SURVEY, 0);

    /* E2 somebody leads: never promote beside it. */
    leader = elect_leader(core, &rival);
    if (rival != NULL) {
        result = verdict(ELECT_WAIT, CORE_WHY_MANY_LEADERS, rival->id);
        result.why.term = core_view(core, rival->id)->seen.term;
        return result;
    }
    if (leader != NULL && core_view(core, leader->id)->seen.term < core->term)
        return verdict(ELECT_WAIT, CORE_WHY_SURVEY, leader->id); /* P1: ask once more */
    if (leader != NULL)
        return with_leader(core, leader->id);

    /* E3 the one we suspect lives after all, whatever it says (F2, F3). */
    if (suspect != NULL && suspect->fresh && view_lives(core, suspect) &&
        !view_is_stale(core, suspect) &&
        !(view_is_ours(core, suspect) && suspect->seen.in_recovery &&
          core->suspect_id == core->primary_id))
        return verdict(ELECT_RETURN, CORE_WHY_BACK, core->primary_id);

    /* E4 the window since it was last heard must be over. */
    if (mono_diff(core->now, core->first_missed) < window_ms(core))
        return verdict(ELECT_WAIT, CORE_WHY_LOST, core->suspect_id);

    /* E5 somebody reachable still hears or follows it. */
    result = still_visible(core);
    if (result.why.reason != CORE_WHY_NONE)
        return result;

    /* E6 a quorum answers. */
    if (!quorum_met(&quorum)) {
        result = verdict(ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
        result.why.a = quorum.answered;
        result.why.b = quorum.needed;
        return result;
    }

    /* E7 our own PostgreSQL must be there to be compared at all. */
    if (!view_is_ours(core, self))
        return verdict(ELECT_WAIT, CORE_WHY_SELF_DOWN, core->settings.self_id);
    leader = being_promoted(core);
    if (leader != NULL)
        return verdict(ELECT_WAIT, CORE_WHY_BEING_PROMOTED, leader->id);

    /* E8 a stale primary is told of while we wait, and never followed. */
    leader = stale_leader(core);

    /* E9 the best by P4 leads. */
    result = choose(core);
    if (leader != NULL && result.action == ELECT_WAIT)
        return verdict(ELECT_WAIT, CORE_WHY_STALE_LEADER, leader->id);
    result.why.b = quorum.two_nodes ? quorum.voting : 0;
    return result;
}
