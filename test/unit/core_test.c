/* core_test.c - the state machine, through core_step() alone: transitions, what is said
 * and asked for on the way, late and odd events; and that no event in any state traps.
 *
 * What a vote, a lease or a note is about has tests of its own: ballot_test.c,
 * lease_test.c, canvass_test.c, board_test.c, post_test.c. */
#include <string.h>

#include "core/core.h"
#include "core/internal.h"
#include "core/reason.h"
#include "core_fixture.h"

#define T0 FIXTURE_T0

/* A started core of node 2 whose own PostgreSQL and members are known. */
static struct core started(int n)
{
    struct core_settings settings = fixture_settings();
    struct core core;

    core_init(&core, &settings);
    (void)step_start(&core, T0, fixture_follower());
    (void)step_members(&core, T0, n);
    return core;
}

static const struct core_effects *leads(struct core *core, int64_t at, int id)
{
    return step_hear(core, at, fixture_note(id, CORE_PHASE_LEAD, id == 1 ? 1 : 2, id));
}

/* Node 1 was followed and is lost; time is T0 + 1000. */
static struct core suspecting(int n)
{
    struct core core = fixture_following(n);

    (void)step_see(&core, T0 + 1000, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(core.state, CORE_SUSPECTING);
    return core;
}

/* The same, after the attempts; time is T0 + 7000. */
static struct core electing(int n)
{
    struct core core = suspecting(n);

    for (int at = 3000; at <= 7000; at += 2000)
        (void)step_tick(&core, T0 + at);
    assert_int_equal(core.state, CORE_ELECTING);
    return core;
}

/* Node 1 refuses, all others are healthy and ask; own WAL is cut off and reported. */
static void survey(struct core *core, int64_t at)
{
    for (int i = 0; i < 2 && core->state == CORE_ELECTING; i++) {
        (void)step_see(core, at, fixture_failed(1, REACH_REFUSED));
        (void)step_see(core, at, fixture_standby(FIXTURE_SELF));
        for (int id = core->n_members; id > FIXTURE_SELF; id--)
            (void)step_hear(core, at, fixture_ask(id));
        (void)settle(core, at);
    }
}

/* A candidate for term 2, in writing; time is T0 + 7100. */
static struct core canvassing(int n)
{
    struct core core = electing(n);

    survey(&core, T0 + 7100);
    assert_int_equal(core.state, CORE_CANVASSING);
    assert_int_equal(core.durable.duty, CORE_DUTY_CANDIDATE);
    return core;
}

/* Everybody grants what was written at `at`. */
static const struct core_effects *votes(struct core *core, int64_t at)
{
    for (int id = 3; id <= core->n_members; id++)
        (void)step_hear(core, at, fixture_ballot(id, core->durable.term, at));
    return settle(core, at);
}

static struct core promoting(int n)
{
    struct core core = canvassing(n);

    (void)votes(&core, T0 + 7100);
    assert_int_equal(core.state, CORE_PROMOTING);
    return core;
}

static struct core primary(int n)
{
    struct core core = promoting(n);

    (void)step_done(&core, T0 + 7200, core.action_id, true);
    (void)step_local(&core, T0 + 7200, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0 + 7200, fixture_primary(FIXTURE_SELF));
    (void)settle(&core, T0 + 7200);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.durable.duty, CORE_DUTY_LEADING);
    return core;
}

static int64_t watched_every(const struct core_effects *effects, int id)
{
    int64_t interval_ms = -1;

    for (int i = 0; i < effects->n; i++)
        if (effects->v[i].kind == CORE_EFF_WATCH && effects->v[i].node_id == id)
            interval_ms = effects->v[i].interval_ms;
    return interval_ms;
}

/* ---- starting ---------------------------------------------------------------- */

static void it_watches_itself_from_the_start(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core core;
    const struct core_effects *effects;

    (void)state;
    core_init(&core, &settings);
    effects = step_start(&core, T0, fixture_follower());
    assert_int_equal(watched_every(effects, FIXTURE_SELF), FIXTURE_BEAT);
    assert_int_equal(core.state, CORE_STARTING);
    /* Without a record it has no priority: it would not lead. */
    assert_int_equal(find_effect(effects, CORE_EFF_NOTE)->note.phase, CORE_PHASE_PASS);
    effects = step_members(&core, T0, 3);
    assert_int_equal(find_effect(effects, CORE_EFF_NOTE)->note.phase, CORE_PHASE_ASK);
}

