/* ballot.c - a poll is a ballot: what a voter promises, to whom, and until when.
 *
 * The order of a vote (V2): check; write; be cut off from the old leader and know what
 * own WAL is worth; check again; post. Here the cut comes first, as soon as the old
 * leader has resigned or nobody supports it any more: then all reports are on the
 * boards before anybody canvasses, and the best candidate is known. */
#include "core/ballot.h"

#include <stddef.h>

#include "core/board.h"
#include "core/catchup.h"
#include "core/effect.h"
#include "core/elect.h"
#include "core/pause.h"
#include "core/quorum.h"
#include "core/view.h"

/* ---- what is durable ---------------------------------------------------------------
 */

void ballot_start(struct core *core, const struct core_durable *durable)
{
    int64_t window_ms = window_of(&core->settings);

    core->durable = *durable;
    core->wanted = *durable;
    /* D2: as if the last promise had been renewed at this moment. */
    if (CORE_RULE(D2_WINDOW) && durable->window_ms > window_ms)
        window_ms = durable->window_ms;
    if (CORE_RULE(D2_PROMISE) && durable->leader_id != 0 &&
        durable->leader_id != core->settings.self_id)
        core->promise_until = mono_add(core->now, window_ms);
    pause_start(core);
}

/* Who has never promised anything could elect somebody beside a leader that was never
 * supported, and so is not fenced (lease.c, arm): only once that one gave up. */
static bool knows_regime(const struct core *core)
{
    int first = view_registered_primary(core);

    return core->durable.term > 0 || CORE_WITHOUT(D3_NEW) ||
           (first != 0 && core->term > 0 && board_is_over(core, first, core->term));
}

static bool has_vote(const struct core *core)
{
    return (core->durable.incarnation != 0 || CORE_WITHOUT(D3_VOICE)) &&
           knows_regime(core);
}

bool ballot_may_vote(const struct core *core)
{
    return has_vote(core) && !pause_forbids(core);
}

bool ballot_is_settled(const struct core *core)
{
    return core->save_id == 0 && !core->save_failed;
}

static void emit_save(struct core *core, struct core_effects *out)
{
    struct core_effect *effect = effect_emit(out, CORE_EFF_SAVE);

    core->save_id = ++core->last_id;
    core->save_failed = false;
    effect->id = core->save_id;
    effect->durable = core->wanted;
}

void ballot_save_again(struct core *core, struct core_effects *out)
{
    if (core->save_failed && mono_reached(core->save_after, core->now))
        emit_save(core, out);
}

void ballot_save(struct core *core,
                 const struct core_durable *wanted,
                 struct core_effects *out)
{
    CORE_ASSERT(ballot_is_settled(core));
    CORE_ASSERT(CORE_WITHOUT(V1_NUMBER) || wanted->term >= core->durable.term);
    CORE_ASSERT(CORE_WITHOUT(V1_NUMBER) || wanted->term > core->durable.term ||
                wanted->leader_id == core->durable.leader_id ||
                core->durable.leader_id == 0);
    core->wanted = *wanted;
    emit_save(core, out);
}

void ballot_saved(struct core *core, uint32_t id, bool ok)
{
    if (id != core->save_id)
        return;
    core->save_id = 0;
    if (!ok) {
        /* It may or may not be on disk: what is said must be true of both. So the same
         * is written again, before anything else is. */
        core->save_failed = CORE_RULE(D1_AGAIN);
        core->save_after = mono_add(core->now, core->settings.beat_ms);
        return;
    }
    if (core->wanted.leader_id != core->durable.leader_id)
        core->promise_until = core->now; /* nothing was said to that one yet */
    if (!core->wanted.revoked)
        core->followed = false;
    pause_saved(core);
    core->durable = core->wanted;
}

/* ---- support -----------------------------------------------------------------------
 */

static const struct core_peer *leader_peer(const struct core *core)
{
    return board_peer(core, core->durable.leader_id);
}

/* on_daemon_loss = keep: a primary that answers is evidence, without a daemon too. */
static bool answers_as_primary(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);

    return view != NULL && view_is_primary(core, view) && !view_is_stale(core, view) &&
           mono_diff(core->now, view->seen_at) <= board_sign_ms(core);
}

bool ballot_leader_answers(const struct core *core)
{
    int id = core->durable.leader_id;

    return CORE_RULE(V1_ANSWERS) && id != 0 && id != core->settings.self_id &&
           answers_as_primary(core, id) && core_view(core, id)->seen.term >= core->term;
}

