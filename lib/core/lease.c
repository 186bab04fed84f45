/* lease.c - a leader stays writable only while a quorum supports it.
 *
 *   lease valid --lapses--> frozen --valid again--> thawed
 *                              |
 *                              +--W is over--> killed, resigned on disk, resigned
 *
 * One action on own processes is under way at most. The sentry does the same by itself
 * when this daemon does not run (L7). */
#include "core/lease.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/campaign.h"
#include "core/effect.h"
#include "core/member.h"
#include "core/monitor.h"
#include "core/pause.h"
#include "core/quorum.h"
#include "core/view.h"

/* ---- own processes -----------------------------------------------------------------
 */

static bool is_frozen(const struct core *core)
{
    return core->local == CORE_LOCAL_FROZEN;
}

static void count_freeze(struct core *core, bool frozen)
{
    int64_t span_ms = mono_diff(core->now, core->frozen_at);
    int64_t memory_ms = 3 * window_of(&core->settings);

    if (core->frozen_since.ms != 0)
        core->frozen_ms += mono_diff(core->now, core->frozen_at);
    else
        core->frozen_ms -= core->frozen_ms < span_ms ? core->frozen_ms : span_ms;
    if (core->frozen_ms > memory_ms)
        core->frozen_ms = memory_ms;
    core->frozen_at = core->now;
    if (!frozen && core->frozen_since.ms != 0)
        core->thawed_at = core->now;
    if (!frozen)
        core->frozen_since = (struct mono){0};
    else if (core->frozen_since.ms == 0)
        core->frozen_since = core->now;
}

void lease_local(struct core *core, enum core_local local, bool clean)
{
    bool gone = local == CORE_LOCAL_DEAD || local == CORE_LOCAL_GONE;

    count_freeze(core, local == CORE_LOCAL_FROZEN);
    core->local = local;
    core->local_clean = gone && clean;
    if (local == CORE_LOCAL_GONE)
        core->local_writable = false;
    if (gone) {
        core->report.known = false;
        /* What it last said was said by processes that are no more. */
        if (!core->settings.witness && view_self(core)->seen.reach == REACH_OK)
            view_self(core)->seen.reach = REACH_REFUSED;
    }
    if (!gone)
        core->local_gone_at = (struct mono){0};
    else if (core->local_gone_at.ms == 0)
        core->local_gone_at = core->now;
}

static void act(struct core *core, enum core_effect_kind kind, struct core_effects *out)
{
    struct core_effect *effect;

    if (core->fence_id != 0 || !mono_reached(core->fence_after, core->now))
        return;
    core->fence_id = ++core->last_id;
    core->fence_kind = kind;
    effect = effect_emit(out, kind);
    effect->id = core->fence_id;
    effect->deadline_ms = window_of(&core->settings) / 2;
}

void lease_done(struct core *core, uint32_t id, bool ok)
{
    if (id == core->start_id) {
        core->start_id = 0;
        core->start_tries = ok ? 0 : core->start_tries + 1;
        core->start_wanted = !ok && core->start_tries < 5;
        core->start_after = mono_add(core->now, window_of(&core->settings));
        return;
    }
    if (id != core->fence_id)
        return;
    core->fence_id = 0;
    if (!ok) {
        core->fence_after = mono_add(core->now, core->settings.beat_ms);
        return;
    }
    if (core->fence_kind == CORE_EFF_FREEZE)
        lease_local(core, CORE_LOCAL_FROZEN, false);
    else if (core->fence_kind == CORE_EFF_THAW)
        lease_local(core, CORE_LOCAL_RUNNING, false);
    else
        lease_local(core, CORE_LOCAL_GONE, false);
}

/* ---- the lease ---------------------------------------------------------------------
 */

static bool may_fence(const struct core *core)
{
    return core->settings.fencing != CORE_FENCING_OFF &&
           !core->settings.keep_on_quorum_loss;
}

/* A promotion is under way, or has been: no ballots, no right to be writable. */
static bool is_armed(const struct core *core)
{
    return may_fence(core) && (core->durable.armed || CORE_WITHOUT(L4_ARMED));
}

/* The term that we lead, or promote for. */
static int64_t led_term(const struct core *core)
{
    return core->durable.duty == CORE_DUTY_LEADING ? core->durable.lead_term
                                                   : core->durable.term;
}