static void it_waits_for_postgresql_and_says_so_once(void **state)
{
    struct core core = started(3);

    (void)state;
    assert_true(
        says(step_see(&core, T0, fixture_failed(2, REACH_REFUSED)), CORE_SAY_WAITING));
    assert_int_equal(core.why.reason, CORE_WHY_NO_LOCAL);
    assert_false(says(step_see(&core, T0 + 300, fixture_failed(2, REACH_REFUSED)),
                      CORE_SAY_WAITING));
    (void)step_see(&core, T0 + 600, fixture_standby(2));
    (void)step_see(&core, T0 + 600, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
}

static void it_waits_for_its_record(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable none = {.incarnation = 1};
    struct core core;

    (void)state;
    core_init(&core, &settings);
    (void)step_start(&core, T0, none);
    /* Not before the table was read. */
    assert_false(says(step_see(&core, T0, fixture_standby(2)), CORE_SAY_WAITING));
    assert_true(says(step_members(&core, T0, 0), CORE_SAY_WAITING));
    assert_int_equal(core.why.reason, CORE_WHY_NO_RECORD);
    (void)step_members(&core, T0 + 1000, 3);
    (void)step_see(&core, T0 + 1001, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
}

/* Own PostgreSQL may be behind what this node has confirmed. */
static void m1_an_older_membership_is_not_used(void **state)
{
    struct core core = fixture_following(3);
    struct core_event event = {.kind = CORE_EV_MEMBERS, .now = {T0 + 10}};
    struct core_effects effects;

    (void)state;
    event.members.version = 2;
    event.members.v = core.members;
    event.members.n = 3;
    assert_true(core_is_news(&core, 2));
    core_step(&core, &event, &effects);
    (void)settle(&core, T0 + 10);
    assert_int_equal(core.durable.members_version, 2);
    (void)step_members(&core, T0 + 20, 5); /* version 1 */
    assert_int_equal(core.n_members, 3);
    assert_false(core_is_news(&core, 1));
}

static void it_hears_the_primary_before_it_monitors(void **state)
{
    struct core core = started(3);

    (void)state;
    (void)step_see(&core, T0, fixture_standby(2));
    assert_int_equal(core.state, CORE_STARTING);
    (void)step_see(&core, T0, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.state, CORE_SUSPECTING); /* dead from the start: no excuse */
}

static void f4_it_waits_while_the_primary_is_of_another_cluster(void **state)
{
    struct core core = started(2);
    struct core_observation foreign = fixture_primary(1);

    (void)state;
    foreign.system_identifier++;
    (void)step_see(&core, T0, fixture_standby(2));
    assert_true(says(step_see(&core, T0, foreign), CORE_SAY_WAITING));
    assert_int_equal(core.why.reason, CORE_WHY_WRONG_SYSTEM);
    (void)step_see(&core, T0 + 300, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 60000, fixture_standby(2));
    assert_int_equal(core.state, CORE_STARTING);
}

static void a_primary_records_its_term(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_leader();
    const struct core_effects *effects;
    struct core core;

    (void)state;
    durable.recorded = false;
    durable.armed = false;
    durable.term = durable.lead_term = 3;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    effects = step_see(&core, T0, fixture_primary(2));
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.primary_id, 2);
    assert_int_equal(find_effect(effects, CORE_EFF_LEAD)->term, 3);
    assert_true(says(effects, CORE_SAY_MONITOR_PRIMARY));
    /* P1, C6: not said before its row is there. */
    assert_int_not_equal(core.note.phase, CORE_PHASE_LEAD);
    (void)settle(&core, T0 + 10);
    assert_int_equal(core.note.phase, CORE_PHASE_LEAD);
}

/* ---- suspicion --------------------------------------------------------------- */

static void attempts_are_counted_as_repmgr_does(void **state)
{
    struct core core = fixture_following(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_see(&core, T0 + 1000, fixture_failed(1, REACH_REFUSED));
    assert_true(says(effects, CORE_SAY_LOST));
    assert_true(says(effects, CORE_SAY_ATTEMPT));
    assert_true(says(effects, CORE_SAY_SLEEPING));
    assert_true(records(effects, CORE_REC_UPSTREAM_DISCONNECT));
    assert_int_equal(find_effect(effects, CORE_EFF_PROBE)->node_id, 1);
    assert_int_equal(core.views[2].watch_ms, FIXTURE_BEAT);
    assert_int_equal(core_deadline(&core).ms, T0 + 2 + 2000); /* E4: the last answer */

    effects = step_tick(&core, T0 + 3000);
    assert_true(says(effects, CORE_SAY_ATTEMPT) && says(effects, CORE_SAY_SLEEPING));
    effects = step_tick(&core, T0 + 5000);
    assert_true(says(effects, CORE_SAY_ATTEMPT));
    assert_false(says(effects, CORE_SAY_SLEEPING)); /* the last one */
    assert_int_equal(core.attempt, 3);
    (void)step_tick(&core, T0 + 6999);
    assert_int_equal(core.state, CORE_SUSPECTING);
    effects = step_tick(&core, T0 + 7000);
    assert_true(says(effects, CORE_SAY_GAVE_UP));
    assert_int_equal(core.state, CORE_ELECTING);
}

static void an_answer_ends_the_suspicion(void **state)
{
    struct core core = suspecting(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_see(&core, T0 + 2000, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
    assert_true(says(effects, CORE_SAY_RECONNECTED));
    assert_true(records(effects, CORE_REC_UPSTREAM_RECONNECT));
    /* Calm: sessions are dropped, once its daemon is heard, too (L2). */
    (void)leads(&core, T0 + 2000, 1);
    assert_int_equal(core.views[2].watch_ms, 0);
}

/* Who was cut off gets WAL again by a follow, and by nothing else. */
static void v2_an_answer_is_not_enough_for_who_was_cut_off(void **state)
{
    struct core core = suspecting(3);

    (void)state;
    core.durable.revoked = core.wanted.revoked = true;
    (void)step_see(&core, T0 + 1900, fixture_standby(FIXTURE_SELF));
    (void)step_see(&core, T0 + 2000, fixture_failed(1, REACH_STARTING));
    assert_int_equal(core.state, CORE_ELECTING);
    (void)leads(&core, T0 + 2100, 1);
    assert_int_equal(core.state, CORE_FOLLOWING);
}

/* A PostgreSQL without a daemon that leads by its term. */
static void a_new_leader_ends_it_at_once(void **state)
{
    struct core core = suspecting(3);
    struct core_observation leader = fixture_primary(3);

    (void)state;
    leader.term = 2;
    (void)step_see(&core, T0 + 1300, leader);
    assert_int_equal(core.state, CORE_ELECTING);
    (void)step_see(&core, T0 + 1600, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 1600, fixture_standby(2));
    (void)step_see(&core, T0 + 1600, leader);
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.action_node_id, 3);
}

static void l8_a_note_of_a_later_leader_ends_it_at_once(void **state)
{
    struct core core = suspecting(3);

    (void)state;
    (void)leads(&core, T0 + 1300, 3);
    (void)step_see(&core, T0 + 1300, fixture_standby(2));
    (void)settle(&core, T0 + 1300);
    (void)step_tick(&core, T0 + 1301);
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.durable.leader_id, 3);
    assert_int_equal(core.durable.term, 2);
}

/* It was cut off as well: this node's vote is wanted long before the follow's end. */
static void e2_a_leader_that_is_gone_is_not_followed_to_the_end(void **state)
{
    struct core core = suspecting(3);
    int64_t at;

    (void)state;
    (void)leads(&core, T0 + 1300, 3);
    (void)step_see(&core, T0 + 1300, fixture_standby(2));
    (void)settle(&core, T0 + 1300);
    (void)step_tick(&core, T0 + 1301);
    assert_int_equal(core.state, CORE_FOLLOWING);
    at = core.since.ms + FIXTURE_W;
    (void)step_see(&core, at - 1, fixture_failed(3, REACH_SILENT));
    assert_int_equal(core.state, CORE_FOLLOWING); /* not for a window yet */
    (void)step_see(&core, at, fixture_failed(3, REACH_SILENT));
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.action_id, 0);
}

static void a_leader_of_former_days_is_not_one(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    fixture_see(&core, fixture_primary(3)); /* seen long ago */
    core.views[2].fresh = true;
    (void)step_see(&core, T0 + 60000, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(core.state, CORE_SUSPECTING);
    (void)step_tick(&core, T0 + 60001);
    assert_int_equal(core.state, CORE_SUSPECTING);
}

static void e4_what_it_resigned_needs_no_window(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_see(&core, T0 + 100, fixture_failed(1, REACH_REFUSED));
    (void)step_read(&core, T0 + 200, 3, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    assert_int_equal(core.state, CORE_ELECTING);
    survey(&core, T0 + 300);
    assert_int_equal(core.state, CORE_CANVASSING);
}

/* Its PostgreSQL is up again already: that does not give the term back. */
static void e3_who_resigned_does_not_lead_by_answering(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_hear(&core, T0 + 200, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    assert_int_equal(core.state, CORE_ELECTING);
    (void)step_see(&core, T0 + 250, fixture_failed(1, REACH_STARTING));
    assert_int_equal(core.state, CORE_ELECTING);
}

/* It resigned term 1 and leads term 3 by now, before we have promised 3. */
static void l8_the_same_leader_under_a_later_term(void **state)
{
    struct core core = fixture_following(3);
    struct core_note note = fixture_note(1, CORE_PHASE_LEAD, 3, 1);

    (void)state;
    core.save_id = 999; /* a write that takes its time: nothing can be promised */
    core.wanted = core.durable;
    (void)step_read(&core, T0 + 200, 3, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_hear(&core, T0 + 300, note);
    (void)step_see(&core, T0 + 310, fixture_standby(FIXTURE_SELF));
    assert_int_not_equal(core.state, CORE_CANVASSING);
    (void)step_done(&core, T0 + 320, 999, true);
    (void)settle(&core, T0 + 330);
    assert_int_equal(core.durable.term, 3);
    assert_int_equal(core.state, CORE_STANDBY);
}

static void e4_each_answer_begins_the_window_anew(void **state)
{
    struct core core = electing(3);

    (void)state;
    /* In the middle of a survey the primary answers once, and is lost again. */
    (void)step_see(&core, T0 + 7100, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
    (void)step_see(&core, T0 + 7200, fixture_failed(1, REACH_REFUSED));
    for (int at = 9200; at <= 13200; at += 2000)
        (void)step_tick(&core, T0 + at);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.first_missed.ms, T0 + 7100);
    survey(&core, T0 + 13300);
    assert_int_equal(core.state, CORE_CANVASSING);
}

/* The window is W after the last sign, however long the probe took that missed it. */
static void e4_the_window_begins_with_the_last_sign(void **state)
{
    const int64_t survey_ms = 4 * FIXTURE_BEAT;
    struct core core = fixture_following(3);

    (void)state;
    (void)step_see(&core, T0 + 500, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.first_missed.ms, T0 + 2);
    assert_int_equal(core.noticed_at.ms, T0 + 500);
    /* Nobody asked for longer: name service was down. */
    core = fixture_following(3);
    for (int64_t at = T0 + 500; at < T0 + 60000; at += 500)
        (void)step_see(&core, at, fixture_standby(2));
    (void)step_see(&core, T0 + 60000, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.first_missed.ms, T0 + 60000 - survey_ms);
    /* This daemon stood still. */
    core = fixture_following(3);
    (void)step_tick(&core, T0 + 60000);
    (void)step_see(&core, T0 + 60200, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.first_missed.ms, T0 + 60000);
}

static void e4_the_primary_dies_while_its_cascade_is_mourned(void **state)
{
    struct core core = fixture_following(4);

    (void)state;
    core.upstream_id = 4;
    (void)step_see(&core, T0 + 300, fixture_standby(4));
    (void)step_see(&core, T0 + 1000, fixture_failed(4, REACH_REFUSED));
    assert_int_equal(core.suspect_id, 4);
    (void)leads(&core, T0 + 6800, 1);
    assert_int_equal(core.note.phase, CORE_PHASE_FOLLOW); /* it hears the leader */
    assert_int_equal(core.note.leader_id, 1);
    (void)step_see(&core, T0 + 6900, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.state, CORE_SUSPECTING);
    assert_int_equal(core.suspect_id, 1);
    assert_int_equal(core.first_missed.ms, T0 + 6800);
    (void)step_tick(&core, T0 + 6800 + FIXTURE_SIGN + 1);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
}

static void e1_a_survey_that_was_slept_through_is_thrown_away(void **state)
{
    struct core core = electing(3);

    (void)state;
    (void)step_see(&core, T0 + 7100, fixture_failed(1, REACH_REFUSED));
    (void)step_hear(&core, T0 + 7100, fixture_ask(3));
    (void)step_see(&core, T0 + 37100, fixture_standby(2));
    (void)settle(&core, T0 + 37100);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.why.reason, CORE_WHY_NO_QUORUM);
    survey(&core, T0 + 37200);
    assert_int_equal(core.state, CORE_CANVASSING);
}

/* ---- promotion --------------------------------------------------------------- */

/* "standing" on disk, ballots, "promoting" on disk, then PostgreSQL. */
static void c5_a_promotion_is_asked_for_once_and_last(void **state)
{
    struct core core = canvassing(3);
    const struct core_effects *effects;
    const struct core_effect *effect;
    uint32_t save_id;

    (void)state;
    assert_int_equal(core.note.phase, CORE_PHASE_CANVASS);
    assert_int_equal(core.note.term, 2);
    effects = step_hear(&core, T0 + 7200, fixture_ballot(3, 2, T0 + 7150));
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 0);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_PROMOTING);
    save_id = find_effect(effects, CORE_EFF_SAVE)->id;
    effects = step_done(&core, T0 + 7300, save_id, true);
    effect = find_effect(effects, CORE_EFF_PROMOTE);
    assert_non_null(effect);
    assert_int_equal(effect->deadline_ms, 20000);
    assert_true(effect->id != 0 && effect->id == core.action_id);
    assert_int_equal(core.note.phase, CORE_PHASE_PROMOTE);
    /* Its lease is the ballots': the sentry knows when they end. */
    effect = find_effect(effects, CORE_EFF_LEASE);
    assert_int_equal(effect->freeze_at.ms, T0 + 7150 + FIXTURE_W / 2);
    effects = step_hear(&core, T0 + 7400, fixture_ballot(3, 2, T0 + 7350));
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 0);
}

static void its_success_makes_a_primary(void **state)
{
    struct core core = promoting(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_done(&core, T0 + 8000, core.action_id, true);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_true(says(effects, CORE_SAY_PRIMARY_MODE));
    assert_true(records(effects, CORE_REC_FAILOVER_PROMOTE));
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_LEADING);
    /* An answer that was asked for before the end does not undo it. */
    (void)step_see(&core, T0 + 8010, fixture_standby(2));
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_see(&core, T0 + 8020, fixture_primary(2));
    (void)settle(&core, T0 + 8030);
    assert_int_equal(core.note.phase, CORE_PHASE_LEAD);
    assert_int_equal(core.note.term, 2);
}

/* It may still end well, later: so it is ended, and only then given up. */
static void its_failure_resigns_and_pauses(void **state)
{
    struct core core = promoting(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_done(&core, T0 + 8000, core.action_id, false);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_true(says(effects, CORE_SAY_ACTION_FAILED));
    assert_true(records(effects, CORE_REC_PROMOTE_ERROR));
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    effects = step_done(&core, T0 + 8100, core.fence_id, true);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_RESIGNED);
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    effects = settle(&core, T0 + 8200);
    assert_true(records(effects, CORE_REC_RESIGNED));
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
    assert_int_equal(core.backoff_until.ms, T0 + 8000 + FIXTURE_W);
    /* We ended PostgreSQL, so we start it again. */
    assert_int_equal(n_effects(effects, CORE_EFF_START_PG), 1);
    /* That it is back is no reason to try again: the next best has its turn. */
    (void)step_done(&core, T0 + 8300, core.start_id, true);
    (void)step_local(&core, T0 + 8300, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0 + 8400, fixture_standby(FIXTURE_SELF));
    assert_int_equal(core.backoff_until.ms, T0 + 8000 + FIXTURE_W);
    survey(&core, T0 + 8500);
    assert_int_equal(core.state, CORE_ELECTING);
}

static void late_completions_are_ignored(void **state)
{
    struct core core = promoting(3), before;
    uint32_t id = core.action_id;

    (void)state;
    (void)step_done(&core, T0 + 8000, id, false);
    before = core;
    (void)step_done(&core, T0 + 8000, id, true);
    assert_memory_equal(&core, &before, sizeof core);
    (void)step_done(&core, T0 + 8000, core.last_id + 1, true); /* never given out */
    (void)step_done(&core, T0 + 8000, 0, true);
    assert_memory_equal(&core, &before, sizeof core);
}

/* Ballots go on, so nothing but the end of its time ends it. */
static void a_promotion_that_never_ends_is_given_up(void **state)
{
    struct core core = promoting(3);
    int64_t end = core.since.ms + 20000 + FIXTURE_BEAT;

    (void)state;
    for (int64_t at = core.now.ms; at < end; at += 1000)
        (void)step_hear(&core, at, fixture_ballot(3, 2, at));
    (void)step_tick(&core, end - 1);
    assert_int_equal(core.state, CORE_PROMOTING);
    assert_int_equal(core_deadline(&core).ms, end);
    (void)step_tick(&core, end);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.action_id, 0);
}

