/* monitor.c - the states in which nothing is to be decided: starting, leading,
 * following, and counting the attempts once a leader or an upstream does not answer. */
#include "core/monitor.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/campaign.h"
#include "core/canvass.h"
#include "core/catchup.h"
#include "core/effect.h"
#include "core/elect.h"
#include "core/lead.h"
#include "core/member.h"
#include "core/pause.h"
#include "core/view.h"

/* ---- STARTING ---------------------------------------------------------------------
 */

static void
say_waiting(struct core *core, struct core_why why, struct core_effects *out)
{
    if (core->waiting_said && core->why.reason == why.reason)
        return;
    core->waiting_said = true;
    core->why = why;
    effect_report(out, CORE_SAY_WAITING, why.node_id, why);
}

void monitor_become_primary(struct core *core,
                            struct core_why why,
                            struct core_effects *out)
{
    catchup_reset(core);
    core->upstream_id = 0;
    core->suspect_id = 0;
    core->primary_id = core->settings.self_id;
    core->local_up = true;
    core->lead_since = core->now;
    core->lead_recorded =
        core->durable.duty == CORE_DUTY_LEADING && core->durable.recorded;
    core->lead_id = 0;
    member_led(core);
    core->claiming = false;
    core->restarted = false;
    core->local_lost = false;
    core_become(core, CORE_PRIMARY, why, out);
    effect_report(out, CORE_SAY_MONITOR_PRIMARY, core->settings.self_id, why);
}

void monitor_become_standby(struct core *core,
                            struct core_why why,
                            struct core_effects *out)
{
    /* V2: who was cut off gets WAL again by a follow, and by nothing else. */
    if (CORE_RULE(V2_LASTS) && core->durable.revoked && !core->followed) {
        campaign_begin(core, why, out);
        return;
    }
    catchup_reset(core);
    core->suspect_id = 0;
    core->attempt = 0;
    core->awaited_id = 0;
    for (int i = 0; i < core->n_members; i++)
        core->views[i].passed_over = false;
    core_become(core, CORE_STANDBY, why, out);
    if (core->upstream_id != 0)
        effect_report(out, CORE_SAY_MONITORING, core->upstream_id, why);
}

/* D2: what a former run left unfinished comes first. It leads again only where it led,
 * and only from what own PostgreSQL and its processes show now. */
static bool take_up_duty(struct core *core, struct core_effects *out)
{
    const struct core_view *self = view_self(core);
    bool up = view_self_is_up(core);
    int64_t half_ms = window_of(&core->settings) / 2;

    if (core->durable.incarnation == 0 || !core->recorded || core->settings.witness)
        return false;
    core->lead_since = core->now;
    if (CORE_RULE(D2_PROMOTING) && core->durable.duty == CORE_DUTY_PROMOTING) {
        core->local_writable = true; /* it may be done, or end late */
        lead_resign(core, CORE_WHY_PROMOTE_FAILED, out);
        return true;
    }
    if (core->durable.duty == CORE_DUTY_LEADING) {
        if (CORE_RULE(D2_GUARDED) && up && self->seen.in_recovery &&
            !pause_relies(core)) {
            lead_resign(core, CORE_WHY_GUARDED, out);
            return true;
        }
        if (!up && core->local != CORE_LOCAL_FROZEN && core->local != CORE_LOCAL_DEAD &&
            core->local != CORE_LOCAL_GONE &&
            mono_diff(core->now, core->since) < half_ms)
            return false;
        core->local_writable =
            core->local != CORE_LOCAL_GONE && !(up && self->seen.in_recovery);
        monitor_become_primary(
            core, why_of(CORE_WHY_LOCAL_PRIMARY, core->settings.self_id), out);
        return true;
    }
    if (CORE_WITHOUT(D2_FROZEN) || core->local != CORE_LOCAL_FROZEN)
        return false;
    core->local_writable = true; /* frozen by an earlier run, and no right to thaw it */
    lead_resign(core, CORE_WHY_UNLEASED, out);
    return true;
}