struct mono lease_until(const struct core *core)
{
    struct mono until = quorum_lease_until(core, led_term(core));
    struct mono most = mono_add(core->lead_since, window_of(&core->settings) / 2);

    /* D2: the ballots that the former run counted are as good as ever, by the same
     * clock, though this run has not seen them; no longer than a lease may last. */
    if (core->inherited_until.ms > until.ms && core->inherited_until.ms <= most.ms)
        return core->inherited_until;
    return until;
}

bool lease_is_valid(const struct core *core)
{
    return !mono_reached(lease_until(core), core->now);
}

/* L1, M3: ballots of enough voters, or their promise to elect nobody. */
static bool may_write(const struct core *core)
{
    return lease_is_valid(core) || pause_relies(core);
}

/* A daemon that was stopped in good order, or that is missed by nobody while PostgreSQL
 * answers, gets a moment to collect ballots (M4); so does one that has just seen the
 * first daemons of a quorum. Until when; ms 0 = no such moment. */
static struct mono grace_until(const struct core *core)
{
    int64_t grace_ms = 4 * core->settings.beat_ms;
    struct mono until = {0};

    if (CORE_RULE(M4_MOMENT) &&
        (core->durable.rested || core->settings.keep_on_daemon_loss))
        until = mono_add(core->lead_since, grace_ms);
    if (core->armed_at.ms != 0 && core->armed_at.ms + grace_ms > until.ms)
        until = mono_add(core->armed_at, grace_ms);
    return until;
}

static bool in_grace(const struct core *core)
{
    return !mono_reached(grace_until(core), core->now);
}

/* While it is not valid: when it lapsed, as far as this run knows. */
static struct mono lapsed_at(const struct core *core)
{
    struct mono until = lease_until(core);
    struct mono grace = grace_until(core);
    struct mono since = core->lead_since.ms > grace.ms ? core->lead_since : grace;

    if (core->relied_until.ms > since.ms && core->relied_until.ms <= core->now.ms)
        since = core->relied_until;
    /* M1: it was valid until more ballots were needed than before. */
    if (CORE_RULE(M1_OUTVOTED) && core->outvoted_at.ms > since.ms)
        since = core->outvoted_at;
    return until.ms > since.ms ? until : since;
}

bool lease_may_say_lead(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    if (core->durable.duty != CORE_DUTY_LEADING ||
        (CORE_RULE(C6_ROW) && !core->lead_recorded))
        return false;
    if (is_frozen(core) || CORE_WITHOUT(L3_SAID))
        return true;
    if (core->local == CORE_LOCAL_DEAD || core->local == CORE_LOCAL_GONE ||
        !core->local_writable)
        return false;
    return self->seen.reach != REACH_STARTING;
}

bool lease_is_calm(const struct core *core)
{
    struct mono until = lease_until(core);

    if (CORE_WITHOUT(N3_LEADER))
        return true;
    if (is_frozen(core) || !view_self_is_up(core))
        return false;
    return until.ms == MONO_NEVER.ms ||
           mono_diff(until, core->now) > window_of(&core->settings) / 4;
}

/* ---- resigning ---------------------------------------------------------------------
 */

void lease_resign(struct core *core, enum core_reason reason, struct core_effects *out)
{
    struct core_why why = why_of(reason, core->settings.self_id);

    why.term = core->durable.duty == CORE_DUTY_LEADING ? core->durable.lead_term
                                                       : core->durable.term;
    core->resign_why = reason;
    core->led = core->durable.duty == CORE_DUTY_LEADING;
    core->renew_term = 0;
    core->freeze_said = false;
    core->inherited_until = (struct mono){0};
    core->action_id = 0;
    core_become(core, CORE_RESIGNING, why, out);
    effect_report(out, CORE_SAY_LEASE, why.node_id, why);
}

/* Whether own PostgreSQL is proved to acknowledge nothing any more. */
static bool is_harmless(const struct core *core)
{
    return core->local == CORE_LOCAL_GONE || !core->local_writable;
}