static void e9_a_better_candidate_is_awaited_for_two_windows(void **state)
{
    struct core core = electing(3);
    int64_t at = T0 + 7100;

    (void)state;
    fixture_member(&core, 3)->priority = 200;
    survey(&core, at);
    assert_int_equal(core.why.reason, CORE_WHY_OTHER_BETTER);
    for (; at < T0 + 7100 + 2 * FIXTURE_W; at += 500) {
        survey(&core, at);
        assert_int_equal(core.state, CORE_ELECTING);
    }
    survey(&core, at);
    survey(&core, at + 300);
    assert_int_equal(core.state, CORE_CANVASSING);
}

/* ---- following --------------------------------------------------------------- */

static struct core following(void)
{
    struct core core = electing(3);

    (void)leads(&core, T0 + 7100, 3);
    (void)step_see(&core, T0 + 7100, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 7100, fixture_standby(2));
    (void)settle(&core, T0 + 7100);
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.action_node_id, 3);
    return core;
}

static void a_follow_that_succeeds(void **state)
{
    struct core core = following();
    const struct core_effects *effects;

    (void)state;
    effects = step_done(&core, T0 + 7200, core.action_id, true);
    assert_int_equal(core.state, CORE_STANDBY);
    assert_int_equal(core.primary_id, 3);
    assert_int_equal(core.upstream_id, 3);
    assert_true(records(effects, CORE_REC_FAILOVER_FOLLOW));
    assert_true(says(effects, CORE_SAY_MONITORING));
    assert_int_equal(core.note.phase, CORE_PHASE_FOLLOW);
    assert_int_equal(core.note.leader_id, 3);
    /* An older copy of the table does not take us back. */
    (void)step_members(&core, T0 + 7300, 3);
    assert_int_equal(core.primary_id, 3);
    assert_int_equal(core.upstream_id, 3);
}

