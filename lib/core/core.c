/* core.c - the state machine: an event changes what is known, then the state acts on
 * it.
 *
 *   STARTING --> PRIMARY            own PostgreSQL is out of recovery
 *       |            ^
 *       v            | promoted
 *   STANDBY --> SUSPECTING --> ELECTING --> PROMOTING
 *       ^          | answers      |
 *       +----------+              +--> FOLLOWING --> STANDBY
 *
 * core_become() is the only writer of the state. Every act_*() looks at what is known
 * and either stays or moves on; core_step() repeats until it stays. */
#include <string.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/campaign.h"
#include "core/canvass.h"
#include "core/effect.h"
#include "core/lead.h"
#include "core/lease.h"
#include "core/member.h"
#include "core/monitor.h"
#include "core/own.h"
#include "core/pause.h"
#include "core/post.h"
#include "core/view.h"

/* No chain of transitions within one event is longer than this. */
#define MAX_MOVES 8

/* In calm, a primary looks at the others only every so many beats: for a second one. */
#define PRIMARY_GLANCE_BEATS 10

/* ---- whom to watch ----------------------------------------------------------------
 */

/* While a leader is lost, given up or asked for, the own board is where the others'
 * notes arrive first: it is read far more often, for a while. */
static bool is_hot(const struct core *core)
{
    bool busy = core->state == CORE_SUSPECTING || core->state == CORE_ELECTING ||
                core->state == CORE_CANVASSING || core->state == CORE_PROMOTING;

    return busy && mono_diff(core->now, core->since) < 2 * window_of(&core->settings);
}

static int64_t self_interval(const struct core *core)
{
    if (core->settings.witness)
        return 0;
    return is_hot(core) && core->settings.hot_ms > 0 ? core->settings.hot_ms
                                                     : core->settings.beat_ms;
}

static int64_t watch_interval(const struct core *core, int id)
{
    int64_t beat_ms = core->settings.beat_ms;
    const struct core_member *member = core_member(core, id);

    if (id == core->settings.self_id)
        return self_interval(core);
    if (member != NULL && member->role == CORE_ROLE_WITNESS)
        return 0; /* no PostgreSQL, no board */
    switch (core->state) {
    case CORE_STARTING:
    case CORE_SUSPECTING:
    case CORE_ELECTING:
    case CORE_CANVASSING:
    case CORE_PROMOTING:
    case CORE_FOLLOWING:
    case CORE_RESIGNING:
        return beat_ms;
    case CORE_PRIMARY: /* N3 */
        return lease_is_calm(core) ? PRIMARY_GLANCE_BEATS * beat_ms : beat_ms;
    case CORE_STANDBY:
        if (CORE_RULE(N3_FOLLOWER) && core->durable.leader_id != 0 &&
            !ballot_has_evidence(core))
            return beat_ms;
        return id == core->primary_id || id == core->upstream_id ? beat_ms : 0;
    }
    return beat_ms;
}

/* What was seen of a node while it was not watched as closely as it is from now on is
 * too old to conclude anything from. */
static void forget_old(struct core *core)
{
    for (int i = 0; i < core->n_members; i++) {
        struct core_view *view = &core->views[i];
        int64_t interval_ms = watch_interval(core, core->members[i].id);

        if (interval_ms == 0 || CORE_WITHOUT(F1_OLD) ||
            (view->watch_ms != 0 && view->watch_ms <= interval_ms) ||
            core->members[i].id == core->settings.self_id)
            continue;
        view->seen.reach = REACH_UNKNOWN;
        view->fresh = false;
    }
}

/* ---- changing state ---------------------------------------------------------------
 */

void core_become(struct core *core,
                 enum core_state state,
                 struct core_why why,
                 struct core_effects *out)
{
    struct core_effect *effect = effect_emit(out, CORE_EFF_ENTER);

    effect->from = core->state;
    effect->state = state;
    effect->node_id = why.node_id;
    effect->why = why;
    core->state = state;
    core->why = why;
    core->since = core->now;
    forget_old(core);
    core->waiting_said = false;
    core->next_status = mono_add(core->now, core->settings.status_interval_ms);
}

/* ---- knowledge from events --------------------------------------------------------
 */

static bool is_member(const struct core *core, int id)
{
    return id != 0 && view_index(core, id) >= 0;
}