bool lease_resigning(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    struct core_why why = why_of(core->resign_why, core->settings.self_id);

    if (CORE_RULE(L6_ENDED) && !is_harmless(core) &&
        core->settings.fencing != CORE_FENCING_OFF) {
        act(core, CORE_EFF_KILL, out);
        return false;
    }
    if (CORE_RULE(L6_WRITTEN) && core->durable.duty != CORE_DUTY_RESIGNED &&
        core->durable.leader_id == core->settings.self_id) {
        wanted.duty = CORE_DUTY_RESIGNED;
        wanted.relied_until.ms = 0;
        wanted.lead_term = 0;
        wanted.armed = false;
        wanted.recorded = false;
        if (ballot_is_settled(core))
            ballot_save(core, &wanted, out);
        return false;
    }
    core->start_wanted = CORE_RULE(L6_STARTED) && core->local == CORE_LOCAL_GONE &&
                         core->resign_why != CORE_WHY_STOPPED;
    core->start_after = core->resign_why == CORE_WHY_CRASHED
                            ? mono_add(core->now, window_of(&core->settings))
                            : core->now;
    why.term = core->durable.term;
    effect_record(out, CORE_REC_RESIGNED, true, why);
    core->primary_id = 0;
    core->upstream_id = 0;
    core->suspect_id = 0;
    core->first_missed = core->now;
    campaign_begin(core, why, out);
    return true;
}

/* ---- leading -----------------------------------------------------------------------
 */

/* L3, L8: why we must not lead any more, or NONE. */
static enum core_reason must_resign(const struct core *core)
{
    const struct core_member *later = board_leader(core, led_term(core) + 1);
    const struct core_view *self = core_view(core, core->settings.self_id);
    int64_t window_ms = window_of(&core->settings);
    struct mono heard = self->answered_at.ms > core->lead_since.ms ? self->answered_at
                                                                   : core->lead_since;

    if (core->thawed_at.ms > heard.ms)
        heard = core->thawed_at; /* it could not answer before */
    /* L8: on lead alone. Who renews does not lead that term yet: it may be a former
     * leader that was cut off in the middle of it. */
    if (CORE_RULE(L8_RESIGNS) && later != NULL &&
        board_peer(core, later->id)->note.phase == CORE_PHASE_LEAD)
        return CORE_WHY_LATER_LEADER;
    if (pause_relies(core)) /* M3: nobody else can be elected */
        return CORE_WHY_NONE;
    if (CORE_RULE(L3_DIED) &&
        (core->local == CORE_LOCAL_DEAD || core->local == CORE_LOCAL_GONE)) {
        if (!core->local_clean)
            return CORE_WHY_CRASHED;
        return core->handing_over ||
                       mono_diff(core->now, core->local_gone_at) >= window_ms
                   ? CORE_WHY_STOPPED
                   : CORE_WHY_NONE;
    }
    if (CORE_RULE(G1_RESIGNS) && view_is_ours(core, self) && self->seen.in_recovery &&
        mono_diff(self->seen_at, core->since) >
            CORE_SURVEY_BEATS * core->settings.beat_ms)
        return CORE_WHY_GUARDED;
    if (is_frozen(core))
        return CORE_WHY_NONE;
    if (CORE_WITHOUT(L3_HANGS))
        return CORE_WHY_NONE;
    if (self->seen.reach == REACH_STARTING)
        return view_lives(core, self) ? CORE_WHY_NONE : CORE_WHY_HUNG;
    return core->settings.fencing != CORE_FENCING_OFF && !view_lives(core, self) &&
                   mono_diff(core->now, heard) >= window_ms / 2
               ? CORE_WHY_HUNG
               : CORE_WHY_NONE;
}

static void say_frozen(struct core *core, bool frozen, struct core_effects *out)
{
    struct core_why why = why_of(frozen ? CORE_WHY_LEASE_LOST : CORE_WHY_LEASE, 0);
    struct quorum quorum = quorum_ballots(core, core->durable.lead_term);

    why.a = quorum.answered;
    why.b = frozen || lease_is_valid(core) ? quorum.needed : 0;
    why.term = core->durable.lead_term;
    effect_report(out, CORE_SAY_LEASE, core->settings.self_id, why);
    effect_record(out, frozen ? CORE_REC_FROZEN : CORE_REC_THAWED, true, why);
    core->freeze_said = frozen;
}

/* Once a quorum has supported us, others could elect somebody without us: from here on
 * we are writable only with a lease. Before, they could not (they never promised).
 * Their support may be lost on its way to us, so that their daemons are there is
 * enough: a cut may follow at once. */