bool ballot_has_evidence(const struct core *core)
{
    const struct core_peer *peer = leader_peer(core);
    enum core_phase phase;

    if (peer == NULL || core->durable.leader_id == core->settings.self_id)
        return false;
    if (CORE_RULE(L2_KEEP) && core->settings.keep_on_daemon_loss &&
        answers_as_primary(core, core->durable.leader_id) &&
        !board_is_over(core, core->durable.leader_id, core->durable.term))
        return true;
    if (CORE_RULE(L2_FRESH) && !board_shows_sign(core, peer))
        return false;
    if (CORE_WITHOUT(L2_TERM))
        return true;
    phase = peer->note.phase;
    if (phase == CORE_PHASE_LEAD || phase == CORE_PHASE_RENEW)
        return peer->note.term >= core->durable.term;
    return peer->note.term == core->durable.term;
}

/* Whether our own duty is also what we are doing: a canvass that was given up is none,
 * even before its end is written. */
static bool supports_self(const struct core *core)
{
    switch (core->durable.duty) {
    case CORE_DUTY_CANDIDATE:
        return core->state == CORE_CANVASSING;
    case CORE_DUTY_PROMOTING:
        return core->state == CORE_CANVASSING || core->state == CORE_PROMOTING ||
               core->state == CORE_PRIMARY;
    case CORE_DUTY_LEADING:
        return core->state == CORE_PRIMARY || core->state == CORE_CANVASSING;
    case CORE_DUTY_FOLLOWER:
    case CORE_DUTY_RESIGNED:
        return false;
    }
    return false;
}

int ballot_supports(const struct core *core)
{
    if (CORE_RULE(D3_VOICE) && core->durable.incarnation == 0)
        return 0;
    /* While another promise is being written the old one is not extended. */
    if (CORE_RULE(D1_PENDING) && !ballot_is_settled(core) &&
        core->wanted.leader_id != core->durable.leader_id)
        return 0;
    if (core->durable.leader_id == core->settings.self_id)
        return supports_self(core) ? core->settings.self_id : 0;
    /* L2: a ballot promises W; that much is durable first. */
    if (CORE_RULE(L2_WINDOW) && core->durable.window_ms < window_of(&core->settings))
        return 0;
    return ballot_has_evidence(core) ? core->durable.leader_id : 0;
}

bool ballot_is_free(const struct core *core)
{
    int leader = core->durable.leader_id;

    if (leader == 0 || CORE_WITHOUT(V1_PROMISE))
        return true;
    return board_is_over(core, leader, core->durable.term) ||
           (leader != core->settings.self_id &&
            mono_reached(core->promise_until, core->now));
}

struct mono ballot_deadline(const struct core *core)
{
    const struct core_peer *peer = leader_peer(core);
    struct mono at = MONO_NEVER;

    if (core->durable.leader_id != 0 && !mono_reached(core->promise_until, core->now))
        at = core->promise_until;
    if (peer != NULL && peer->sign_at.ms != 0) {
        struct mono stale = mono_add(peer->sign_at, board_sign_ms(core) + 1);

        if (!mono_reached(stale, core->now))
            at = mono_min(at, stale);
    }
    return at;
}

/* ---- reports -----------------------------------------------------------------------
 */

struct core_report ballot_own_report(const struct core *core)
{
    if (core->state == CORE_CANVASSING && core->claiming)
        return (struct core_report){
            .known = true, .term = core->claim_term, .position = core->claim_position};
    return core->report;
}

int ballot_report_cmp(const struct core_report *a, const struct core_report *b)
{
    if (!a->known || !b->known)
        return a->known - b->known;
    if (CORE_RULE(P4_1) && a->term != b->term)
        return a->term < b->term ? -1 : 1;
    return CORE_RULE(P4_2) ? lsn_cmp(a->position, b->position) : 0;
}

/* Nobody can hold a lease that we would cut ourselves off from: it resigned, or enough
 * voters support nobody. */
static bool is_cut_called_for(const struct core *core)
{
    struct quorum quorum = quorum_unbound(core);

    if (CORE_WITHOUT(V2_WHEN))
        return true;
    if (core->durable.leader_id == core->settings.self_id)
        return board_is_over(core, core->settings.self_id, core->durable.term);
    if (!ballot_is_free(core) || board_leader(core, 0) != NULL ||
        ballot_leader_answers(core))
        return false;
    if (board_is_over(core, core->durable.leader_id, core->durable.term))
        return true;
    /* E5: the cut must not silence what says that it lives. */
    return quorum_met(&quorum) && !elect_streams(core);
}

