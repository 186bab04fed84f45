/* lease.c - see lease.h. */
#include "core/lease.h"

#include <stddef.h>

#include "core/effect.h"
#include "core/own.h"
#include "core/pause.h"
#include "core/quorum.h"
#include "core/view.h"

bool lease_may_fence(const struct core *core)
{
    return core->settings.fencing != CORE_FENCING_OFF &&
           !core->settings.keep_on_quorum_loss;
}

bool lease_is_armed(const struct core *core)
{
    return lease_may_fence(core) && (core->durable.armed || CORE_WITHOUT(L4_ARMED));
}

int64_t lease_led_term(const struct core *core)
{
    return core->durable.duty == CORE_DUTY_LEADING ? core->durable.lead_term
                                                   : core->durable.term;
}

struct mono lease_until(const struct core *core)
{
    struct mono until = quorum_lease_until(core, lease_led_term(core));
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

bool lease_may_write(const struct core *core)
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

bool lease_in_grace(const struct core *core)
{
    return !mono_reached(grace_until(core), core->now);
}

struct mono lease_lapsed_at(const struct core *core)
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
    if (own_is_frozen(core) || CORE_WITHOUT(L3_SAID))
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
    if (own_is_frozen(core) || !view_self_is_up(core))
        return false;
    return until.ms == MONO_NEVER.ms ||
           mono_diff(until, core->now) > window_of(&core->settings) / 4;
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
    if (core->state == CORE_PROMOTING ? !lease_may_fence(core) : !lease_is_armed(core))
        return MONO_NEVER;
    if (core->state != CORE_PRIMARY &&
        (core->state != CORE_PROMOTING || CORE_WITHOUT(C5_SENTRY)) &&
        (core->state != CORE_RESIGNING || CORE_WITHOUT(L7_RESIGNING)))
        return MONO_NEVER;
    if (!core->local_writable && !own_is_frozen(core))
        return MONO_NEVER;
    until = lease_until(core);
    if (until.ms == MONO_NEVER.ms)
        return until;
    if (core->state == CORE_PRIMARY && pause_relies(core))
        return core->relied_until.ms > until.ms ? core->relied_until : until;
    if (core->state == CORE_PRIMARY && lease_in_grace(core) &&
        grace_until(core).ms > until.ms)
        until = grace_until(core);
    return lease_is_valid(core) || lease_in_grace(core) ? until : lease_lapsed_at(core);
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