static void arm(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;

    if (!ballot_is_settled(core))
        return;
    wanted.armed = core->durable.armed ||
                   (lease_is_valid(core) && lease_until(core).ms != MONO_NEVER.ms) ||
                   (CORE_RULE(L4_SEEN) && quorum_could_elect(core));
    if (wanted.armed && !core->durable.armed && !lease_is_valid(core))
        core->armed_at = core->now;
    wanted.rested = core->stopping || (core->durable.rested && in_grace(core));
    if (wanted.window_ms < window_of(&core->settings))
        wanted.window_ms = window_of(&core->settings);
    wanted.recorded = core->lead_recorded;
    if (view_is_primary(core, view_self(core)))
        wanted.copies = view_self(core)->seen.copies;
    ballot_note_members(core, &wanted);
    pause_lead(core, !is_armed(core) || lease_is_valid(core), &wanted);
    if (wanted.armed != core->durable.armed || wanted.rested != core->durable.rested ||
        wanted.recorded != core->durable.recorded ||
        wanted.copies != core->durable.copies ||
        wanted.members_version != core->durable.members_version ||
        wanted.pair_version != core->durable.pair_version ||
        !pause_is_same(&wanted, &core->durable) ||
        wanted.window_ms != core->durable.window_ms)
        ballot_save(core, &wanted, out);
}

/* L9: a voter whose promise is above our term, or the same number of its own lost
 * canvass, can support us only under a higher one. 0 when there is none. */
static int64_t term_in_the_way(const struct core *core)
{
    int64_t term = 0;

    for (int i = 0; i < core->n_members; i++) {
        const struct core_note *note = &core->peers[i].note;
        bool own =
            note->phase == CORE_PHASE_RESIGNED || note->phase == CORE_PHASE_CANVASS;

        if (!board_is_fresh(core, &core->peers[i]) ||
            note->term + own <= core->durable.term)
            continue;
        if (note->term > term)
            term = note->term;
    }
    return term;
}

static void renew(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    struct core_why why = why_of(CORE_WHY_RENEWED, core->settings.self_id);
    struct quorum quorum;

    if (CORE_WITHOUT(L9_RENEWS))
        return;
    if ((!lease_is_valid(core) && may_fence(core)) || is_frozen(core) ||
        !ballot_is_settled(core) || !core->lead_recorded)
        return;
    if (core->renew_term == 0 && core->durable.term > core->durable.lead_term)
        core->renew_term = core->durable.term; /* unfinished by an earlier run */
    if (term_in_the_way(core) != 0) {
        wanted.term = 1 + (core->top_term > core->durable.term ? core->top_term
                                                               : core->durable.term);
        core->renew_term = wanted.term;
        ballot_save(core, &wanted, out);
        return;
    }
    if (core->renew_term == 0 || core->durable.term != core->renew_term)
        return;
    quorum = quorum_ballots(core, core->renew_term);
    if (CORE_RULE(L9_WON) && !quorum_met(&quorum))
        return;
    why.term = core->renew_term;
    effect_report(out, CORE_SAY_VERDICT, 0, why);
    effect_record(out, CORE_REC_RENEWED, true, why);
    wanted.lead_term = core->renew_term;
    wanted.recorded = false;
    core->renew_term = 0;
    core->lead_recorded = false;
    ballot_save(core, &wanted, out);
}

/* P1, C6: our term has a row before we say that we lead. */
static void record_term(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;

    if (core->lead_recorded || !ballot_is_settled(core))
        return;
    if (view_is_primary(core, view_self(core)) &&
        view_self(core)->seen.term == core->durable.lead_term) {
        core->lead_recorded = true; /* by an earlier run, or the answer was lost */
        return;
    }
    if (core->lead_id != 0 || !mono_reached(core->lead_after, core->now) ||
        !view_self_is_up(core))
        return;
    core->lead_id = ++core->last_id;
    effect = effect_emit(out, CORE_EFF_LEAD);
    effect->id = core->lead_id;
    effect->term = core->durable.lead_term;
}

