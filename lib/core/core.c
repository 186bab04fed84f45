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

#include "core/elect.h"
#include "core/view.h"

/* No chain of transitions within one event is longer than this. */
#define MAX_MOVES 8

/* In calm, a primary looks at the others only every so many beats: for a second one. */
#define PRIMARY_GLANCE_BEATS 10

/* ---- effects ----------------------------------------------------------------------
 */

static struct core_effect *emit(struct core_effects *out, enum core_effect_kind kind)
{
    struct core_effect *effect;

    CORE_ASSERT(out->n < CORE_MAX_EFFECTS);
    effect = &out->v[out->n++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

static void report(struct core_effects *out,
                   enum core_message message,
                   int node_id,
                   struct core_why why)
{
    struct core_effect *effect = emit(out, CORE_EFF_REPORT);

    effect->message = message;
    effect->node_id = node_id;
    effect->why = why;
}

static void record(struct core_effects *out,
                   enum core_record what,
                   bool successful,
                   struct core_why why)
{
    struct core_effect *effect = emit(out, CORE_EFF_EVENT);

    effect->record = what;
    effect->successful = successful;
    effect->node_id = why.node_id;
    effect->why = why;
}

static struct core_why because(enum core_reason reason, int node_id)
{
    return (struct core_why){.reason = reason, .node_id = node_id};
}

/* ---- whom to watch ----------------------------------------------------------------
 */

static int64_t watch_interval(const struct core *core, int id)
{
    int64_t beat_ms = core->settings.beat_ms;

    if (id == core->settings.self_id)
        return beat_ms;
    switch (core->state) {
    case CORE_STARTING:
        return id == core->primary_id ? beat_ms : 0;
    case CORE_PRIMARY:
        return PRIMARY_GLANCE_BEATS * beat_ms;
    case CORE_STANDBY:
        return id == core->primary_id || id == core->upstream_id ? beat_ms : 0;
    case CORE_SUSPECTING:
    case CORE_ELECTING:
    case CORE_PROMOTING:
    case CORE_FOLLOWING:
        return beat_ms;
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

        if (interval_ms == 0 ||
            (view->watch_ms != 0 && view->watch_ms <= interval_ms) ||
            core->members[i].id == core->settings.self_id)
            continue;
        view->seen.reach = REACH_UNKNOWN;
        view->fresh = false;
    }
}

/* ---- changing state ---------------------------------------------------------------
 */

/* The only writer of core->state. */
static void core_become(struct core *core,
                        enum core_state state,
                        struct core_why why,
                        struct core_effects *out)
{
    struct core_effect *effect = emit(out, CORE_EFF_ENTER);

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

/* The member that is registered as the active primary, 0 when none is. */
static int registered_primary(const struct core *core)
{
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].role == CORE_ROLE_PRIMARY && core->members[i].active)
            return core->members[i].id;
    return 0;
}

static bool self_is_up(struct core *core)
{
    return view_is_ours(core, view_self(core));
}

/* ---- STARTING ---------------------------------------------------------------------
 */

static void
say_waiting(struct core *core, struct core_why why, struct core_effects *out)
{
    if (core->waiting_said && core->why.reason == why.reason)
        return;
    core->waiting_said = true;
    core->why = why;
    report(out, CORE_SAY_WAITING, why.node_id, why);
}

static void
become_primary(struct core *core, struct core_why why, struct core_effects *out)
{
    core->upstream_id = 0;
    core->suspect_id = 0;
    core->primary_id = core->settings.self_id;
    core->local_up = true;
    core_become(core, CORE_PRIMARY, why, out);
    (void)emit(out, CORE_EFF_LEAD);
    report(out, CORE_SAY_MONITOR_PRIMARY, core->settings.self_id, why);
}

static void
become_standby(struct core *core, struct core_why why, struct core_effects *out)
{
    core->suspect_id = 0;
    core->attempt = 0;
    core->awaited_id = 0;
    for (int i = 0; i < core->n_members; i++)
        core->views[i].passed_over = false;
    core_become(core, CORE_STANDBY, why, out);
    if (core->upstream_id != 0)
        report(out, CORE_SAY_MONITORING, core->upstream_id, why);
}

static bool act_starting(struct core *core, struct core_effects *out)
{
    int self = core->settings.self_id;
    const struct core_view *primary = core_view(core, core->primary_id);

    if (!self_is_up(core)) {
        enum reach reach = view_self(core)->seen.reach;

        /* A probe that fails there finds no schema: nobody registered this node yet. */
        if (reach == REACH_FAILED)
            say_waiting(core, because(CORE_WHY_NO_RECORD, self), out);
        else if (reach != REACH_UNKNOWN)
            say_waiting(core, because(CORE_WHY_NO_LOCAL, self), out);
        return false;
    }
    if (!core->recorded) {
        say_waiting(core, because(CORE_WHY_NO_RECORD, self), out);
        return false;
    }
    /* F4: a data directory of another cluster is never compared, followed or promoted.
     */
    if (primary != NULL && view_is_foreign(core, primary)) {
        say_waiting(core, because(CORE_WHY_WRONG_SYSTEM, core->primary_id), out);
        return false;
    }
    if (primary != NULL && primary->seen.reach == REACH_UNKNOWN &&
        view_self(core)->seen.in_recovery)
        return false; /* its first probe is under way */
    core->local_up = true;
    if (!view_self(core)->seen.in_recovery) {
        become_primary(core, because(CORE_WHY_LOCAL_PRIMARY, self), out);
        return true;
    }
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
    become_standby(core, because(CORE_WHY_LOCAL_STANDBY, core->upstream_id), out);
    return true;
}

/* ---- PRIMARY ----------------------------------------------------------------------
 */

/* Own PostgreSQL went away or came back: said and recorded once. */
static void watch_local(struct core *core, struct core_effects *out)
{
    bool up = self_is_up(core);
    int self = core->settings.self_id;

    if (up == core->local_up)
        return;
    core->local_up = up;
    if (up) {
        report(out, CORE_SAY_LOCAL_BACK, self, because(CORE_WHY_BACK, self));
        record(out, CORE_REC_LOCAL_RECONNECT, true, because(CORE_WHY_BACK, self));
    } else {
        report(out, CORE_SAY_LOCAL_LOST, self, because(CORE_WHY_NO_LOCAL, self));
        record(out, CORE_REC_LOCAL_DISCONNECT, false, because(CORE_WHY_NO_LOCAL, self));
    }
}

/* F5: two members of one cluster accept writes. Nothing can be undone here; say so,
 * once for each, and name the one whose term is over. */
static void look_for_rivals(struct core *core, struct core_effects *out)
{
    const struct core_view *self = view_self(core);

    for (int i = 0; i < core->n_members; i++) {
        struct core_view *view = &core->views[i];
        struct core_why why = because(CORE_WHY_MANY_LEADERS, core->members[i].id);

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
        report(out, CORE_SAY_VERDICT, why.node_id, why);
        record(out, CORE_REC_MANY_PRIMARIES, false, why);
    }
}

static bool act_primary(struct core *core, struct core_effects *out)
{
    watch_local(core, out);
    look_for_rivals(core, out);
    /* An answer asked for before the end of a promotion may come after it. */
    if (self_is_up(core) && view_self(core)->seen.in_recovery &&
        mono_diff(view_self(core)->seen_at, core->since) >
            CORE_SURVEY_BEATS * core->settings.beat_ms) {
        core->primary_id = registered_primary(core);
        if (core->primary_id == core->settings.self_id)
            core->primary_id = 0;
        core_become(core, CORE_STARTING,
                    because(CORE_WHY_LOCAL_STANDBY, core->settings.self_id), out);
        return true;
    }
    return false;
}

/* ---- STANDBY and SUSPECTING -------------------------------------------------------
 */

/* What all states of a standby look for first: promoted behind our back? */
static bool promoted_by_hand(struct core *core, struct core_effects *out)
{
    struct core_why why = because(CORE_WHY_LOCAL_PRIMARY, core->settings.self_id);

    if (!view_is_primary(core, view_self(core)))
        return false;
    become_primary(core, why, out);
    record(out, CORE_REC_LOCAL_PROMOTED, true, why);
    return true;
}

/* True when the newest observation of `id` gives no sign of what we need of it: a
 * leader must be out of recovery, any other upstream must merely live. */
static bool is_lost(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);