static void a_follow_that_fails_is_tried_again(void **state)
{
    struct core core = following();

    (void)state;
    assert_true(records(step_done(&core, T0 + 7200, core.action_id, false),
                        CORE_REC_FOLLOW_ERROR));
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.upstream_id, 1);
    (void)leads(&core, T0 + 9199, 3);
    assert_int_equal(core.why.reason, CORE_WHY_BACKOFF);
    (void)step_see(&core, T0 + 9199, fixture_standby(2));
    assert_int_equal(core.state, CORE_ELECTING);
    (void)leads(&core, T0 + 9200, 3);
    assert_int_equal(core.state, CORE_FOLLOWING);
}

static void a_follow_that_never_ends_is_given_up(void **state)
{
    struct core core = following();

    (void)state;
    (void)step_tick(&core, core.action_deadline.ms + FIXTURE_BEAT - 1);
    assert_int_equal(core.state, CORE_FOLLOWING);
    (void)step_tick(&core, core.action_deadline.ms + FIXTURE_BEAT);
    assert_int_equal(core.state, CORE_ELECTING);
}

/* ---- a primary --------------------------------------------------------------- */

static void f5_a_second_primary_is_reported_once(void **state)
{
    struct core core = primary(3);
    struct core_observation rival = fixture_primary(3);

    (void)state;
    assert_true(records(step_see(&core, T0 + 7900, rival), CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 8000, rival), CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 8100, fixture_failed(3, REACH_SILENT)),
                         CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 8200, rival), CORE_REC_MANY_PRIMARIES));
    /* It became a standby, and then a primary again: that is news. */
    (void)step_see(&core, T0 + 8300, fixture_standby(3));
    assert_true(records(step_see(&core, T0 + 8400, rival), CORE_REC_MANY_PRIMARIES));
}

