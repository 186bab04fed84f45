/* lead.c - see lead.h. */
#include "core/lead.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/campaign.h"
#include "core/effect.h"
#include "core/lease.h"
#include "core/member.h"
#include "core/monitor.h"
#include "core/own.h"
#include "core/pause.h"
#include "core/quorum.h"
#include "core/view.h"

/* ---- resigning ---------------------------------------------------------------------
 */

void lead_resign(struct core *core, enum core_reason reason, struct core_effects *out)
{
    struct core_why why = why_of(reason, core->settings.self_id);

    why.term = lease_led_term(core);
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

bool lead_resigning(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    struct core_why why = why_of(core->resign_why, core->settings.self_id);

    if (CORE_RULE(L6_ENDED) && !is_harmless(core) &&
        core->settings.fencing != CORE_FENCING_OFF) {
        own_act(core, CORE_EFF_KILL, out);
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
    const struct core_member *later = board_leader(core, lease_led_term(core) + 1);
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
    if (own_is_frozen(core))
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
    wanted.rested = core->stopping || (core->durable.rested && lease_in_grace(core));
    if (wanted.window_ms < window_of(&core->settings))
        wanted.window_ms = window_of(&core->settings);
    wanted.recorded = core->lead_recorded;
    if (view_is_primary(core, view_self(core)))
        wanted.copies = view_self(core)->seen.copies;
    ballot_note_members(core, &wanted);
    pause_lead(core, !lease_is_armed(core) || lease_is_valid(core), &wanted);
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
    if ((!lease_is_valid(core) && lease_may_fence(core)) || own_is_frozen(core) ||
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
    if (CORE_WITHOUT(D3_PRIMARY) || core->top_term == 0 || !lease_may_fence(core))
        return false;
    lead_resign(core, CORE_WHY_NO_STATE, out);
    return true;
}

bool lead_step(struct core *core, struct core_effects *out)
{
    enum core_reason why;
    bool valid = lease_may_write(core);

    if (core->durable.incarnation == 0)
        return lead_without_voice(core, out);
    if (core->durable.duty == CORE_DUTY_RESIGNED)
        return false; /* fencing = off: writable, but not our right */
    if (core->local == CORE_LOCAL_DEAD || core->local == CORE_LOCAL_GONE)
        core->local_lost = true;
    why = must_resign(core);
    if (why == CORE_WHY_CRASHED && own_restart_in_place(core, out))
        return false;
    if (why != CORE_WHY_NONE) {
        lead_resign(core, why, out);
        return true;
    }
    if (core->durable.duty == CORE_DUTY_PROMOTING)
        write_leading(core, out);
    if (!core->local_writable && !own_is_frozen(core)) {
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
    if (own_is_frozen(core) &&
        (valid || !lease_is_armed(core) || CORE_WITHOUT(L5_VALID))) {
        if (core->fence_id == 0)
            say_frozen(core, false, out);
        lease_tell(core, out); /* the sentry's deadline moves first (L7) */
        own_act(core, CORE_EFF_THAW, out);
        return false;
    }
    if (CORE_RULE(L4_FROZEN) && !valid && lease_is_armed(core) &&
        !lease_in_grace(core)) {
        struct mono lapsed = lease_lapsed_at(core);
        int64_t window_ms = window_of(&core->settings);

        if (core->settings.fencing == CORE_FENCING_STOP ||
            (CORE_RULE(L6_RESIGNS) && mono_diff(core->now, lapsed) >= window_ms / 2)) {
            lead_resign(core, CORE_WHY_LEASE_OVER, out);
            return true;
        }
        own_count_freeze(core, core->frozen_since.ms != 0);
        if (CORE_RULE(L5_ENDLESS) && core->frozen_ms > 3 * window_ms / 2) {
            lead_resign(core, CORE_WHY_TOO_LONG_FROZEN, out);
            return true;
        }
        if (!core->freeze_said) /* the sentry may have been first */
            say_frozen(core, true, out);
        if (!own_is_frozen(core))
            own_act(core, CORE_EFF_FREEZE, out);
        return false;
    }
    arm(core, out);
    renew(core, out);
    record_term(core, out);
    member_raise(core, out);
    return false;
}

bool lead_promoting(struct core *core, struct core_effects *out)
{
    if (CORE_WITHOUT(C5_LEASE) || core->action_id == 0 || !lease_may_fence(core) ||
        lease_is_valid(core))
        return false;
    lead_resign(core, CORE_WHY_LEASE_OVER, out);
    return true;
}