/* Own PostgreSQL is there, the table is read, and it is not of another cluster. */
static bool is_ready(struct core *core, struct core_effects *out)
{
    int self = core->settings.self_id;
    const struct core_view *primary = core_view(core, core->primary_id);

    if (!core->settings.witness && !view_self_is_up(core)) {
        enum reach reach = view_self(core)->seen.reach;

        /* A probe that fails there finds no schema: nobody registered this node yet. */
        if (reach == REACH_FAILED)
            say_waiting(core, why_of(CORE_WHY_NO_RECORD, self), out);
        else if (reach != REACH_UNKNOWN)
            say_waiting(core, why_of(CORE_WHY_NO_LOCAL, self), out);
        return false;
    }
    if (!core->recorded && !core->asked)
        return false; /* the table is being read */
    if (!core->recorded) {
        say_waiting(core, why_of(CORE_WHY_NO_RECORD, self), out);
        return false;
    }
    /* F4: a data directory of another cluster is never compared, followed or promoted.
     */
    if (CORE_RULE(F4_OWN) && primary != NULL && view_is_foreign(core, primary)) {
        say_waiting(core, why_of(CORE_WHY_WRONG_SYSTEM, core->primary_id), out);
        return false;
    }
    if (core->durable.incarnation == 0)
        say_waiting(core, why_of(CORE_WHY_NO_STATE, self), out);
    return true;
}

bool monitor_starting(struct core *core, struct core_effects *out)
{
    int self = core->settings.self_id;
    const struct core_view *primary = core_view(core, core->primary_id);
    bool witness = core->settings.witness;

    if (take_up_duty(core, out))
        return true;
    if (!is_ready(core, out))
        return false;
    if (primary != NULL && core->primary_id != self &&
        primary->seen.reach == REACH_UNKNOWN &&
        (witness || view_self(core)->seen.in_recovery))
        return false; /* its first probe is under way */
    core->local_up = !witness;
    if (!witness && monitor_promoted_by_hand(core, out))
        return true;
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
    /* No start follows anybody from configuration alone: who was cut off by a vote, or
     * whose leader is gone for good, looks for the leader first. */
    if (core->durable.revoked || core->primary_id == 0 || core->primary_id == self) {
        core->first_missed = core->now;
        core->suspect_id = core->primary_id == self ? 0 : core->primary_id;
        campaign_begin(core, why_of(CORE_WHY_LOCAL_STANDBY, core->suspect_id), out);
        return true;
    }
    monitor_become_standby(core, why_of(CORE_WHY_LOCAL_STANDBY, core->upstream_id),
                           out);
    return true;
}

/* ---- PRIMARY ----------------------------------------------------------------------
 */

/* Own PostgreSQL went away or came back: said and recorded once. */
void monitor_local(struct core *core, struct core_effects *out)
{
    bool up = view_self_is_up(core);
    int self = core->settings.self_id;

    if (up == core->local_up)
        return;
    core->local_up = up;
    if (up) {
        if (core->follow_failures > 0)
            core->backoff_until = core->now; /* it may have been mended */
        core->follow_failures = 0;
        effect_report(out, CORE_SAY_LOCAL_BACK, self, why_of(CORE_WHY_BACK, self));
        effect_record(out, CORE_REC_LOCAL_RECONNECT, true, why_of(CORE_WHY_BACK, self));
    } else {
        effect_report(out, CORE_SAY_LOCAL_LOST, self, why_of(CORE_WHY_NO_LOCAL, self));
        effect_record(out, CORE_REC_LOCAL_DISCONNECT, false,
                      why_of(CORE_WHY_NO_LOCAL, self));
    }
}

/* F5: two members of one cluster accept writes. Nothing can be undone here; say so,
 * once for each, and name the one whose term is over. */