static void a_primary_that_goes_away_is_said_once(void **state)
{
    struct core core = primary(3);
    struct core_observation dead = fixture_failed(2, REACH_SILENT);

    (void)state;
    assert_true(records(step_see(&core, T0 + 7300, dead), CORE_REC_LOCAL_DISCONNECT));
    assert_false(records(step_see(&core, T0 + 7600, dead), CORE_REC_LOCAL_DISCONNECT));
    assert_true(records(step_see(&core, T0 + 7900, fixture_primary(2)),
                        CORE_REC_LOCAL_RECONNECT));
    assert_int_equal(core.state, CORE_PRIMARY);
}

/* In calm, its own board is enough; a glance at the others finds a second primary. */
static void n3_a_calm_primary_glances_at_the_others(void **state)
{
    struct core core = primary(3);

    (void)state;
    (void)step_hear(&core, T0 + 7300, fixture_ballot(3, 2, T0 + 7300));
    (void)step_see(&core, T0 + 7300, fixture_primary(2));
    assert_int_equal(core.views[0].watch_ms, 10 * FIXTURE_BEAT);
    /* A quarter of a window before the lease lapses it looks everywhere. */
    (void)step_see(&core, T0 + 7300 + FIXTURE_W / 4 - 1, fixture_primary(2));
    assert_int_equal(core.views[0].watch_ms, 10 * FIXTURE_BEAT);
    (void)step_see(&core, T0 + 7300 + FIXTURE_W / 4, fixture_primary(2));
    assert_int_equal(core.views[0].watch_ms, FIXTURE_BEAT);
}