void ballot_revoke(struct core *core, struct core_effects *out)
{
    const struct core_view *self = view_self(core);

    if (core->report.known || core->revoke_id != 0 || core->settings.witness ||
        !ballot_may_vote(core) || !ballot_is_settled(core) ||
        !mono_reached(core->revoke_after, core->now))
        return;
    if (!view_is_ours(core, self) || !self->seen.in_recovery ||
        !is_cut_called_for(core) || catchup_is_on(core))
        return;
    /* It lasts until we follow somebody, restarts included: written down first. */
    if (CORE_RULE(V2_DURABLE) && !core->durable.revoked) {
        struct core_durable wanted = core->durable;

        wanted.revoked = true;
        core->followed = false;
        ballot_save(core, &wanted, out);
        return;
    }
    if (core->followed)
        return; /* that we streamed since is written first */
    core->revoke_id = ++core->last_id;
    effect_emit(out, CORE_EFF_REVOKE)->id = core->revoke_id;
    out->v[out->n - 1].deadline_ms = window_of(&core->settings);
}

void ballot_revoked(struct core *core,
                    uint32_t id,
                    bool ok,
                    const struct core_report *report)
{
    if (id != core->revoke_id)
        return;
    core->revoke_id = 0;
    if (ok && report->known) {
        core->report = *report;
        if (core->catching_up)
            catchup_end(core);
        return;
    }
    core->revoke_after = mono_add(core->now, core->settings.beat_ms);
}

/* ---- granting ----------------------------------------------------------------------
 */

/* Whether our own WAL lets us vote for a candidate with `report`: known and not ahead,
 * or proved to be no copy at this moment. */
static bool wal_allows(const struct core *core, const struct core_report *report)
{
    const struct core_member *self = core_member(core, core->settings.self_id);
    bool unfit = core->settings.failover == CORE_FAILOVER_MANUAL || self->priority <= 0;

    if (core->settings.witness || core->local == CORE_LOCAL_GONE)
        return true;
    if (!core->report.known)
        return CORE_WITHOUT(V2_REPORT);
    if (CORE_WITHOUT(V1_REPORT) || ballot_report_cmp(&core->report, report) <= 0)
        return true;
    /* C3: who may not lead waives its lead in the WAL, after half a window, where
     * commits were not promised to be on two nodes. */
    return CORE_RULE(C3_WAIVES) && unfit &&
           (core->durable.copies == 0 || CORE_WITHOUT(C3_COPIES)) &&
           core->state == CORE_ELECTING &&
           mono_diff(core->now, core->since) >= window_of(&core->settings) / 2;
}

/* V1, of a candidate or of a leader that renews. */
static bool may_grant(const struct core *core, int i)
{
    const struct core_peer *peer = &core->peers[i];
    const struct core_note *note = &peer->note;
    int candidate = core->members[i].id;
    bool own_leader = candidate == core->durable.leader_id;
    const struct core_member *leader = board_leader(core, 0);

    if (candidate == core->settings.self_id)
        return false;
    if (CORE_RULE(V1_ADVANCES) && !board_shows_sign(core, peer))
        return false;
    if (CORE_RULE(V1_VOICE) && note->voiceless)
        return false;
    if (CORE_RULE(V1_NUMBER) && note->term <= core->durable.term)
        return false;
    if (CORE_RULE(V1_MEMBERS) && note->members_version < core->durable.members_version)
        return false;
    if (note->phase == CORE_PHASE_RENEW) /* L9 */
        return (own_leader && CORE_RULE(L9_FOLLOWERS)) ||
               (ballot_is_free(core) && !pause_forbids(core) && leader != NULL &&
                leader->id == candidate);
    if (note->phase != CORE_PHASE_CANVASS || pause_forbids(core))
        return false;
    /* M2: its ballot counts for nothing, but with copies its report does (C2). */
    if (!core_member(core, core->settings.self_id)->voting && core->durable.copies == 0)
        return false;
    return ballot_is_free(core) && (leader == NULL || CORE_WITHOUT(V1_LEADS)) &&
           (!ballot_has_evidence(core) || CORE_WITHOUT(V1_EVIDENCE)) &&
           (own_leader || !ballot_leader_answers(core)) &&
           wal_allows(core, &note->report);
}