/* Who is no member any more is not probed any more; self always is one. */
static void unwatch_gone(const struct core *core,
                         const struct core_member *v,
                         int n,
                         struct core_effects *out)
{
    for (int i = 0; i < core->n_members; i++) {
        bool stays = core->members[i].id == core->settings.self_id;

        for (int k = 0; k < n && !stays; k++)
            stays = v[k].id == core->members[i].id;
        if (!stays && core->views[i].watch_ms != 0)
            effect_emit(out, CORE_EFF_WATCH)->node_id = core->members[i].id;
    }
}

/* The registered upstream and primary count when they are new to us: our own copy of
 * the table may be older than what we just did. */
static void on_members(struct core *core,
                       const struct core_member *v,
                       int n,
                       struct core_effects *out)
{
    const struct core_member *old = core_member(core, core->settings.self_id);
    int old_upstream = old == NULL ? 0 : old->upstream_id;
    int old_primary = view_registered_primary(core);
    const struct core_member *self;
    int primary;

    core->asked = true;
    unwatch_gone(core, v, n, out);
    view_set_members(core, v, n);
    primary = view_registered_primary(core);
    self = core_member(core, core->settings.self_id);
    if (core->state == CORE_PRIMARY)
        return;
    if (primary == core->settings.self_id)
        primary = 0; /* what we were: we do not lead now */
    if (primary != 0 && (primary != old_primary || !is_member(core, core->primary_id)))
        core->primary_id = primary;
    if (self->upstream_id != old_upstream || !is_member(core, core->upstream_id))
        core->upstream_id =
            is_member(core, self->upstream_id) ? self->upstream_id : core->primary_id;
    if (core->upstream_id == core->settings.self_id)
        core->upstream_id = 0; /* the record of a former primary */
    forget_old(core);
}

/* E4: whether the newest answer of `id` is one of somebody who may lead. */
static bool shows_leader(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);

    if (id == core->settings.self_id || board_is_over(core, id, core->durable.term))
        return false;
    if (view_is_primary(core, view))
        return !view_is_stale(core, view);
    return (id == core->suspect_id || id == core->primary_id) &&
           !monitor_is_lost(core, id);
}

/* What own PostgreSQL says of itself decides whether it needs a fence. An answer asked
 * for before the end of a promotion may come after it. */
static void note_writable(struct core *core, const struct core_observation *seen)
{
    if (seen->node_id != core->settings.self_id || seen->reach != REACH_OK ||
        core->local == CORE_LOCAL_GONE)
        return;
    if (!seen->in_recovery)
        core->local_writable = true;
    else if (core->state != CORE_PROMOTING && core->state != CORE_RESIGNING &&
             mono_diff(core->now, core->since) >
                 CORE_SURVEY_BEATS * core->settings.beat_ms)
        core->local_writable = false;
}

/* A session that was opened anew: a postmaster is there again, started by somebody, and
 * what the last look at the processes showed is over. It may be elected and promoted
 * before the next one; it must not be taken for dead then (L3), nor for harmless (L6).
 */
static void note_postmaster(struct core *core, const struct core_observation *seen)
{
    if (seen->node_id == core->settings.self_id && seen->reach == REACH_OK &&
        seen->connected && core->local == CORE_LOCAL_GONE)
        own_local(core, CORE_LOCAL_RUNNING, false);
}

/* A failed probe that proves life is worth a word: the operator should mend it. */
static void on_observed(struct core *core,
                        const struct core_observation *seen,
                        struct core_effects *out)
{
    struct core_view *view;
    enum reach before;
    int i = view_index(core, seen->node_id);

    if (i < 0 || !reach_is_evidence(seen->reach))
        return;
    view = &core->views[i];
    before = view->seen.reach;
    note_postmaster(core, seen);
    view_observe(core, seen);
    note_writable(core, seen);
    if (CORE_RULE(E4_SIGN) && shows_leader(core, seen->node_id))
        core->first_missed = core->now;
    if (seen->reach != before && seen->reach != REACH_OK &&
        reach_is_alive(seen->reach)) {
        effect_report(out, CORE_SAY_ALIVE, seen->node_id,
                      why_of(CORE_WHY_NONE, seen->node_id));
        out->v[out->n - 1].reach = seen->reach;
    }
}

/* ---- what follows from the state ---------------------------------------------------
 */

static void update_watches(struct core *core, struct core_effects *out)
{
    for (int i = 0; i < core->n_members; i++) {
        int64_t interval_ms = watch_interval(core, core->members[i].id);
        struct core_effect *effect;

        if (core->views[i].watch_ms == interval_ms)
            continue;
        core->views[i].watch_ms = interval_ms;
        effect = effect_emit(out, CORE_EFF_WATCH);
        effect->node_id = core->members[i].id;
        effect->interval_ms = interval_ms;
    }
}