static void look_for_rivals(struct core *core, struct core_effects *out)
{
    const struct core_view *self = view_self(core);

    for (int i = 0; i < core->n_members; i++) {
        struct core_view *view = &core->views[i];
        struct core_why why = why_of(CORE_WHY_MANY_LEADERS, core->members[i].id);

        if (view == self)
            continue;
        if (view->seen_at.ms <= core->since.ms)
            continue; /* what it was before we led */
        if (!view_is_primary(core, view) || !view_is_primary(core, self)) {
            view->reported = view->reported && view->seen.reach != REACH_OK;
            continue;
        }
        if (view->reported || CORE_WITHOUT(F5_REPORTED))
            continue;
        view->reported = true;
        why.term = view->seen.term;
        why.a = view->seen.term > self->seen.term ? 1 : 0;
        effect_report(out, CORE_SAY_VERDICT, why.node_id, why);
        effect_record(out, CORE_REC_MANY_PRIMARIES, false, why);
    }
}

/* Without a right to lead (no state file, or resigned with fencing = off) a PostgreSQL
 * in recovery is a standby like any other. */
static bool is_standby_now(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    /* An answer asked for before the end of a promotion may come after it. */
    return core->durable.duty != CORE_DUTY_LEADING &&
           core->durable.duty != CORE_DUTY_PROMOTING && view_self_is_up(core) &&
           self->seen.in_recovery &&
           mono_diff(self->seen_at, core->since) >
               CORE_SURVEY_BEATS * core->settings.beat_ms;
}

bool monitor_primary(struct core *core, struct core_effects *out)
{
    monitor_local(core, out);
    look_for_rivals(core, out);
    if (is_standby_now(core)) {
        core->primary_id = view_registered_primary(core);
        if (core->primary_id == core->settings.self_id)
            core->primary_id = 0;
        core_become(core, CORE_STARTING,
                    why_of(CORE_WHY_LOCAL_STANDBY, core->settings.self_id), out);
        return true;
    }
    return lead_step(core, out);
}

/* ---- STANDBY and SUSPECTING -------------------------------------------------------
 */

/* What all states of a standby look for first: promoted behind our back? Such a
 * PostgreSQL needs a lease like any other: it is frozen and stands for one. */
bool monitor_promoted_by_hand(struct core *core, struct core_effects *out)
{
    struct core_why why = why_of(CORE_WHY_LOCAL_PRIMARY, core->settings.self_id);

    if (CORE_WITHOUT(C7_CLAIM) || core->settings.witness ||
        !view_is_primary(core, view_self(core)) || core->local == CORE_LOCAL_GONE ||
        core->local == CORE_LOCAL_DEAD)
        return false;
    core->local_writable = true;
    /* fencing = off: it cannot be ended, so a claim that was lost is not made again at
     * once. */
    if (core->settings.fencing == CORE_FENCING_OFF && core->durable.incarnation != 0 &&
        (board_leader(core, 0) != NULL ||
         !mono_reached(core->canvass_after, core->now)))
        return false;
    effect_record(out, CORE_REC_LOCAL_PROMOTED, true, why);
    if (core->durable.incarnation == 0) {
        monitor_become_primary(core, why, out);
        return true;
    }
    core->upstream_id = 0;
    why.reason = CORE_WHY_UNLEASED;
    canvass_begin(core, why, true, out);
    return true;
}

/* True when the newest observation of `id` gives no sign of what we need of it: a
 * leader must be out of recovery, any other upstream must merely live. */
bool monitor_is_lost(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);
    const struct core_member *leader = board_leader(core, core->durable.term);

    if (view == NULL || view->seen.reach == REACH_UNKNOWN)
        return false;
    /* What its daemon says now outweighs an older answer of its PostgreSQL. */
    if (leader != NULL && leader->id == id && view_lives(core, view))
        return false;
    if (!view_lives(core, view))
        return true;
    return id == core->primary_id && view_is_ours(core, view) && view->seen.in_recovery;
}