/* It needs a lease like any other: it stands for one, and is frozen meanwhile. */
static void promoted_by_hand_from_every_state_of_a_standby(void **state)
{
    struct core cores[] = {fixture_following(3), suspecting(3), electing(3)};

    (void)state;
    for (size_t i = 0; i < N_OF(cores); i++) {
        const struct core_effects *effects;

        (void)step_local(&cores[i], T0 + 7999, CORE_LOCAL_RUNNING, false);
        effects = step_see(&cores[i], T0 + 8000, fixture_primary(2));
        assert_true(records(effects, CORE_REC_LOCAL_PROMOTED));
        assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 1);
        assert_int_equal(cores[i].state, CORE_CANVASSING);
    }
}

/* ---- members, settings, status ----------------------------------------------- */

static void members_that_leave_are_not_watched_any_more(void **state)
{
    struct core core = suspecting(4);

    (void)state;
    assert_int_equal(watched_every(step_members(&core, T0 + 1100, 3), 4), 0);
    assert_int_equal(watched_every(step_members(&core, T0 + 1200, 4), 4), FIXTURE_BEAT);
}

static void settings_are_reloaded(void **state)
{
    struct core core = fixture_following(3);
    struct core_settings settings = fixture_settings();

    (void)state;
    settings.beat_ms = 500;
    settings.failover = CORE_FAILOVER_MANUAL;
    assert_int_equal(watched_every(step_settings(&core, T0 + 100, settings), 1), 500);
    assert_int_equal(core.settings.failover, CORE_FAILOVER_MANUAL);
}

static void status_is_said_at_its_interval(void **state)
{
    struct core core = fixture_following(3);
    struct core_settings settings = fixture_settings();

    (void)state;
    settings.status_interval_ms = 1000;
    (void)step_settings(&core, T0 + 100, settings);
    core.next_status.ms = T0 + 1100;
    assert_false(says(step_tick(&core, T0 + 1099), CORE_SAY_STATUS));
    assert_true(core_deadline(&core).ms <= T0 + 1100);
    assert_true(says(step_tick(&core, T0 + 1100), CORE_SAY_STATUS));
    assert_int_equal(core.next_status.ms, T0 + 2100);
}

static void time_never_runs_backwards(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_see(&core, T0 - 5000, fixture_primary(1));
    assert_int_equal(core.now.ms, T0 + 3);
}

/* ---- totality ---------------------------------------------------------------- */

static uint64_t seed;

static int64_t any(int64_t low, int64_t high)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (int64_t)((seed >> 33) % (uint64_t)(high - low + 1));
}

static struct core_observation any_observation(void)
{
    struct core_observation seen = {
        .node_id = (int)any(0, 6),
        .reach = (enum reach)any(REACH_UNKNOWN, REACH_UNUSABLE),
        .connected = any(0, 1),
        .in_recovery = any(0, 1),
        .system_identifier = (uint64_t)any(0, 9) < 8 ? FIXTURE_SYSTEM : 1,
        .timeline = (int)any(0, 3),
        .term = any(0, 3),
        .position = {(uint64_t)any(0, 3)},
        .receiver_streaming = any(0, 1),
        .receiver_age_ms = any(-1, 9000),
        .copies = (int)any(0, 2),
    };

    if (any(0, 9) == 0)
        seen.node_id = (int)any(0, CORE_MAX_NODES + 2);
    if (any(0, 1))
        seen.reach = REACH_OK;
    return seen;
}

/* Near enough to the truth to be believed often. */
static struct core_note any_note(const struct core *core)
{
    int64_t now_ms = core->now.ms;
    int64_t top = core->durable.term + 1;
    struct core_note note = fixture_note((int)any(1, 6), CORE_PHASE_ASK,
                                         any(0, 3) > 0 ? top - 1 : any(0, top), 0);