static void update_note(struct core *core, struct core_effects *out)
{
    struct core_note note = post_note(core);

    if (post_is_same(&note, &core->note))
        return;
    core->note = note;
    effect_emit(out, CORE_EFF_NOTE)->note = note;
}

/* Again every minute, as long as it is so. */
static void say_twin(struct core *core, struct core_effects *out)
{
    struct core_why why = why_of(CORE_WHY_TWIN, core->settings.self_id);

    if (core->twin_at.ms == 0 ||
        mono_diff(core->now, core->twin_at) > board_sign_ms(core) ||
        (core->twin_said.ms != 0 && mono_diff(core->now, core->twin_said) < 60000))
        return;
    core->twin_said = core->now;
    effect_report(out, CORE_SAY_TWIN, why.node_id, why);
}

static void say_status(struct core *core, struct core_effects *out)
{
    if (core->settings.status_interval_ms <= 0 ||
        !mono_reached(core->next_status, core->now))
        return;
    core->next_status = mono_add(core->now, core->settings.status_interval_ms);
    effect_report(out, CORE_SAY_STATUS,
                  core->state == CORE_STANDBY ? core->upstream_id : core->suspect_id,
                  core->why);
}

/* ---- the step ---------------------------------------------------------------------
 */

/* A PostgreSQL that is frozen and not led by us will not be continued by anybody: a
 * late sentry, or a claim that was given up. It is ended, and started read-only. */
static bool is_left_frozen(const struct core *core)
{
    return CORE_RULE(L6_FROZEN) && core->local == CORE_LOCAL_FROZEN &&
           core->settings.fencing != CORE_FENCING_OFF &&
           (core->state == CORE_STANDBY || core->state == CORE_SUSPECTING ||
            core->state == CORE_ELECTING || core->state == CORE_FOLLOWING);
}

static bool act(struct core *core, struct core_effects *out)
{
    if (is_left_frozen(core)) {
        core->local_writable = true;
        lead_resign(core, CORE_WHY_UNLEASED, out);
        return true;
    }
    switch (core->state) {
    case CORE_STARTING:
        return monitor_starting(core, out);
    case CORE_PRIMARY:
        return monitor_primary(core, out);
    case CORE_STANDBY:
        return monitor_standby(core, out);
    case CORE_SUSPECTING:
        return monitor_suspecting(core, out);
    case CORE_ELECTING:
        return campaign_electing(core, out);
    case CORE_CANVASSING:
        return canvass_step(core, out);
    case CORE_PROMOTING:
        return campaign_promoting(core, out);
    case CORE_FOLLOWING:
        return campaign_following(core, out);
    case CORE_RESIGNING:
        return lead_resigning(core, out);
    }
    return false;
}

/* What a voter does in every state that leaves it one. */
static void vote(struct core *core, struct core_effects *out)
{
    switch (core->state) {
    case CORE_STARTING:
        if (core->durable.duty == CORE_DUTY_LEADING ||
            core->durable.duty == CORE_DUTY_PROMOTING)
            return; /* not known yet whether we lead */
        break;
    case CORE_STANDBY:
    case CORE_SUSPECTING:
    case CORE_ELECTING:
    case CORE_FOLLOWING:
        break;
    case CORE_PRIMARY:
    case CORE_CANVASSING:
    case CORE_PROMOTING:
    case CORE_RESIGNING:
        return;
    }
    ballot_consider(core, out);
    if (core->state == CORE_ELECTING)
        ballot_revoke(core, out);
    own_start_again(core, out);
}

/* The end of an effect, whichever module asked for it. */
static void on_done(struct core *core,
                    uint32_t id,
                    bool ok,
                    const struct core_report *report,
                    struct core_effects *out)
{
    if (id == 0)
        return;
    if (id == core->lead_id) {
        core->lead_id = 0;
        core->lead_recorded = ok;
        core->lead_after = mono_add(core->now, core->settings.beat_ms);
        return;
    }
    member_raised(core, id, ok);
    ballot_saved(core, id, ok);
    ballot_revoked(core, id, ok, report);
    own_done(core, id, ok);
    campaign_done(core, id, ok, out);
}

