/* elect.c - who becomes writable, decided from one survey.
 *
 * elect_decide() is a list of rules, tried in order; the first that applies is the
 * verdict, and its reason says which one it was. Whoever is the best stands: the vote
 * is in canvass.c (rules C), what a voter grants in ballot.c (V1, V2). */
#include "core/elect.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/catchup.h"
#include "core/member.h"
#include "core/pause.h"
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

/* ---- E2: somebody leads ---------------------------------------------------------- */

/* Whether a fresh, writable member may be followed at all. Nobody is before the row of
 * the term that we have promised is there: what streams from an unrecorded leadership
 * is ranked as if it were of the former one (P1, C6). */
static bool may_lead_us(const struct core *core, int i)
{
    const struct core_view *view = &core->views[i];

    return core->members[i].id != core->settings.self_id && view_is_fresh(core, view) &&
           view_is_primary(core, view) && !view_is_stale(core, view) &&
           (view->seen.term >= core->durable.term || CORE_WITHOUT(E2_ROW)) &&
           !board_is_fresh(core, &core->peers[i]) &&
           !board_is_over(core, core->members[i].id, core->durable.term);
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
        if (CORE_RULE(E2_RIVALS) && leader != NULL && core->views[i].seen.term == term)
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
        if (core->members[i].id != core->settings.self_id &&
            view_is_fresh(core, &core->views[i]) &&
            view_is_stale(core, &core->views[i]))
            return &core->members[i];
    return NULL;
}

/* Own PostgreSQL was cut off by a vote (V2), or gets no WAL though its upstream is
 * there. */
static bool must_follow_anew(const struct core *core, int leader_id)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    /* Somebody has pointed it there already: an operator, a clone. */
    if (view_is_ours(core, self) && self->seen.receiver_streaming &&
        core->upstream_id == leader_id && core->revoke_id == 0)
        return false;
    return (core->durable.revoked && CORE_RULE(V2_ANEW)) || core->detached;
}

/* What to do about a leader that was found. */
static struct verdict with_leader(const struct core *core, int leader_id)
{
    const struct core_view *self = core_view(core, core->settings.self_id);
    const struct core_view *upstream = core_view(core, core->upstream_id);
    bool upstream_fine = upstream != NULL && view_is_fresh(core, upstream) &&
                         core->upstream_id != core->primary_id &&
                         core->upstream_id != core->settings.self_id &&
                         view_is_ours(core, upstream) && upstream->seen.in_recovery;
    struct verdict result;

    if (core->settings.witness ||
        (leader_id == core->upstream_id && !must_follow_anew(core, leader_id)))
        return verdict(ELECT_RETURN,
                       leader_id == core->suspect_id ? CORE_WHY_BACK
                                                     : CORE_WHY_LEADER_FOUND,
                       leader_id);
    /* A cascade whose own upstream lives stays where it is and follows the new timeline
     * through it. */
    if (upstream_fine && !must_follow_anew(core, leader_id))
        return verdict(ELECT_RETURN, CORE_WHY_LEADER_FOUND, leader_id);
    if (!view_is_ours(core, self) || !self->seen.in_recovery)
        return verdict(ELECT_WAIT, CORE_WHY_SELF_DOWN, core->settings.self_id);
    if (!mono_reached(core->backoff_until, core->now) &&
        core->action_leader_id == leader_id)
        return verdict(ELECT_WAIT, CORE_WHY_BACKOFF, leader_id);
    result = verdict(ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, leader_id);
    /* Its own upstream, unless that one has nothing for it. */
    if (upstream_fine && !core->detached &&
        (core->follow_failures == 0 || core->action_node_id != core->upstream_id))
        result.why.node_id = core->upstream_id;
    else if (leader_id == core->primary_id && !must_follow_anew(core, leader_id))
        result.why.reason = CORE_WHY_UPSTREAM_GONE;
    return result;
}

/* ---- E5: somebody still hears the lost one --------------------------------------- */

/* A walreceiver of member `i`, attached to the suspect, got a message since we noticed
 * that it is lost: between its last answer and that it may well have lived. */
static bool hears_suspect(const struct core *core, int i)
{
    struct mono since = core->noticed_at.ms > core->first_missed.ms
                            ? core->noticed_at
                            : core->first_missed;
    const struct core_observation *seen = &core->views[i].seen;
    bool attached = core->members[i].id == core->settings.self_id
                        ? core->upstream_id == core->suspect_id
                        : core->members[i].upstream_id == core->suspect_id;

    return attached && seen->receiver_streaming && seen->receiver_age_ms >= 0 &&
           mono_add(core->views[i].seen_at, -seen->receiver_age_ms).ms > since.ms;
}