    note.phase = (enum core_phase)any(CORE_PHASE_LEAD, CORE_PHASE_PAUSED);
    if (note.phase <= CORE_PHASE_RENEW || note.phase == CORE_PHASE_CANVASS)
        note.leader_id = note.node_id;
    else if (any(0, 1))
        note.leader_id = any(0, 1) ? core->settings.self_id : (int)any(1, 5);
    note.stamp = (struct core_stamp){any(0, 9) == 0, now_ms + any(-500, 50)};
    note.echo = (struct core_stamp){any(0, 9) > 0 ? core->settings.boot : 1,
                                    now_ms - any(-100, 5000)};
    note.report.known = any(0, 2) > 0;
    note.report.term = any(0, 1);
    note.report.position.pos = (uint64_t)any(0, 3);
    note.window_ms = any(0, 9) > 0 ? FIXTURE_W : any(0, 3 * FIXTURE_W);
    note.members_version = any(0, 3);
    note.incarnation = any(0, 9) > 0 ? 1 : (uint32_t)any(0, 3);
    note.frozen = any(0, 3) == 0;
    note.voiceless = any(0, 9) == 0;
    return note;
}

static void any_members(struct core_event *event, struct core_member *members)
{
    event->members.n = (int)any(0, any(0, 3) == 0 ? CORE_MAX_NODES : 6);
    event->members.v = members;
    event->members.version = any(0, 3);
    for (int i = 0; i < event->members.n; i++)
        members[i] = (struct core_member){
            .id = i + 1,
            .name = "n",
            .role = (enum core_role)any(CORE_ROLE_UNKNOWN, CORE_ROLE_WITNESS),
            .upstream_id = (int)any(0, 6),
            .priority = (int)any(-1, 2),
            .active = any(0, 1),
            .voting = any(0, 3) > 0};
}

static void any_settings(const struct core *core, struct core_event *event)
{
    event->settings = core->settings;
    event->settings.failover = (enum core_failover)any(0, 1);
    event->settings.quorum = (enum core_quorum)any(0, 1);
    event->settings.check = (enum core_check)any(0, 2);
    event->settings.status_interval_ms = any(0, 1) * 5000;
    event->settings.fencing = (enum core_fencing)any(0, 2);
    event->settings.keep_on_quorum_loss = any(0, 3) == 0;
    event->settings.keep_on_daemon_loss = any(0, 3) == 0;
    event->settings.restart_on_crash = any(0, 1);
    event->settings.reconnect_interval_ms = any(1, 3) * 1000;
}

/* Of what is under way, mostly. */
static uint32_t any_id(const struct core *core)
{
    const uint32_t ids[] = {core->save_id,   core->revoke_id, core->lead_id,
                            core->action_id, core->fence_id,  core->start_id};

    if (any(0, 9) == 0)
        return (uint32_t)any((int64_t)core->last_id - 1, core->last_id);
    return ids[any(0, N_OF(ids) - 1)];
}

static struct core_event
any_event(const struct core *core, struct core_member *members, struct core_note *notes)
{
    struct core_event event = {.kind = CORE_EV_OBSERVED};
    int64_t kind = any(0, 99);

    if (kind < 35)
        event.kind = CORE_EV_DONE;
    else if (kind < 41)
        event.kind = CORE_EV_LOCAL;
    else if (kind < 45)
        event.kind = (enum core_event_kind)any(CORE_EV_TICK, CORE_EV_SETTINGS);
    else if (kind == 45 && any(0, 9) == 0)
        event.kind = CORE_EV_STOP;
    event.now.ms = core->now.ms + (any(0, 9) == 0 ? any(-1000, 7000) : any(0, 300));
    switch (event.kind) {
    case CORE_EV_START:
    case CORE_EV_TICK:
        break;
    case CORE_EV_STOP:
        event.stop.handover = any(0, 1);
        break;
    case CORE_EV_MEMBERS:
        any_members(&event, members);
        break;
    case CORE_EV_OBSERVED:
        event.observed = any_observation();
        event.n_notes = (int)any(0, 4);
        event.notes = any(0, 9) == 0 ? NULL : notes;
        for (int i = 0; i < event.n_notes; i++)
            notes[i] = any_note(core);
        break;
    case CORE_EV_DONE:
        event.done.id = any_id(core);
        event.done.ok = any(0, 3) > 0;
        event.done.report.known = any(0, 3) > 0;
        event.done.report.position.pos = (uint64_t)any(0, 3);
        break;
    case CORE_EV_SETTINGS:
        any_settings(core, &event);
        break;
    case CORE_EV_LOCAL:
        event.local.local = (enum core_local)any(CORE_LOCAL_UNKNOWN, CORE_LOCAL_GONE);
        event.local.clean = any(0, 1);
        break;
    }
    return event;
}

static void say_all(const struct core *core, const struct core_effects *effects)
{
    for (int i = 0; i < effects->n; i++) {
        struct core_text text;

        if (effects->v[i].kind != CORE_EFF_REPORT &&
            effects->v[i].kind != CORE_EFF_ENTER)
            continue;
        reason_say(core, &effects->v[i], &text);
        assert_true(text.text[0] != '\0');
    }
}