    if (view == NULL || view->seen.reach == REACH_UNKNOWN)
        return false;
    if (!view_lives(core, view))
        return true;
    return id == core->primary_id && view_is_ours(core, view) && view->seen.in_recovery;
}

static void elect(struct core *core, struct core_why why, struct core_effects *out)
{
    core->awaited_id = 0;
    view_begin_survey(core);
    core_become(core, CORE_ELECTING, why, out);
}

/* One more of reconnect_attempts, as repmgr's users know them. */
static void next_attempt(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;
    struct core_why why = because(CORE_WHY_LOST, core->suspect_id);

    core->attempt++;
    why.a = core->attempt;
    why.b = core->settings.reconnect_attempts;
    report(out, CORE_SAY_ATTEMPT, core->suspect_id, why);
    if (core->attempt < core->settings.reconnect_attempts)
        report(out, CORE_SAY_SLEEPING, core->suspect_id, why);
    core->next_attempt = mono_add(core->now, core->settings.reconnect_interval_ms);
    effect = emit(out, CORE_EFF_PROBE);
    effect->node_id = core->suspect_id;
}

static void suspect(struct core *core, int id, struct core_effects *out)
{
    struct core_why why = because(CORE_WHY_LOST, id);

    core->suspect_id = id;
    core->first_missed = core->now;
    core->attempt = 0;
    view_begin_survey(core); /* what was seen in former troubles is no leader now */
    core_become(core, CORE_SUSPECTING, why, out);
    report(out, CORE_SAY_LOST, id, why);
    record(out, CORE_REC_UPSTREAM_DISCONNECT, false, why);
    next_attempt(core, out);
}

