/* campaign.c - the states of a change of leader: surveying, promoting, following. What
 * is to be done is decided in elect.c. */
#include "core/campaign.h"

#include <stddef.h>

#include "core/board.h"
#include "core/canvass.h"
#include "core/catchup.h"
#include "core/effect.h"
#include "core/elect.h"
#include "core/lease.h"
#include "core/monitor.h"
#include "core/view.h"

void campaign_begin(struct core *core, struct core_why why, struct core_effects *out)
{
    core->awaited_id = 0;
    view_begin_survey(core);
    core_become(core, CORE_ELECTING, why, out);
}

/* ---- ELECTING ---------------------------------------------------------------------
 */

static bool same_why(const struct core_why *a, const struct core_why *b)
{
    return a->reason == b->reason && a->node_id == b->node_id && a->a == b->a &&
           a->b == b->b;
}

/* E9: a better candidate is awaited for two windows, then passed over. */
static void await_candidate(struct core *core, const struct core_why *why)
{
    int64_t patience_ms = 2 * window_of(&core->settings);

    if (why->reason != CORE_WHY_OTHER_BETTER) {
        core->awaited_id = 0;
    } else if (core->awaited_id != why->node_id) {
        core->awaited_id = why->node_id;
        core->awaited_since = core->now;
    } else if (mono_diff(core->now, core->awaited_since) >= patience_ms) {
        core->views[view_index(core, why->node_id)].passed_over = true;
        core->awaited_id = 0;
    }
}

static uint32_t start_action(struct core *core, int node_id, int64_t deadline_ms)
{
    core->action_id = ++core->last_id;
    core->action_node_id = node_id;
    core->action_deadline = mono_add(core->now, deadline_ms);
    return core->action_id;
}

void campaign_promote(struct core *core, struct core_why why, struct core_effects *out)
{
    struct core_effect *effect;

    /* A promotion cannot be recalled: from here we count as writable (C5). */
    core->local_writable = true;
    core->report.known = false;
    core_become(core, CORE_PROMOTING, why, out);
    effect = effect_emit(out, CORE_EFF_PROMOTE);
    effect->deadline_ms = core->settings.promote_deadline_ms;
    effect->id =
        start_action(core, core->settings.self_id, core->settings.promote_deadline_ms);
    effect->why = why;
}

static void
follow(struct core *core, const struct verdict *verdict, struct core_effects *out)
{
    struct core_why why = verdict->why;
    struct core_effect *effect;
    int64_t deadline_ms = core->catching_up ? window_of(&core->settings)
                                            : core->settings.follow_deadline_ms;

    /* What our WAL is worth changes from here on (V2). */
    core->report.known = core->report.known && CORE_WITHOUT(P2_FINAL);
    core->revoke_id = 0;
    if (core->action_leader_id != verdict->leader_id)
        core->follow_failures = 0;
    core->action_leader_id = verdict->leader_id;
    core_become(core, CORE_FOLLOWING, why, out);
    effect = effect_emit(out, CORE_EFF_FOLLOW);
    effect->node_id = why.node_id;
    effect->deadline_ms = deadline_ms;
    effect->id = start_action(core, why.node_id, deadline_ms);
    effect->why = why;
}

/* E10: not whom we promise or believe to lead: only where more WAL is. */
static void
catch_up(struct core *core, const struct verdict *verdict, struct core_effects *out)
{
    struct verdict from = *verdict;

    from.leader_id = 0;
    catchup_begin(core, verdict->why.node_id);
    follow(core, &from, out);
}

/* The leader is there and our upstream is right: back to normal. */
static void return_to_standby(struct core *core,
                              const struct verdict *verdict,
                              struct core_effects *out)
{
    if (core->suspect_id != 0 && verdict->why.reason == CORE_WHY_BACK) {
        effect_report(out, CORE_SAY_RECONNECTED, core->suspect_id, verdict->why);
        effect_record(out, CORE_REC_UPSTREAM_RECONNECT, true, verdict->why);
    }
    if (verdict->leader_id != 0)
        core->primary_id = verdict->leader_id;
    /* It streams from there, whatever a vote had cut. */
    core->followed = core->durable.revoked;
    core->detached = false;
    /* A witness streams from nobody: whom it watches is the leader, not the lost one.
     */
    if (core->settings.witness && core->primary_id != 0)
        core->upstream_id = core->primary_id;
    monitor_become_standby(core, verdict->why, out);
}