static void
digest(struct core *core, const struct core_event *event, struct core_effects *out)
{
    switch (event->kind) {
    case CORE_EV_START:
        core->random = event->start.random;
        core->since = core->now;
        if (event->start.system_identifier != 0)
            core->system_identifier = event->start.system_identifier;
        ballot_start(core, &event->start.durable);
        if (event->start.durable.duty == CORE_DUTY_LEADING)
            core->inherited_until = event->start.lease_until;
        break;
    case CORE_EV_TICK:
        break;
    case CORE_EV_STOP:
        core->stopping = true;
        core->handing_over = event->stop.handover;
        break;
    case CORE_EV_LOCAL:
        own_local(core, event->local.local, event->local.clean);
        break;
    case CORE_EV_MEMBERS:
        if (!core_is_news(core, event->members.version))
            break;
        if (core->state == CORE_PRIMARY && lease_is_valid(core))
            core->outvoted_at = core->now;
        core->members_version = event->members.version;
        on_members(core, event->members.v, event->members.n, out);
        pause_wish(core, &event->members.pause);
        break;
    case CORE_EV_OBSERVED:
        board_take(core, event->observed.node_id, event->notes, event->n_notes);
        on_observed(core, &event->observed, out);
        break;
    case CORE_EV_DONE:
        on_done(core, event->done.id, event->done.ok, &event->done.report, out);
        break;
    case CORE_EV_SETTINGS:
        CORE_ASSERT(event->settings.self_id == core->settings.self_id);
        core->settings = event->settings;
        break;
    }
}

bool core_is_news(const struct core *core, int64_t members_version)
{
    return CORE_WITHOUT(M1_NEWEST) ||
           (members_version >= core->members_version &&
            members_version >= core->durable.members_version);
}

void core_init(struct core *core, const struct core_settings *settings)
{
    CORE_ASSERT(settings->self_id > 0 && settings->beat_ms > 0);
    CORE_ASSERT(settings->reconnect_attempts > 0 &&
                settings->reconnect_interval_ms > 0);
    memset(core, 0, sizeof *core);
    core->settings = *settings;
    core->state = CORE_STARTING;
    core->next_status = MONO_NEVER;
    core->lease_told = MONO_NEVER;
    view_set_members(core, NULL, 0);
}

void core_pass_time(struct core *core, struct mono now)
{
    if (core->now.ms != 0 &&
        mono_diff(now, core->now) > CORE_SURVEY_BEATS * core->settings.beat_ms) {
        core->woke_at = now;
        /* on_daemon_loss = keep: a daemon that stood still is no reason to fence,
         * either. Before it judges, it reads. */
        if (core->settings.keep_on_daemon_loss)
            core->armed_at = now;
    }
    core->now = now.ms > core->now.ms ? now : core->now;
}

void core_step(struct core *core,
               const struct core_event *event,
               struct core_effects *effects)
{
    effects->n = 0;
    core_pass_time(core, event->now);
    digest(core, event, effects);
    for (int moves = 0; act(core, effects); moves++)
        CORE_ASSERT(moves < MAX_MOVES);
    ballot_save_again(core, effects);
    vote(core, effects);
    lease_tell(core, effects);
    update_watches(core, effects);
    update_note(core, effects);
    say_twin(core, effects);
    pause_say(core, effects);
    say_status(core, effects);
}

/* The earlier of `at` and `then`, which counts only while it lies ahead. */
static struct mono ahead(const struct core *core, struct mono at, struct mono then)
{
    return then.ms > core->now.ms ? mono_min(at, then) : at;
}

struct mono core_deadline(const struct core *core)
{
    struct mono at = core->next_status;
    int64_t beat_ms = core->settings.beat_ms;

    if (core->settings.status_interval_ms <= 0)
        at = MONO_NEVER;
    at = ahead(core, at, ballot_deadline(core));
    at = ahead(core, at, lease_deadline(core));
    at = ahead(core, at, pause_deadline(core));
    switch (core->state) {
    case CORE_STARTING: /* observations come by themselves, every beat */
    case CORE_PRIMARY:
    case CORE_STANDBY:
        break;
    case CORE_SUSPECTING:
        at = mono_min(at, core->next_attempt);
        break;
    case CORE_ELECTING:
    case CORE_RESIGNING:
        at = mono_min(at, mono_add(core->now, beat_ms));
        break;
    case CORE_CANVASSING:
        at = ahead(core, at, canvass_deadline(core));
        break;
    case CORE_PROMOTING:
    case CORE_FOLLOWING:
        at = mono_min(at, mono_add(core->action_deadline, beat_ms));
        break;
    }
    /* Never in the past: a passed deadline means "at once". */
    return at.ms < core->now.ms ? core->now : at;
}