bool elect_streams(const struct core *core)
{
    int i = view_index(core, core->settings.self_id);
    const struct core_view *self = &core->views[i];
    const struct core_view *suspect = core_view(core, core->suspect_id);

    /* A former primary in recovery sends WAL like any standby, and leads nobody. */
    if (suspect != NULL && view_is_ours(core, suspect) && suspect->seen.in_recovery)
        return false;
    return CORE_RULE(E5_STREAMS) && view_is_ours(core, self) &&
           hears_suspect(core, i) &&
           mono_diff(core->now, self->seen_at) + self->seen.receiver_age_ms <
               window_of(&core->settings);
}

/* It follows somebody other than us: the lost one, or one whose term is not over. */
static bool sees_leader(const struct core *core, const struct core_peer *peer)
{
    const struct core_note *note = &peer->note;

    return board_is_fresh(core, peer) && note->phase == CORE_PHASE_FOLLOW &&
           note->leader_id != 0 && note->leader_id != core->settings.self_id &&
           (note->leader_id == core->primary_id || note->term >= core->term);
}

static struct verdict still_visible(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++) {
        const struct core_view *view = &core->views[i];
        const struct core_peer *peer = &core->peers[i];

        if (!view_is_fresh(core, view) || !view_is_ours(core, view))
            continue;
        if (CORE_RULE(E5_STREAMS) && hears_suspect(core, i))
            return verdict(ELECT_WAIT, CORE_WHY_STILL_STREAMING, core->members[i].id);
        if (CORE_RULE(E5_FOLLOWS) && core->members[i].id != core->settings.self_id &&
            sees_leader(core, peer))
            return verdict(ELECT_WAIT, CORE_WHY_STILL_VISIBLE, core->members[i].id);
    }
    return verdict(ELECT_WAIT, CORE_WHY_NONE, 0);
}

/* ---- E7, E9: candidates -----------------------------------------------------------
 */

bool elect_is_candidate(const struct core *core, int i)
{
    const struct core_member *member = &core->members[i];
    const struct core_peer *peer = &core->peers[i];

    if (CORE_RULE(E9_PRIORITY) && member->priority <= 0)
        return false;
    if (member->role == CORE_ROLE_WITNESS)
        return false;
    if (member->id == core->settings.self_id)
        return (core->settings.failover == CORE_FAILOVER_AUTOMATIC ||
                CORE_WITHOUT(E9_MANUAL)) &&
               core->report.known;
    return board_is_fresh(core, peer) && peer->note.report.known &&
           (!peer->note.voiceless || CORE_WITHOUT(E9_VOICE)) &&
           (peer->note.phase != CORE_PHASE_PASS || CORE_WITHOUT(E9_PASS)) &&
           !member_is_outdated(core, i) &&
           (!core->views[i].passed_over || CORE_WITHOUT(E9_IDLE));
}

static struct rank_candidate candidate(const struct core *core, int i)
{
    const struct core_report *report = core->members[i].id == core->settings.self_id
                                           ? &core->report
                                           : &core->peers[i].note.report;

    return (struct rank_candidate){core->members[i].id, report->term, report->position,
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

        if (!elect_is_candidate(core, i))
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

/* Somebody stands already, and we are not ahead of it: it gets our ballot instead. */
static const struct core_member *being_promoted(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++) {
        const struct core_peer *peer = &core->peers[i];

        if (core->members[i].id == core->settings.self_id ||
            !board_is_fresh(core, peer) || member_is_outdated(core, i))
            continue;
        if ((CORE_RULE(E7_PROMOTES) && peer->note.phase == CORE_PHASE_PROMOTE) ||
            (CORE_RULE(E7_STANDS) && peer->note.phase == CORE_PHASE_CANVASS &&
             ballot_report_cmp(&core->report, &peer->note.report) <= 0))
            return &core->members[i];
    }
    return NULL;
}

/* E9: a member whose daemon is there, and whose PostgreSQL is or has not been asked
 * yet, but whose report has not come. */
static bool owes_report(const struct core *core, int i)
{
    const struct core_member *member = &core->members[i];
    const struct core_peer *peer = &core->peers[i];
    const struct core_view *view = &core->views[i];

    if (member->id == core->settings.self_id || member->role == CORE_ROLE_WITNESS ||
        !board_is_fresh(core, peer) || peer->note.voiceless || peer->note.report.known)
        return false;
    if (CORE_RULE(E9_FORMER) && peer->note.report.coming)
        return true;
    if (view->seen.reach == REACH_UNKNOWN)
        return peer->note.phase != CORE_PHASE_RESIGNED;
    /* Its answer may be older than this survey, which a resignation cut short. */
    return view_is_ours(core, view) && view->seen.in_recovery &&
           mono_diff(core->now, view->seen_at) <=
               CORE_SURVEY_BEATS * core->settings.beat_ms;
}

/* Waited for half a window; a whole one where a former leader's PostgreSQL starts,
 * which takes longer, and has what nobody else may have. */
static const struct core_member *missing_report(const struct core *core)
{
    int64_t waited_ms = mono_diff(core->now, core->since);
    int64_t window_ms = window_of(&core->settings);

    for (int i = 0; i < core->n_members; i++) {
        bool coming = core->peers[i].note.report.coming;

        if (owes_report(core, i) && waited_ms < (coming ? window_ms : window_ms / 2))
            return &core->members[i];
    }
    return NULL;
}

/* E9, when nothing else stands in the way. */
static struct verdict choose(const struct core *core)
{
    struct core_why best = best_candidate(core);
    const struct core_member *self = core_member(core, core->settings.self_id);
    struct verdict result = {ELECT_WAIT, 0, best};