bool campaign_electing(struct core *core, struct core_effects *out)
{
    struct verdict verdict;

    monitor_local(core, out);
    if (monitor_promoted_by_hand(core, out) || monitor_primary_lost_too(core, out))
        return true;
    if (core->local_writable)
        return false; /* fencing = off, and resigned: nothing to be done from here */
    verdict = elect_decide(core);
    await_candidate(core, &verdict.why);
    if (!same_why(&core->why, &verdict.why)) {
        core->why = verdict.why;
        effect_report(out, CORE_SAY_VERDICT, verdict.why.node_id, verdict.why);
    }
    switch (verdict.action) {
    case ELECT_WAIT:
        return false;
    case ELECT_RETURN:
        return_to_standby(core, &verdict, out);
        return true;
    case ELECT_FOLLOW:
        catchup_reset(core);
        follow(core, &verdict, out);
        return true;
    case ELECT_PROMOTE:
        canvass_begin(core, verdict.why, false, out);
        return true;
    case ELECT_CATCH_UP:
        catch_up(core, &verdict, out);
        return true;
    }
    return false;
}

/* ---- PROMOTING and FOLLOWING ------------------------------------------------------
 */

static void promotion_ended(struct core *core, bool ok, struct core_effects *out)
{
    struct core_why why = why_of(ok ? CORE_WHY_PROMOTED : CORE_WHY_PROMOTE_FAILED,
                                 core->settings.self_id);

    core->action_id = 0;
    if (ok) {
        effect_report(out, CORE_SAY_PRIMARY_MODE, core->settings.self_id, why);
        why.node_id = core->primary_id; /* the former primary, repmgr's %p */
        effect_record(out, CORE_REC_FAILOVER_PROMOTE, true, why);
        why.node_id = core->settings.self_id;
        monitor_become_primary(core, why, out);
        return;
    }
    core->follow_failures = 0; /* this pause is not one of a follow */
    if (CORE_RULE(E9_FAILED))
        core->backoff_until = mono_add(core->now, window_of(&core->settings));
    effect_report(out, CORE_SAY_ACTION_FAILED, core->settings.self_id, why);
    effect_record(out, CORE_REC_PROMOTE_ERROR, false, why);
    /* It may still end well, later: then nobody would hold a lease for it (C5). */
    lease_resign(core, CORE_WHY_PROMOTE_FAILED, out);
}

/* What has diverged stays so until somebody clones it: it is tried ever more rarely. */
static int64_t follow_pause_ms(const struct core *core)
{
    int doubled = core->follow_failures - 8;

    if (doubled < 0)
        doubled = 0;
    return core->settings.reconnect_interval_ms << (doubled < 5 ? doubled : 5);
}

static void follow_ended(struct core *core, bool ok, struct core_effects *out)
{
    struct core_why why =
        why_of(ok ? CORE_WHY_FOLLOWED : CORE_WHY_FOLLOW_FAILED, core->action_node_id);

    core->action_id = 0;
    if (core->catching_up) {
        core->upstream_id = core->action_node_id;
        if (!ok)
            catchup_end(core);
        campaign_begin(core, why, out);
        return;
    }
    effect_record(out, ok ? CORE_REC_FAILOVER_FOLLOW : CORE_REC_FOLLOW_ERROR, ok, why);
    if (ok) {
        core->upstream_id = core->action_node_id;
        core->primary_id = core->action_leader_id;
        core->followed = core->durable.revoked;
        core->detached = false;
        core->follow_failures = 0;
        monitor_become_standby(core, why, out);
        return;
    }
    core->follow_failures++;
    core->backoff_until = mono_add(core->now, follow_pause_ms(core));
    effect_report(out, CORE_SAY_ACTION_FAILED, core->action_node_id, why);
    campaign_begin(core, why, out);
}

/* The shell answers within the deadline; this is for one that does not. */
bool campaign_promoting(struct core *core, struct core_effects *out)
{
    if (lease_promoting(core, out))
        return true;
    if (core->action_id == 0 ||
        !mono_reached(mono_add(core->action_deadline, core->settings.beat_ms),
                      core->now))
        return false;
    promotion_ended(core, view_is_primary(core, view_self(core)), out);
    return true;
}

/* Whom we are being pointed at is gone itself: nobody who may lead for a window. */
static bool is_followed_in_vain(const struct core *core)
{
    const struct core_peer *peer = board_peer(core, core->action_node_id);

    return peer != NULL && !board_shows_sign(core, peer) &&
           monitor_is_lost(core, core->action_node_id) &&
           mono_diff(core->now, core->since) >= window_of(&core->settings) &&
           mono_diff(core->now, core->first_missed) >= window_of(&core->settings);
}

bool campaign_following(struct core *core, struct core_effects *out)
{
    monitor_local(core, out);
    if (core->action_id == 0 ||
        (!is_followed_in_vain(core) &&
         !mono_reached(mono_add(core->action_deadline, core->settings.beat_ms),
                       core->now)))
        return false;
    follow_ended(core, false, out);
    return true;
}

void campaign_done(struct core *core, uint32_t id, bool ok, struct core_effects *out)
{
    if (id == 0 || id != core->action_id)
        return; /* late, or of an action that was given up */
    if (core->state == CORE_PROMOTING)
        promotion_ended(core, ok, out);
    else if (core->state == CORE_FOLLOWING)
        follow_ended(core, ok, out);
}