/* What must hold whatever happens. */
static void check_step(const struct core *core, const struct core_effects *effects)
{
    const struct core_effect *save = find_effect(effects, CORE_EFF_SAVE);

    assert_true(core_deadline(core).ms >= core->now.ms);
    assert_int_equal(core->state == CORE_PROMOTING || core->state == CORE_FOLLOWING,
                     core->action_id != 0);
    assert_true(n_effects(effects, CORE_EFF_SAVE) <= 1);
    if (save != NULL)
        assert_true(save->durable.term >= core->durable.term);
    /* Nothing is said that is not durable, or that the state takes back. */
    assert_true(core->note.term <= core->durable.term);
    if (core->note.phase == CORE_PHASE_CANVASS ||
        core->note.phase == CORE_PHASE_PROMOTE)
        assert_true(core->durable.leader_id == core->settings.self_id &&
                    core->durable.term == core->note.term);
    if (core->note.phase == CORE_PHASE_LEAD)
        assert_true(core->durable.duty == CORE_DUTY_LEADING &&
                    core->durable.lead_term == core->note.term);
    /* L9: before it is resigned no note says that the led term is over. */
    if (core->durable.duty == CORE_DUTY_LEADING && core->note.phase != CORE_PHASE_RENEW)
        assert_int_equal(core->note.term, core->durable.lead_term);
    if (core->note.leader_id != 0)
        assert_int_equal(core->note.leader_id, core->durable.leader_id);
    say_all(core, effects);
}

/* A deadline that has come is dealt with: after a step it lies ahead, or a step at it
 * moves it on. Else the shell's loop would spin. */
static void check_deadline(struct core *core)
{
    struct core copy = *core;
    int i;

    for (i = 0; i < 10 && core_deadline(&copy).ms <= copy.now.ms; i++)
        (void)step_tick(&copy, copy.now.ms);
    if (i == 10)
        fail_msg("busy loop in state %d", (int)copy.state);
}

/* Every event in every state: nothing traps, the deadline is never past, the state is
 * one that can be explained. */
static void it_is_total(void **state)
{
    const struct core begins[] = {started(3),   fixture_following(4), suspecting(5),
                                  electing(31), promoting(3),         following(),
                                  primary(3),   primary(5),           canvassing(5)};
    int seen[CORE_RESIGNING + 1] = {0}, most = 0;

    (void)state;
    for (seed = 1; seed <= 1500;) {
        uint64_t next = seed + 1;
        struct core core = begins[seed % N_OF(begins)];

        for (int i = 0; i < 300; i++) {
            struct core_member members[CORE_MAX_NODES];
            struct core_note notes[4];
            struct core_event event = any_event(&core, members, notes);
            struct core_effects effects;

            core_step(&core, &event, &effects);
            if (any(0, 3) == 0)
                (void)core_post(&core, core.now);
            seen[core.state]++;
            most = effects.n > most ? effects.n : most;
            check_step(&core, &effects);
            check_deadline(&core);
        }
        seed = next;
    }
    for (int i = 0; i <= CORE_RESIGNING; i++)
        if (seen[i] < 100)
            fail_msg("%s: %d times", reason_state_name((enum core_state)i), seen[i]);
    assert_true(most <= CORE_MAX_EFFECTS);
    print_message("  at most %d effects of %d\n", most, CORE_MAX_EFFECTS);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_watches_itself_from_the_start),
        T(it_waits_for_postgresql_and_says_so_once),
        T(it_waits_for_its_record),
        T(m1_an_older_membership_is_not_used),
        T(it_hears_the_primary_before_it_monitors),
        T(f4_it_waits_while_the_primary_is_of_another_cluster),
        T(a_primary_records_its_term),
        T(attempts_are_counted_as_repmgr_does),
        T(an_answer_ends_the_suspicion),
        T(v2_an_answer_is_not_enough_for_who_was_cut_off),
        T(a_new_leader_ends_it_at_once),
        T(l8_a_note_of_a_later_leader_ends_it_at_once),
        T(e2_a_leader_that_is_gone_is_not_followed_to_the_end),
        T(a_leader_of_former_days_is_not_one),
        T(e4_what_it_resigned_needs_no_window),
        T(e3_who_resigned_does_not_lead_by_answering),
        T(l8_the_same_leader_under_a_later_term),
        T(e4_each_answer_begins_the_window_anew),
        T(e4_the_window_begins_with_the_last_sign),
        T(e4_the_primary_dies_while_its_cascade_is_mourned),
        T(e1_a_survey_that_was_slept_through_is_thrown_away),
        T(c5_a_promotion_is_asked_for_once_and_last),
        T(its_success_makes_a_primary),
        T(its_failure_resigns_and_pauses),
        T(late_completions_are_ignored),
        T(a_promotion_that_never_ends_is_given_up),
        T(e9_a_better_candidate_is_awaited_for_two_windows),
        T(a_follow_that_succeeds),
        T(a_follow_that_fails_is_tried_again),
        T(a_follow_that_never_ends_is_given_up),
        T(f5_a_second_primary_is_reported_once),
        T(a_primary_that_goes_away_is_said_once),
        T(n3_a_calm_primary_glances_at_the_others),
        T(promoted_by_hand_from_every_state_of_a_standby),
        T(members_that_leave_are_not_watched_any_more),
        T(settings_are_reloaded),
        T(status_is_said_at_its_interval),
        T(time_never_runs_backwards),
        T(it_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