/* One more of reconnect_attempts, as repmgr's users know them. */
static void next_attempt(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;
    struct core_why why = why_of(CORE_WHY_LOST, core->suspect_id);

    core->attempt++;
    why.a = core->attempt;
    why.b = core->settings.reconnect_attempts;
    effect_report(out, CORE_SAY_ATTEMPT, core->suspect_id, why);
    if (core->attempt < core->settings.reconnect_attempts)
        effect_report(out, CORE_SAY_SLEEPING, core->suspect_id, why);
    core->next_attempt = mono_add(core->attempt == 1 ? core->first_missed : core->now,
                                  core->settings.reconnect_interval_ms);
    effect = effect_emit(out, CORE_EFF_PROBE);
    effect->node_id = core->suspect_id;
}

/* E4: the window begins with the last sign, not with the end of the probe that missed
 * the next one. That takes a survey at most: what was not asked for longer, or while
 * this daemon stood still, counts as a sign until then. */
static struct mono missed_since(const struct core *core, int id)
{
    struct mono at = core_view(core, id)->answered_at;
    struct mono most = mono_add(core->now, -CORE_SURVEY_BEATS * core->settings.beat_ms);

    if (at.ms == 0)
        return core->now;
    if (at.ms < core->woke_at.ms)
        at = core->woke_at;
    return at.ms > most.ms ? at : most;
}

static void suspect(struct core *core, int id, struct core_effects *out)
{
    struct core_why why = why_of(CORE_WHY_LOST, id);

    core->suspect_id = id;
    core->first_missed = missed_since(core, id);
    core->noticed_at = core->now;
    core->attempt = 0;
    view_begin_survey(core); /* what was seen in former troubles is no leader now */
    core_become(core, CORE_SUSPECTING, why, out);
    effect_report(out, CORE_SAY_LOST, id, why);
    effect_record(out, CORE_REC_UPSTREAM_DISCONNECT, false, why);
    next_attempt(core, out);
}

/* The one that we believe in gave its term up, is the one that we promised, and does
 * not lead a later one. */
static bool is_resigned(const struct core *core)
{
    const struct core_member *leader = board_leader(core, core->durable.term);

    return (leader == NULL || leader->id != core->primary_id) &&
           core->primary_id != 0 && core->primary_id == core->durable.leader_id &&
           board_is_over(core, core->primary_id, core->durable.term);
}

/* L2: that PostgreSQL answers is no evidence. Nobody is promoted beside it, but it will
 * be frozen when it counts our ballots. */
static void say_daemon_silent(struct core *core, struct core_effects *out)
{
    const struct core_peer *peer = board_peer(core, core->durable.leader_id);
    bool silent = peer != NULL && !ballot_has_evidence(core) &&
                  mono_diff(core->now, core->since) > window_of(&core->settings) &&
                  mono_diff(core->now, peer->sign_at) > window_of(&core->settings);

    if (silent && !core->waiting_said)
        effect_report(out, CORE_SAY_DAEMON_SILENT, core->primary_id,
                      why_of(CORE_WHY_LEADER_STOPPED, core->primary_id));
    core->waiting_said = silent;
}

/* The primary is ahead, and nothing of it has come since the last look at this: two
 * cascades that were pointed at each other stream nothing, for ever. */
static bool is_left_behind(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);
    const struct core_view *primary = core_view(core, core->primary_id);

    return primary != NULL && view_is_primary(core, primary) &&
           lsn_cmp(self->seen.position, core->stalled_at) == 0 &&
           lsn_cmp(primary->seen.position, self->seen.position) > 0;
}

/* Own PostgreSQL is there, its upstream too, and no WAL comes for a whole window: its
 * primary_conninfo was lost, or its slot. */