/* C6: promoted; from here on a restart may lead again. */
static void write_leading(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;

    if (!ballot_is_settled(core))
        return;
    wanted.duty = CORE_DUTY_LEADING;
    wanted.lead_term = wanted.term;
    wanted.recorded = false;
    ballot_save(core, &wanted, out);
}

/* D3: without a valid file we lead nothing. That is left alone only where nobody else
 * ever promised anything, so that nobody can be elected. */
static bool lead_without_voice(struct core *core, struct core_effects *out)
{
    if (CORE_WITHOUT(D3_PRIMARY) || core->top_term == 0 || !may_fence(core))
        return false;
    lease_resign(core, CORE_WHY_NO_STATE, out);
    return true;
}

/* crash_action = restart: one quick restart before the term is given up, within a
 * window. It comes up read-only (G1), and with all of its WAL it is compared like any
 * other. */
static bool restart_in_place(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;

    if (!core->settings.restart_on_crash ||
        mono_diff(core->now, core->local_gone_at) >= window_of(&core->settings))
        return false;
    if (core->local == CORE_LOCAL_DEAD) {
        act(core, CORE_EFF_KILL, out);
        return core->fence_id != 0;
    }
    if (core->restarted)
        return core->start_id != 0;
    core->restarted = true;
    core->start_id = ++core->last_id;
    effect = effect_emit(out, CORE_EFF_START_PG);
    effect->id = core->start_id;
    effect->deadline_ms = window_of(&core->settings);
    return true;
}

bool lease_lead(struct core *core, struct core_effects *out)
{
    enum core_reason why;
    bool valid = may_write(core);

    if (core->durable.incarnation == 0)
        return lead_without_voice(core, out);
    if (core->durable.duty == CORE_DUTY_RESIGNED)
        return false; /* fencing = off: writable, but not our right */
    if (core->local == CORE_LOCAL_DEAD || core->local == CORE_LOCAL_GONE)
        core->local_lost = true;
    why = must_resign(core);
    if (why == CORE_WHY_CRASHED && restart_in_place(core, out))
        return false;
    if (why != CORE_WHY_NONE) {
        lease_resign(core, why, out);
        return true;
    }
    if (core->durable.duty == CORE_DUTY_PROMOTING)
        write_leading(core, out);
    if (!core->local_writable && !is_frozen(core)) {
        core->local_lost = true;
        return false; /* starting: read-only by the guard, nothing to fence */
    }
    /* M3: an operator has started it again, and made it writable; its guard is gone. */
    if (core->local_lost && core->local == CORE_LOCAL_RUNNING &&
        view_is_primary(core, view_self(core))) {
        monitor_become_primary(
            core, why_of(CORE_WHY_LOCAL_PRIMARY, core->settings.self_id), out);
        return true;
    }
    if (is_frozen(core) && (valid || !is_armed(core) || CORE_WITHOUT(L5_VALID))) {
        if (core->fence_id == 0)
            say_frozen(core, false, out);
        lease_tell(core, out); /* the sentry's deadline moves first (L7) */
        act(core, CORE_EFF_THAW, out);
        return false;
    }
    if (CORE_RULE(L4_FROZEN) && !valid && is_armed(core) && !in_grace(core)) {
        struct mono lapsed = lapsed_at(core);
        int64_t window_ms = window_of(&core->settings);

        if (core->settings.fencing == CORE_FENCING_STOP ||
            (CORE_RULE(L6_RESIGNS) && mono_diff(core->now, lapsed) >= window_ms / 2)) {
            lease_resign(core, CORE_WHY_LEASE_OVER, out);
            return true;
        }
        count_freeze(core, core->frozen_since.ms != 0);
        if (CORE_RULE(L5_ENDLESS) && core->frozen_ms > 3 * window_ms / 2) {
            lease_resign(core, CORE_WHY_TOO_LONG_FROZEN, out);
            return true;
        }
        if (!core->freeze_said) /* the sentry may have been first */
            say_frozen(core, true, out);
        if (!is_frozen(core))
            act(core, CORE_EFF_FREEZE, out);
        return false;
    }
    arm(core, out);
    renew(core, out);
    record_term(core, out);
    member_raise(core, out);
    return false;
}

bool lease_promoting(struct core *core, struct core_effects *out)
{
    if (CORE_WITHOUT(C5_LEASE) || core->action_id == 0 || !may_fence(core) ||
        lease_is_valid(core))
        return false;
    lease_resign(core, CORE_WHY_LEASE_OVER, out);
    return true;
}