    if (best.node_id == core->settings.self_id ||
        (CORE_WITHOUT(E9_BEST) && core->report.known)) {
        const struct core_member *source = catchup_source(core);

        if (source != NULL)
            return verdict(ELECT_CATCH_UP, CORE_WHY_CATCH_UP, source->id);
        result.action = ELECT_PROMOTE;
        result.why.reason =
            best.a == 1 ? CORE_WHY_ONLY_CANDIDATE : CORE_WHY_BEST_CANDIDATE;
        if (!mono_reached(core->backoff_until, core->now) ||
            !mono_reached(core->canvass_after, core->now)) {
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

/* ---- the rules, in order -----------------------------------------------------------
 */

/* E1: every member was heard since this began, or had its time; where the leader
 * resigned, those who are needed are enough. */
static bool is_survey_over(const struct core *core, bool resigned)
{
    struct quorum quorum = quorum_unbound(core);

    return view_survey_complete(core) || CORE_WITHOUT(E1_COMPLETE) ||
           (CORE_RULE(E1_RESIGNED) && resigned && quorum_met(&quorum));
}

/* E2: who leads: by its note, or, where there is no daemon, by its PostgreSQL. */
static struct verdict lead_by_other(const struct core *core)
{
    const struct core_member *rival = NULL;
    const struct core_member *leader = board_leader(core, core->durable.term);
    struct verdict result;

    if (CORE_RULE(E2_NOTE) && leader != NULL)
        return with_leader(core, leader->id);
    leader = elect_leader(core, &rival);
    if (rival != NULL) {
        result = verdict(ELECT_WAIT, CORE_WHY_MANY_LEADERS, rival->id);
        result.why.term = core_view(core, rival->id)->seen.term;
        return result;
    }
    if (leader == NULL || CORE_WITHOUT(E2_ANSWER))
        return verdict(ELECT_WAIT, CORE_WHY_NONE, 0);
    if (CORE_RULE(P1_AGAIN) && core_view(core, leader->id)->seen.term < core->term)
        return verdict(ELECT_WAIT, CORE_WHY_SURVEY, leader->id); /* P1: once more */
    return with_leader(core, leader->id);
}

/* E3: the one we suspect lives after all, whatever it says (F2, F3), and is still the
 * one whom we promised: who was cut off by a vote does not just return. */
static bool suspect_lives(const struct core *core)
{
    const struct core_view *suspect = core_view(core, core->suspect_id);

    if (CORE_WITHOUT(E3_RETURN) || core->durable.revoked ||
        (core->suspect_id == core->primary_id && core->durable.leader_id != 0 &&
         core->durable.leader_id != core->suspect_id))
        return false;
    return suspect != NULL && view_is_fresh(core, suspect) &&
           view_lives(core, suspect) && !view_is_stale(core, suspect) &&
           !(view_is_ours(core, suspect) && suspect->seen.in_recovery &&
             core->suspect_id == core->primary_id);
}

/* E4, V1: nobody may lead any more: its window is over and so is our promise. */
static struct verdict still_bound(const struct core *core, bool resigned)
{
    struct quorum quorum = quorum_unbound(core);

    struct verdict result;

    if (CORE_RULE(E4_EVIDENCE) && ballot_has_evidence(core)) {
        result = verdict(ELECT_WAIT, CORE_WHY_AWAITED, core->durable.leader_id);
        result.why.term = core->durable.term;
        return result;
    }
    if (CORE_RULE(E4_WINDOW) && (!resigned || quorum.two_nodes) &&
        mono_diff(core->now, core->first_missed) < window_of(&core->settings) &&
        !board_is_over(core, core->suspect_id, core->durable.term))
        return verdict(ELECT_WAIT, CORE_WHY_LOST,
                       core->suspect_id != 0 ? core->suspect_id
                                             : core->durable.leader_id);
    if (CORE_RULE(E4_PROMISE) && !ballot_is_free(core))
        return verdict(ELECT_WAIT, CORE_WHY_PROMISED, core->durable.leader_id);
    if (ballot_leader_answers(core) && !resigned)
        return verdict(ELECT_WAIT, CORE_WHY_LEADER_STOPPED, core->durable.leader_id);
    return verdict(ELECT_WAIT, CORE_WHY_NONE, 0);
}

/* E6: enough are there, and support nobody. */
static struct verdict no_quorum(const struct core *core)
{
    struct quorum quorum = quorum_unbound(core);
    struct verdict result = verdict(ELECT_WAIT, CORE_WHY_NONE, 0);

    if (CORE_WITHOUT(E6_MAJORITY) || quorum_met(&quorum))
        return result;
    result.why.reason = CORE_WHY_NO_QUORUM;
    result.why.a = quorum.answered;
    result.why.b = quorum.needed;
    return result;
}

/* E7: we can be compared. */
static struct verdict not_comparable(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    if (!view_is_ours(core, self))
        return verdict(ELECT_WAIT, CORE_WHY_SELF_DOWN, core->settings.self_id);
    if (catchup_is_on(core))
        return verdict(ELECT_WAIT, CORE_WHY_CATCH_UP, core->action_node_id);
    if (!core->report.known)
        return verdict(ELECT_WAIT, CORE_WHY_NO_REPORT, core->settings.self_id);
    return verdict(ELECT_WAIT, CORE_WHY_NONE, 0);
}

struct verdict elect_decide(const struct core *core)
{
    bool resigned = core->durable.leader_id != 0 &&
                    board_is_over(core, core->durable.leader_id, core->durable.term);
    const struct core_member *other;
    struct quorum quorum = quorum_unbound(core);
    struct verdict result;

    result = lead_by_other(core);
    if (result.why.reason != CORE_WHY_NONE &&
        (result.action != ELECT_WAIT ||
         board_leader(core, core->durable.term) != NULL ||
         is_survey_over(core, resigned)))
        return result;
    /* E2, L9: one that leads in a lower term than we have promised renews it. */
    other = board_leader(core, 0);
    if (CORE_RULE(L9_AWAITED) && other != NULL)
        return verdict(ELECT_WAIT, CORE_WHY_STILL_VISIBLE, other->id);
    if (!is_survey_over(core, resigned))
        return verdict(ELECT_WAIT, CORE_WHY_SURVEY, 0);
    if (!resigned && suspect_lives(core))
        return verdict(ELECT_RETURN, CORE_WHY_BACK, core->primary_id);
    if (pause_forbids(core)) /* M3 */
        return verdict(ELECT_WAIT, CORE_WHY_PAUSED, core->settings.self_id);
    if (!ballot_may_vote(core))
        return verdict(ELECT_WAIT, CORE_WHY_NO_STATE, core->settings.self_id);
    result = still_bound(core, resigned);
    if (result.why.reason == CORE_WHY_NONE && !resigned)
        result = still_visible(core); /* E5 */
    if (result.why.reason == CORE_WHY_NONE)
        result = no_quorum(core);
    if (result.why.reason == CORE_WHY_NONE)
        result = not_comparable(core);
    if (result.why.reason != CORE_WHY_NONE)
        return result;
    other = being_promoted(core);
    if (other != NULL)
        return verdict(ELECT_WAIT, CORE_WHY_BEING_PROMOTED, other->id);
    other = missing_report(core);
    if (CORE_RULE(E9_REPORTS) && other != NULL)
        return verdict(ELECT_WAIT, CORE_WHY_SURVEY, other->id);

    /* E8 a stale primary is told of while we wait, and never followed. */
    other = stale_leader(core);
    result = choose(core);
    if (other != NULL && result.action == ELECT_WAIT)
        return verdict(ELECT_WAIT, CORE_WHY_STALE_LEADER, other->id);
    result.why.b = quorum.two_nodes ? quorum.voting : 0;
    return result;
}