static bool act_standby(struct core *core, struct core_effects *out)
{
    watch_local(core, out);
    if (promoted_by_hand(core, out))
        return true;
    if (core->upstream_id == 0)
        core->upstream_id = core->primary_id;
    if (is_lost(core, core->primary_id)) {
        suspect(core, core->primary_id, out);
        return true;
    }
    if (is_lost(core, core->upstream_id)) {
        suspect(core, core->upstream_id, out);
        return true;
    }
    return false;
}

/* E4: while a cascade mourns its upstream the primary may die too; that is another
 * suspicion, with a window of its own. */
static bool primary_lost_too(struct core *core, struct core_effects *out)
{
    if (core->suspect_id == core->primary_id || !is_lost(core, core->primary_id))
        return false;
    suspect(core, core->primary_id, out);
    return true;
}

static bool act_suspecting(struct core *core, struct core_effects *out)
{
    const struct core_member *leader, *rival;
    struct core_why why = because(CORE_WHY_BACK, core->suspect_id);

    watch_local(core, out);
    if (promoted_by_hand(core, out) || primary_lost_too(core, out))
        return true;
    if (!is_lost(core, core->suspect_id) &&
        !view_is_stale(core, core_view(core, core->suspect_id))) {
        why.a = core->attempt;
        report(out, CORE_SAY_RECONNECTED, core->suspect_id, why);
        record(out, CORE_REC_UPSTREAM_RECONNECT, true, why);
        become_standby(core, why, out);
        return true;
    }
    /* Somebody else leads already: no need to wait for the window. */
    leader = elect_leader(core, &rival);
    if (leader != NULL && leader->id != core->primary_id && rival == NULL) {
        elect(core, because(CORE_WHY_LEADER_FOUND, leader->id), out);
        return true;
    }
    if (!mono_reached(core->next_attempt, core->now))
        return false;
    if (core->attempt < core->settings.reconnect_attempts) {
        next_attempt(core, out);
        return false;
    }
    why = because(CORE_WHY_ATTEMPTS_OVER, core->suspect_id);
    why.a = core->attempt;
    report(out, CORE_SAY_GAVE_UP, core->suspect_id, why);
    elect(core, why, out);
    return true;
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
    int64_t patience_ms =
        2 * core->settings.reconnect_attempts * core->settings.reconnect_interval_ms;

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

static void promote(struct core *core, struct core_why why, struct core_effects *out)
{
    struct core_effect *effect;

    core_become(core, CORE_PROMOTING, why, out);
    effect = emit(out, CORE_EFF_PROMOTE);
    effect->deadline_ms = core->settings.promote_deadline_ms;
    effect->id =
        start_action(core, core->settings.self_id, core->settings.promote_deadline_ms);
    effect->why = why;
}

static void follow(struct core *core, struct core_why why, struct core_effects *out)
{
    struct core_effect *effect;

    core_become(core, CORE_FOLLOWING, why, out);
    effect = emit(out, CORE_EFF_FOLLOW);
    effect->node_id = why.node_id;
    effect->deadline_ms = core->settings.follow_deadline_ms;
    effect->id = start_action(core, why.node_id, core->settings.follow_deadline_ms);
    effect->why = why;
}

/* The leader is there and our upstream is right: back to normal. */
static void return_to_standby(struct core *core,
                              const struct verdict *verdict,
                              struct core_effects *out)
{
    if (core->suspect_id != 0 && verdict->why.reason == CORE_WHY_BACK) {
        report(out, CORE_SAY_RECONNECTED, core->suspect_id, verdict->why);
        record(out, CORE_REC_UPSTREAM_RECONNECT, true, verdict->why);
    }
    if (verdict->leader_id != 0)
        core->primary_id = verdict->leader_id;
    become_standby(core, verdict->why, out);
}

static bool act_electing(struct core *core, struct core_effects *out)
{
    struct verdict verdict;

    watch_local(core, out);
    if (promoted_by_hand(core, out) || primary_lost_too(core, out))
        return true;
    if (!view_survey_complete(core))
        return false;
    /* E1: a daemon that slept must not decide by what was true before. */
    if (view_survey_stale(core)) {
        view_begin_survey(core);
        return false;
    }
    verdict = elect_decide(core);
    await_candidate(core, &verdict.why);
    if (!same_why(&core->why, &verdict.why)) {
        core->why = verdict.why;
        report(out, CORE_SAY_VERDICT, verdict.why.node_id, verdict.why);
    }
    switch (verdict.action) {
    case ELECT_WAIT:
        view_begin_survey(core);
        return false;
    case ELECT_RETURN:
        return_to_standby(core, &verdict, out);
        return true;
    case ELECT_FOLLOW:
        follow(core, verdict.why, out);
        return true;
    case ELECT_PROMOTE:
        promote(core, verdict.why, out);
        return true;
    }
    return false;
}

/* ---- PROMOTING and FOLLOWING ------------------------------------------------------
 */

static void promotion_ended(struct core *core, bool ok, struct core_effects *out)
{
    struct core_why why = because(ok ? CORE_WHY_PROMOTED : CORE_WHY_PROMOTE_FAILED,
                                  core->settings.self_id);

    core->action_id = 0;
    if (ok) {
        report(out, CORE_SAY_PRIMARY_MODE, core->settings.self_id, why);
        why.node_id = core->primary_id; /* the former primary, repmgr's %p */
        record(out, CORE_REC_FAILOVER_PROMOTE, true, why);
        why.node_id = core->settings.self_id;
        become_primary(core, why, out);
        return;
    }
    core->backoff_until = mono_add(core->now, core->settings.reconnect_attempts *
                                                  core->settings.reconnect_interval_ms);
    report(out, CORE_SAY_ACTION_FAILED, core->settings.self_id, why);
    record(out, CORE_REC_PROMOTE_ERROR, false, why);
    elect(core, why, out);
}

static void follow_ended(struct core *core, bool ok, struct core_effects *out)
{
    struct core_why why =
        because(ok ? CORE_WHY_FOLLOWED : CORE_WHY_FOLLOW_FAILED, core->action_node_id);

    core->action_id = 0;
    record(out, ok ? CORE_REC_FAILOVER_FOLLOW : CORE_REC_FOLLOW_ERROR, ok, why);
    if (ok) {
        core->upstream_id = core->action_node_id;
        core->primary_id = core->action_node_id;
        become_standby(core, why, out);
        return;
    }
    core->backoff_until = mono_add(core->now, core->settings.reconnect_interval_ms);
    report(out, CORE_SAY_ACTION_FAILED, core->action_node_id, why);
    elect(core, why, out);
}

/* The shell answers within the deadline; this is for one that does not. */
static bool act_promoting(struct core *core, struct core_effects *out)
{
    if (core->action_id == 0 ||
        !mono_reached(mono_add(core->action_deadline, core->settings.beat_ms),
                      core->now))
        return false;
    promotion_ended(core, view_is_primary(core, view_self(core)), out);
    return true;
}

static bool act_following(struct core *core, struct core_effects *out)
{
    watch_local(core, out);
    if (core->action_id == 0 ||
        !mono_reached(mono_add(core->action_deadline, core->settings.beat_ms),
                      core->now))
        return false;
    follow_ended(core, false, out);
    return true;
}

static void on_done(struct core *core, uint32_t id, bool ok, struct core_effects *out)
{
    if (id == 0 || id != core->action_id)
        return; /* late, or of an action that was given up */
    if (core->state == CORE_PROMOTING)
        promotion_ended(core, ok, out);
    else if (core->state == CORE_FOLLOWING)
        follow_ended(core, ok, out);
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
            emit(out, CORE_EFF_WATCH)->node_id = core->members[i].id;
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
    int old_primary = registered_primary(core);
    const struct core_member *self;
    int primary;

    unwatch_gone(core, v, n, out);
    view_set_members(core, v, n);
    primary = registered_primary(core);
    self = core_member(core, core->settings.self_id);
    if (core->state == CORE_PRIMARY)
        return;
    if (primary != 0 && (primary != old_primary || !is_member(core, core->primary_id)))
        core->primary_id = primary;
    if (self->upstream_id != old_upstream || !is_member(core, core->upstream_id))
        core->upstream_id =
            is_member(core, self->upstream_id) ? self->upstream_id : core->primary_id;
    forget_old(core);
}

/* E4: whether the newest answer of `id` is one of somebody who may lead. */
static bool shows_leader(const struct core *core, int id)
{
    const struct core_view *view = core_view(core, id);

    if (id == core->settings.self_id)
        return false;
    if (view_is_primary(core, view))
        return !view_is_stale(core, view);
    return (id == core->suspect_id || id == core->primary_id) && !is_lost(core, id);
}

/* A failed probe that proves life is worth a word: the operator should mend it. */
static void on_observed(struct core *core,
                        const struct core_observation *seen,
                        struct core_effects *out)
{
    struct core_view *view;
    enum reach before;
    int i = view_index(core, seen->node_id);

    if (i < 0)
        return;
    view = &core->views[i];
    before = view->seen.reach;
    view_observe(core, seen);
    if (shows_leader(core, seen->node_id))
        core->first_missed = core->now;
    if (seen->reach != before && seen->reach != REACH_OK &&
        reach_is_alive(seen->reach)) {
        report(out, CORE_SAY_ALIVE, seen->node_id,
               because(CORE_WHY_NONE, seen->node_id));
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
        effect = emit(out, CORE_EFF_WATCH);
        effect->node_id = core->members[i].id;
        effect->interval_ms = interval_ms;
    }
}

/* What we say of ourselves (N1). */
static struct core_note own_note(const struct core *core)
{
    struct core_note note = {.node_id = core->settings.self_id, .term = core->term};
    const struct core_member *self = core_member(core, note.node_id);
    bool pass = core->settings.failover == CORE_FAILOVER_MANUAL ||
                self->priority <= 0 || !mono_reached(core->backoff_until, core->now);

    switch (core->state) {
    case CORE_STARTING:
        note.phase = CORE_PHASE_ASK;
        break;
    case CORE_PRIMARY:
        note.phase = CORE_PHASE_LEAD;
        note.leader_id = note.node_id;
        break;
    case CORE_STANDBY:
        note.phase = CORE_PHASE_FOLLOW;
        note.leader_id = core->primary_id;
        break;
    case CORE_SUSPECTING:
    case CORE_ELECTING:
    case CORE_FOLLOWING:
        /* A cascade that lost its upstream alone still sees the leader. */
        note.phase = pass ? CORE_PHASE_PASS : CORE_PHASE_ASK;
        if (core->suspect_id != 0 && core->suspect_id != core->primary_id &&
            core->primary_id != 0 && !is_lost(core, core->primary_id)) {
            note.phase = CORE_PHASE_FOLLOW;
            note.leader_id = core->primary_id;
        }
        break;
    case CORE_PROMOTING:
        note.phase = CORE_PHASE_PROMOTE;
        note.leader_id = note.node_id;
        break;
    }
    return note;
}

static void update_note(struct core *core, struct core_effects *out)
{
    struct core_note note = own_note(core);

    if (note.phase == core->note.phase && note.leader_id == core->note.leader_id &&
        note.term == core->note.term)
        return;
    core->note = note;
    emit(out, CORE_EFF_NOTE)->note = note;
}

static void say_status(struct core *core, struct core_effects *out)
{
    if (core->settings.status_interval_ms <= 0 ||
        !mono_reached(core->next_status, core->now))
        return;
    core->next_status = mono_add(core->now, core->settings.status_interval_ms);
    report(out, CORE_SAY_STATUS,
           core->state == CORE_STANDBY ? core->upstream_id : core->suspect_id,
           core->why);
}

/* ---- the step ---------------------------------------------------------------------
 */

static bool act(struct core *core, struct core_effects *out)
{
    switch (core->state) {
    case CORE_STARTING:
        return act_starting(core, out);
    case CORE_PRIMARY:
        return act_primary(core, out);
    case CORE_STANDBY:
        return act_standby(core, out);
    case CORE_SUSPECTING:
        return act_suspecting(core, out);
    case CORE_ELECTING:
        return act_electing(core, out);
    case CORE_PROMOTING:
        return act_promoting(core, out);
    case CORE_FOLLOWING:
        return act_following(core, out);
    }
    return false;
}

static void
digest(struct core *core, const struct core_event *event, struct core_effects *out)
{
    switch (event->kind) {
    case CORE_EV_START:
    case CORE_EV_TICK:
        break;
    case CORE_EV_MEMBERS:
        on_members(core, event->members.v, event->members.n, out);
        break;
    case CORE_EV_OBSERVED:
        on_observed(core, &event->observed, out);
        break;
    case CORE_EV_DONE:
        on_done(core, event->done.id, event->done.ok, out);
        break;
    case CORE_EV_SETTINGS:
        CORE_ASSERT(event->settings.self_id == core->settings.self_id);
        core->settings = event->settings;
        break;
    }
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
    view_set_members(core, NULL, 0);
}

void core_step(struct core *core,
               const struct core_event *event,
               struct core_effects *effects)
{
    effects->n = 0;
    /* Time never runs backwards here, whatever the caller's clock does. */
    core->now = event->now.ms > core->now.ms ? event->now : core->now;
    digest(core, event, effects);
    for (int moves = 0; act(core, effects); moves++)
        CORE_ASSERT(moves < MAX_MOVES);
    update_watches(core, effects);
    update_note(core, effects);
    say_status(core, effects);
}

struct mono core_deadline(const struct core *core)
{
    struct mono at = core->next_status;
    int64_t beat_ms = core->settings.beat_ms;

    if (core->settings.status_interval_ms <= 0)
        at = MONO_NEVER;
    switch (core->state) {
    case CORE_STARTING:
    case CORE_PRIMARY:
    case CORE_STANDBY: /* observations come by themselves, every beat */
        break;
    case CORE_SUSPECTING:
        at = mono_min(at, core->next_attempt);
        break;
    case CORE_ELECTING:
        at = mono_min(at, mono_add(core->survey_at, CORE_SURVEY_BEATS * beat_ms));
        break;
    case CORE_PROMOTING:
    case CORE_FOLLOWING:
        at = mono_min(at, mono_add(core->action_deadline, beat_ms));
        break;
    }
    /* Never in the past: a passed deadline means "at once". */
    return at.ms < core->now.ms ? core->now : at;
}