static bool is_detached(struct core *core)
{
    const struct core_view *self = view_self(core);
    const struct core_view *upstream = core_view(core, core->upstream_id);
    struct mono since =
        core->streamed_at.ms > core->since.ms ? core->streamed_at : core->since;

    if (core->settings.witness || upstream == NULL || !view_is_ours(core, self) ||
        !self->seen.in_recovery || !view_is_ours(core, upstream) ||
        (self->seen.receiver_streaming && !is_left_behind(core))) {
        core->streamed_at = core->now;
        core->stalled_at = self->seen.position;
        return false;
    }
    return mono_diff(core->now, since) >= window_of(&core->settings);
}

bool monitor_standby(struct core *core, struct core_effects *out)
{
    const struct core_member *leader;

    monitor_local(core, out);
    if (monitor_promoted_by_hand(core, out))
        return true;
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
    leader = board_leader(core, core->durable.term);
    if (leader != NULL && leader->id != core->primary_id) {
        campaign_begin(core, why_of(CORE_WHY_LEADER_FOUND, leader->id), out);
        return true;
    }
    if (monitor_is_lost(core, core->primary_id) || is_resigned(core)) {
        suspect(core, core->primary_id, out);
        return true;
    }
    say_daemon_silent(core, out);
    if (CORE_RULE(E2_DETACHED) && is_detached(core)) {
        core->detached = true;
        campaign_begin(core, why_of(CORE_WHY_DETACHED, core->upstream_id), out);
        return true;
    }
    if (monitor_is_lost(core, core->upstream_id)) {
        suspect(core, core->upstream_id, out);
        return true;
    }
    return false;
}

/* E4: while a cascade mourns its upstream the primary may die too; that is another
 * suspicion, with a window of its own. */
bool monitor_primary_lost_too(struct core *core, struct core_effects *out)
{
    if (CORE_WITHOUT(E4_ANEW) || core->suspect_id == core->primary_id ||
        !monitor_is_lost(core, core->primary_id))
        return false;
    suspect(core, core->primary_id, out);
    return true;
}

bool monitor_suspecting(struct core *core, struct core_effects *out)
{
    const struct core_member *leader, *rival;
    struct core_why why = why_of(CORE_WHY_BACK, core->suspect_id);

    monitor_local(core, out);
    if (monitor_promoted_by_hand(core, out) || monitor_primary_lost_too(core, out))
        return true;
    if (core_view(core, core->suspect_id) == NULL) { /* unregistered meanwhile */
        monitor_become_standby(
            core, why_of(CORE_WHY_LOCAL_STANDBY, core->settings.self_id), out);
        return true;
    }
    /* It gave up its term, durably: that is all there is to wait for (3.6). */
    if (is_resigned(core)) {
        campaign_begin(core, why_of(CORE_WHY_RESIGNED, core->suspect_id), out);
        return true;
    }
    if (!monitor_is_lost(core, core->suspect_id) &&
        !view_is_stale(core, core_view(core, core->suspect_id))) {
        why.a = core->attempt;
        effect_report(out, CORE_SAY_RECONNECTED, core->suspect_id, why);
        effect_record(out, CORE_REC_UPSTREAM_RECONNECT, true, why);
        monitor_become_standby(core, why, out);
        return true;
    }
    /* Somebody else leads already: no need to wait for the window. */
    rival = NULL;
    leader = board_leader(core, core->durable.term);
    if (leader == NULL)
        leader = elect_leader(core, &rival);
    if (leader != NULL && leader->id != core->primary_id && rival == NULL) {
        campaign_begin(core, why_of(CORE_WHY_LEADER_FOUND, leader->id), out);
        return true;
    }
    if (!mono_reached(core->next_attempt, core->now))
        return false;
    if (core->attempt < core->settings.reconnect_attempts) {
        next_attempt(core, out);
        return false;
    }
    why = why_of(CORE_WHY_ATTEMPTS_OVER, core->suspect_id);
    why.a = core->attempt;
    effect_report(out, CORE_SAY_GAVE_UP, core->suspect_id, why);
    campaign_begin(core, why, out);
    return true;
}