static void
promise(struct core *core, int leader_id, int64_t term, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    int64_t window_ms = window_of(&core->settings);

    wanted.term = term;
    wanted.leader_id = leader_id;
    wanted.duty = CORE_DUTY_FOLLOWER;
    wanted.relied_until.ms = 0;
    wanted.lead_term = 0;
    wanted.armed = false;
    wanted.recorded = false;
    wanted.rested = false;
    if (wanted.window_ms < window_ms)
        wanted.window_ms = window_ms;
    ballot_save(core, &wanted, out);
}

/* The candidate to grant: the best report, then the lowest id, so that two who canvass
 * at once do not split us. -1 when there is none. */
static int choose_candidate(const struct core *core)
{
    int best = -1;

    for (int i = 0; i < core->n_members; i++) {
        if (!may_grant(core, i))
            continue;
        if (best < 0 || (CORE_RULE(V1_BETTER) &&
                         ballot_report_cmp(&core->peers[best].note.report,
                                           &core->peers[i].note.report) < 0))
            best = i;
    }
    return best;
}

void ballot_note_members(const struct core *core, struct core_durable *wanted)
{
    int64_t pair_version = quorum_pair_version(core);

    if (core->members_version > wanted->members_version)
        wanted->members_version = core->members_version;
    if (pair_version > wanted->pair_version)
        wanted->pair_version = pair_version;
}

/* k of C2: how many confirm a commit, as the leader's settings are now; what was last
 * known when it does not answer. */
static int copies_of_leader(const struct core *core)
{
    const struct core_view *view = core_view(core, core->durable.leader_id);

    if (view == NULL || !view_is_primary(core, view) ||
        mono_diff(core->now, view->seen_at) > board_sign_ms(core))
        return CORE_RULE(C2_KEPT) ? core->durable.copies : 0;
    return view->seen.copies;
}

/* What else the file must say: a longer window before it is promised (D1), that we
 * stream again (V2). */
static bool keep_up(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    int64_t window_ms = window_of(&core->settings);

    if (core->durable.leader_id != 0 && wanted.window_ms < window_ms)
        wanted.window_ms = window_ms;
    if (core->followed)
        wanted.revoked = false; /* only a follow that ended well undoes a revocation */
    wanted.copies = copies_of_leader(core);
    ballot_note_members(core, &wanted);
    pause_keep(core, &wanted);
    if (wanted.window_ms == core->durable.window_ms &&
        pause_is_same(&wanted, &core->durable) &&
        wanted.revoked == core->durable.revoked &&
        wanted.copies == core->durable.copies &&
        wanted.members_version == core->durable.members_version &&
        wanted.pair_version == core->durable.pair_version)
        return false;
    ballot_save(core, &wanted, out);
    return true;
}

/* C4: a canvass of ours that is not under way any more is resigned in writing. */
static bool resign_canvass(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;

    if (CORE_WITHOUT(C4_RESIGNED) ||
        core->durable.leader_id != core->settings.self_id ||
        (core->durable.duty != CORE_DUTY_CANDIDATE &&
         core->durable.duty != CORE_DUTY_PROMOTING))
        return false;
    wanted.duty = CORE_DUTY_RESIGNED;
    ballot_save(core, &wanted, out);
    return true;
}

void ballot_consider(struct core *core, struct core_effects *out)
{
    const struct core_member *leader = board_leader(core, core->durable.term);
    struct core_why why;
    int i;

    if ((CORE_RULE(D3_VOICE) && core->durable.incarnation == 0) ||
        !ballot_is_settled(core))
        return;
    if (resign_canvass(core, out))
        return;
    /* L8: who leads a later term, or the first one that we hear of, is adopted. */
    if (CORE_RULE(L8_ADOPTED) && leader != NULL &&
        (board_peer(core, leader->id)->note.phase == CORE_PHASE_LEAD ||
         CORE_WITHOUT(L8_LEAD))) {
        const struct core_note *note = &board_peer(core, leader->id)->note;

        if (note->term > core->durable.term) {
            promise(core, leader->id, note->term, out);
            return;
        }
    }
    if (keep_up(core, out))
        return;
    if (!has_vote(core))
        return;
    i = choose_candidate(core);
    if (i < 0)
        return;
    promise(core, core->members[i].id, core->peers[i].note.term, out);
    why = why_of(CORE_WHY_VOTED, core->members[i].id);
    why.term = core->peers[i].note.term;
    effect_report(out, CORE_SAY_VOTED, why.node_id, why);
}
