/* monitor.c - the states in which nothing is to be decided: starting, leading,
 * following, and counting the attempts once a leader or an upstream does not answer. */
#include "core/monitor.h"

#include <stddef.h>

#include "core/campaign.h"
#include "core/effect.h"
#include "core/elect.h"
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
    core->upstream_id = 0;
    core->suspect_id = 0;
    core->primary_id = core->settings.self_id;
    core->local_up = true;
    core_become(core, CORE_PRIMARY, why, out);
    (void)effect_emit(out, CORE_EFF_LEAD);
    effect_report(out, CORE_SAY_MONITOR_PRIMARY, core->settings.self_id, why);
}

void monitor_become_standby(struct core *core,
                            struct core_why why,
                            struct core_effects *out)
{
    core->suspect_id = 0;
    core->attempt = 0;
    core->awaited_id = 0;
    for (int i = 0; i < core->n_members; i++)
        core->views[i].passed_over = false;
    core_become(core, CORE_STANDBY, why, out);
    if (core->upstream_id != 0)
        effect_report(out, CORE_SAY_MONITORING, core->upstream_id, why);
}

bool monitor_starting(struct core *core, struct core_effects *out)
{
    int self = core->settings.self_id;
    const struct core_view *primary = core_view(core, core->primary_id);

    if (!view_self_is_up(core)) {
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
    if (primary != NULL && view_is_foreign(core, primary)) {
        say_waiting(core, why_of(CORE_WHY_WRONG_SYSTEM, core->primary_id), out);
        return false;
    }
    if (primary != NULL && primary->seen.reach == REACH_UNKNOWN &&
        view_self(core)->seen.in_recovery)
        return false; /* its first probe is under way */
    core->local_up = true;
    if (!view_self(core)->seen.in_recovery) {
        monitor_become_primary(core, why_of(CORE_WHY_LOCAL_PRIMARY, self), out);
        return true;
    }
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
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
        if (view->reported)
            continue;
        view->reported = true;
        why.term = view->seen.term;
        why.a = view->seen.term > self->seen.term ? 1 : 0;
        effect_report(out, CORE_SAY_VERDICT, why.node_id, why);
        effect_record(out, CORE_REC_MANY_PRIMARIES, false, why);
    }
}

bool monitor_primary(struct core *core, struct core_effects *out)
{
    monitor_local(core, out);
    look_for_rivals(core, out);
    /* An answer asked for before the end of a promotion may come after it. */
    if (view_self_is_up(core) && view_self(core)->seen.in_recovery &&
        mono_diff(view_self(core)->seen_at, core->since) >
            CORE_SURVEY_BEATS * core->settings.beat_ms) {
        core->primary_id = view_registered_primary(core);
        if (core->primary_id == core->settings.self_id)
            core->primary_id = 0;
        core_become(core, CORE_STARTING,
                    why_of(CORE_WHY_LOCAL_STANDBY, core->settings.self_id), out);
        return true;
    }
    return false;
}

/* ---- STANDBY and SUSPECTING -------------------------------------------------------
 */

/* What all states of a standby look for first: promoted behind our back? */
bool monitor_promoted_by_hand(struct core *core, struct core_effects *out)
{
    struct core_why why = why_of(CORE_WHY_LOCAL_PRIMARY, core->settings.self_id);

    if (!view_is_primary(core, view_self(core)))
        return false;
    monitor_become_primary(core, why, out);
    effect_record(out, CORE_REC_LOCAL_PROMOTED, true, why);
    return true;
}

/* True when the newest observation of `id` gives no sign of what we need of it: a
 * leader must be out of recovery, any other upstream must merely live. */
bool monitor_is_lost(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);

    if (view == NULL || view->seen.reach == REACH_UNKNOWN)
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
    core->next_attempt = mono_add(core->now, core->settings.reconnect_interval_ms);
    effect = effect_emit(out, CORE_EFF_PROBE);
    effect->node_id = core->suspect_id;
}

static void suspect(struct core *core, int id, struct core_effects *out)
{
    struct core_why why = why_of(CORE_WHY_LOST, id);

    core->suspect_id = id;
    core->first_missed = core->now;
    core->attempt = 0;
    view_begin_survey(core); /* what was seen in former troubles is no leader now */
    core_become(core, CORE_SUSPECTING, why, out);
    effect_report(out, CORE_SAY_LOST, id, why);
    effect_record(out, CORE_REC_UPSTREAM_DISCONNECT, false, why);
    next_attempt(core, out);
}

bool monitor_standby(struct core *core, struct core_effects *out)
{
    monitor_local(core, out);
    if (monitor_promoted_by_hand(core, out))
        return true;
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
    if (monitor_is_lost(core, core->primary_id)) {
        suspect(core, core->primary_id, out);
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
    if (core->suspect_id == core->primary_id ||
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
    if (!monitor_is_lost(core, core->suspect_id) &&
        !view_is_stale(core, core_view(core, core->suspect_id))) {
        why.a = core->attempt;
        effect_report(out, CORE_SAY_RECONNECTED, core->suspect_id, why);
        effect_record(out, CORE_REC_UPSTREAM_RECONNECT, true, why);
        monitor_become_standby(core, why, out);
        return true;
    }
    /* Somebody else leads already: no need to wait for the window. */
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