void lease_unleased(struct core *core, struct core_effects *out)
{
    if (core->local == CORE_LOCAL_RUNNING && may_fence(core))
        act(core, CORE_EFF_FREEZE, out);
}

void lease_start_again(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;
    bool early = core->resign_why == CORE_WHY_CRASHED && board_leader(core, 0) != NULL;

    if (core->start_id == 0 && core->local != CORE_LOCAL_GONE && view_self_is_up(core))
        core->start_wanted = false; /* somebody else did */
    if (!core->start_wanted || core->start_id != 0 || core->local != CORE_LOCAL_GONE ||
        (!early && !mono_reached(core->start_after, core->now)))
        return;
    core->start_id = ++core->last_id;
    effect = effect_emit(out, CORE_EFF_START_PG);
    effect->id = core->start_id;
    effect->deadline_ms = core->settings.promote_deadline_ms;
}

bool lease_report_is_coming(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    if (core->durable.duty != CORE_DUTY_RESIGNED || !core->led ||
        core->resign_why == CORE_WHY_CRASHED || core->resign_why == CORE_WHY_HUNG)
        return false;
    if (core->start_id != 0)
        return true;
    if (core->local == CORE_LOCAL_GONE)
        return core->start_wanted && mono_reached(core->start_after, core->now);
    if (core->local == CORE_LOCAL_RUNNING)
        return !core->local_writable; /* answering or about to */
    return view_is_ours(core, self) && self->seen.in_recovery;
}

/* ---- the sentry and the clock -------------------------------------------------------
 */

/* When own PostgreSQL is to be frozen if nothing else happens; MONO_NEVER when it needs
 * no lease. */
static struct mono freeze_at(const struct core *core)
{
    struct mono until;

    if (CORE_WITHOUT(L7_ORDERS))
        return MONO_NEVER;
    /* M4: whoever stops this daemon in good order lets PostgreSQL go on; but not what
     * is being promoted, or ended. */
    if (core->stopping && !core->handing_over &&
        (core->state == CORE_PRIMARY || CORE_WITHOUT(M4_PRIMARY)))
        return MONO_NEVER;
    if (core->state == CORE_PROMOTING ? !may_fence(core) : !is_armed(core))
        return MONO_NEVER;
    if (core->state != CORE_PRIMARY &&
        (core->state != CORE_PROMOTING || CORE_WITHOUT(C5_SENTRY)) &&
        (core->state != CORE_RESIGNING || CORE_WITHOUT(L7_RESIGNING)))
        return MONO_NEVER;
    if (!core->local_writable && !is_frozen(core))
        return MONO_NEVER;
    until = lease_until(core);
    if (until.ms == MONO_NEVER.ms)
        return until;
    if (core->state == CORE_PRIMARY && pause_relies(core))
        return core->relied_until.ms > until.ms ? core->relied_until : until;
    if (core->state == CORE_PRIMARY && in_grace(core) &&
        grace_until(core).ms > until.ms)
        until = grace_until(core);
    return lease_is_valid(core) || in_grace(core) ? until : lapsed_at(core);
}

void lease_tell(struct core *core, struct core_effects *out)
{
    struct mono at = freeze_at(core);
    struct core_effect *effect;

    if (at.ms == core->lease_told.ms)
        return;
    core->lease_told = at;
    effect = effect_emit(out, CORE_EFF_LEASE);
    effect->freeze_at = at;
    effect->kill_at = mono_add(at, window_of(&core->settings) / 2);
}

struct mono lease_deadline(const struct core *core)
{
    struct mono freeze = freeze_at(core);
    struct mono at = MONO_NEVER;

    if (freeze.ms != MONO_NEVER.ms)
        at = mono_reached(freeze, core->now)
                 ? mono_add(freeze, window_of(&core->settings) / 2)
                 : freeze;
    if (core->fence_after.ms > core->now.ms)
        at = mono_min(at, core->fence_after);
    if (core->save_after.ms > core->now.ms)
        at = mono_min(at, core->save_after);
    if (core->start_wanted && core->start_id == 0 &&
        core->start_after.ms > core->now.ms)
        at = mono_min(at, core->start_after);
    return at;
}
