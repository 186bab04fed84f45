/* core_test.c - the state machine, through core_step() alone: transitions, what is said
 * and asked for on the way, late and odd events; and that no event in any state traps.
 */
#include <string.h>

#include "core/core.h"
#include "core/internal.h"
#include "core/reason.h"
#include "core_fixture.h"

#define T0 10000

/* A started core of node 2 whose own PostgreSQL and members are known. */
static struct core started(int n)
{
    struct core_settings settings = fixture_settings();
    struct core core;

    core_init(&core, &settings);
    (void)step_start(&core, T0);
    (void)step_members(&core, T0, n);
    return core;
}

/* The same, following node 1. */
static struct core standby(int n)
{
    struct core core = started(n);

    (void)step_see(&core, T0 + 1, fixture_standby(FIXTURE_SELF));
    (void)step_see(&core, T0 + 2, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
    return core;
}

/* The same, with node 1 lost; time is T0 + 1000. */
static struct core suspecting(int n)
{
    struct core core = standby(n);

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

/* A complete survey, all others healthy; another if that one began too long ago.
 * Returns the effects of the last answer. */
static const struct core_effects *survey(struct core *core, int64_t at)
{
    const struct core_effects *effects = NULL;

    for (int i = 0; i < 2 && core->state == CORE_ELECTING; i++) {
        (void)step_see(core, at, fixture_failed(1, REACH_REFUSED));
        for (int id = core->n_members; id >= 2; id--)
            effects = step_see(core, at, fixture_standby(id));
    }
    return effects;
}

static struct core promoting(int n)
{
    struct core core = electing(n);

    (void)survey(&core, T0 + 7100);
    assert_int_equal(core.state, CORE_PROMOTING);
    return core;
}

static bool says(const struct core_effects *effects, enum core_message message)
{
    for (int i = 0; i < effects->n; i++)
        if (effects->v[i].kind == CORE_EFF_REPORT && effects->v[i].message == message)
            return true;
    return false;
}

static bool records(const struct core_effects *effects, enum core_record record)
{
    for (int i = 0; i < effects->n; i++)
        if (effects->v[i].kind == CORE_EFF_EVENT && effects->v[i].record == record)
            return true;
    return false;
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
    effects = step_start(&core, T0);
    assert_int_equal(watched_every(effects, FIXTURE_SELF), FIXTURE_BEAT);
    assert_int_equal(core.state, CORE_STARTING);
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
    struct core core;

    (void)state;
    core_init(&core, &settings);
    (void)step_start(&core, T0);
    /* Not before the table was read. */
    assert_false(says(step_see(&core, T0, fixture_standby(2)), CORE_SAY_WAITING));
    assert_true(says(step_members(&core, T0, 0), CORE_SAY_WAITING));
    assert_int_equal(core.why.reason, CORE_WHY_NO_RECORD);
    (void)step_members(&core, T0 + 1000, 3);
    (void)step_see(&core, T0 + 1001, fixture_primary(1));
    assert_int_equal(core.state, CORE_STANDBY);
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
    struct core core = started(3);
    const struct core_effects *effects = step_see(&core, T0, fixture_primary(2));

    (void)state;
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.primary_id, 2);
    assert_int_equal(n_effects(effects, CORE_EFF_LEAD), 1);
    assert_true(says(effects, CORE_SAY_MONITOR_PRIMARY));
    assert_int_equal(watched_every(effects, 1), 10 * FIXTURE_BEAT);
}

/* ---- suspicion --------------------------------------------------------------- */

static void attempts_are_counted_as_repmgr_does(void **state)
{
    struct core core = standby(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_see(&core, T0 + 1000, fixture_failed(1, REACH_REFUSED));
    assert_true(says(effects, CORE_SAY_LOST));
    assert_true(says(effects, CORE_SAY_ATTEMPT));
    assert_true(says(effects, CORE_SAY_SLEEPING));
    assert_true(records(effects, CORE_REC_UPSTREAM_DISCONNECT));
    assert_int_equal(find_effect(effects, CORE_EFF_PROBE)->node_id, 1);
    assert_int_equal(watched_every(effects, 3), FIXTURE_BEAT);
    assert_int_equal(core_deadline(&core).ms, T0 + 3000);

    effects = step_tick(&core, T0 + 3000);
    assert_true(says(effects, CORE_SAY_ATTEMPT) && says(effects, CORE_SAY_SLEEPING));
    effects = step_tick(&core, T0 + 5000);
    assert_true(says(effects, CORE_SAY_ATTEMPT));
    assert_false(says(effects, CORE_SAY_SLEEPING)); /* the last one */
    assert_int_equal(core.attempt, 3);
    effects = step_tick(&core, T0 + 6999);
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
    assert_int_equal(watched_every(effects, 3), 0); /* calm: sessions are dropped */
}

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

static void a_leader_of_former_days_is_not_one(void **state)
{
    struct core core = standby(3);

    (void)state;
    fixture_see(&core, fixture_primary(3)); /* seen long ago */
    core.views[2].fresh = true;
    (void)step_see(&core, T0 + 60000, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(core.state, CORE_SUSPECTING);
    (void)step_tick(&core, T0 + 60001);
    assert_int_equal(core.state, CORE_SUSPECTING);
}

static void e4_each_answer_begins_the_window_anew(void **state)
{
    struct core core = electing(3);

    (void)state;
    /* In the middle of a survey the primary answers once, and is lost again. */
    (void)step_see(&core, T0 + 7100, fixture_primary(1));
    (void)survey(&core, T0 + 7200);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.why.reason, CORE_WHY_LOST);
    (void)survey(&core, T0 + 13099);
    assert_int_equal(core.state, CORE_ELECTING);
    (void)survey(&core, T0 + 13100);
    assert_int_equal(core.state, CORE_PROMOTING);
}

static void e4_the_primary_dies_while_its_cascade_is_mourned(void **state)
{
    struct core core = standby(4);

    (void)state;
    core.upstream_id = 4;
    (void)step_see(&core, T0 + 300, fixture_standby(4));
    (void)step_see(&core, T0 + 1000, fixture_failed(4, REACH_REFUSED));
    assert_int_equal(core.suspect_id, 4);
    assert_int_equal(core.note.phase, CORE_PHASE_FOLLOW); /* it sees the primary */
    assert_int_equal(core.note.leader_id, 1);
    (void)step_see(&core, T0 + 6900, fixture_failed(1, REACH_SILENT));
    assert_int_equal(core.state, CORE_SUSPECTING);
    assert_int_equal(core.suspect_id, 1);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    assert_int_equal(core.first_missed.ms, T0 + 6900);
}

static void e1_a_survey_that_was_slept_through_is_thrown_away(void **state)
{
    struct core core = electing(3);

    (void)state;
    (void)step_see(&core, T0 + 7100, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 7100, fixture_standby(2));
    (void)step_see(&core, T0 + 7100, fixture_standby(3)); /* would promote: */
    assert_int_equal(core.state, CORE_PROMOTING);

    core = electing(3);
    (void)step_see(&core, T0 + 7100, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 7100, fixture_standby(2));
    (void)step_see(&core, T0 + 37100, fixture_standby(3));
    assert_int_equal(core.state, CORE_ELECTING);
    (void)survey(&core, T0 + 37200);
    assert_int_equal(core.state, CORE_PROMOTING);
}

/* ---- promotion --------------------------------------------------------------- */

static void a_promotion_is_asked_for_once(void **state)
{
    struct core core = electing(3);
    const struct core_effects *effects = survey(&core, T0 + 7100);
    const struct core_effect *effect = find_effect(effects, CORE_EFF_PROMOTE);

    (void)state;
    assert_non_null(effect);
    assert_int_equal(effect->deadline_ms, 20000);
    assert_true(effect->id != 0 && effect->id == core.action_id);
    assert_int_equal(core.note.phase, CORE_PHASE_PROMOTE);
    effects = step_see(&core, T0 + 7200, fixture_standby(3));
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 0);
    assert_int_equal(core_deadline(&core).ms, T0 + 7100 + 20000 + FIXTURE_BEAT);
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
    assert_int_equal(n_effects(effects, CORE_EFF_LEAD), 1);
    /* An answer that was asked for before the end does not undo it ... */
    (void)step_see(&core, T0 + 8010, fixture_standby(2));
    assert_int_equal(core.state, CORE_PRIMARY);
    /* ... one that is in recovery later does. */
    (void)step_see(&core, T0 + 20000, fixture_standby(2));
    assert_int_equal(core.state, CORE_STARTING);
}

static void its_failure_pauses_for_a_window(void **state)
{
    struct core core = promoting(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_done(&core, T0 + 8000, core.action_id, false);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_true(says(effects, CORE_SAY_ACTION_FAILED));
    assert_true(records(effects, CORE_REC_PROMOTE_ERROR));
    assert_int_equal(core.note.phase, CORE_PHASE_PASS);
    (void)survey(&core, T0 + 13999);
    assert_int_equal(core.why.reason, CORE_WHY_BACKOFF);
    (void)survey(&core, T0 + 14000);
    assert_int_equal(core.state, CORE_PROMOTING);
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
    (void)step_done(&core, T0 + 8000, id + 1, true); /* never given out */
    (void)step_done(&core, T0 + 8000, 0, true);
    assert_memory_equal(&core, &before, sizeof core);
    /* The next action has another id. */
    (void)survey(&core, T0 + 14000);
    assert_int_equal(core.state, CORE_PROMOTING);
    assert_int_not_equal(core.action_id, id);
    (void)step_done(&core, T0 + 14400, id, true);
    assert_int_equal(core.state, CORE_PROMOTING);
}

static void a_promotion_that_never_ends_is_given_up(void **state)
{
    struct core core = promoting(3);
    int64_t end = T0 + 7100 + 20000 + FIXTURE_BEAT;

    (void)state;
    (void)step_tick(&core, end - 1);
    assert_int_equal(core.state, CORE_PROMOTING);
    (void)step_tick(&core, end);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.action_id, 0);
    /* It succeeded after all. */
    assert_true(records(step_see(&core, end + 100, fixture_primary(2)),
                        CORE_REC_LOCAL_PROMOTED));
    assert_int_equal(core.state, CORE_PRIMARY);
}

static void e9_a_better_candidate_is_awaited_for_two_windows(void **state)
{
    struct core core = electing(3);

    (void)state;
    fixture_member(&core, 3)->priority = 200;
    (void)survey(&core, T0 + 7100);
    assert_int_equal(core.why.reason, CORE_WHY_OTHER_BETTER);
    (void)survey(&core, T0 + 7100 + 11999);
    assert_int_equal(core.state, CORE_ELECTING);
    (void)survey(&core, T0 + 7100 + 12000);
    (void)survey(&core, T0 + 7100 + 12300);
    assert_int_equal(core.state, CORE_PROMOTING);
}

static void n1_the_note_says_what_it_sees(void **state)
{
    static const struct {
        enum core_phase phase;
        int leader_id;
    } expected[] = {
        {CORE_PHASE_ASK,     0},
        {CORE_PHASE_FOLLOW,  1},
        {CORE_PHASE_ASK,     0},
        {CORE_PHASE_ASK,     0},
        {CORE_PHASE_PROMOTE, 2}
    };
    struct core cores[] = {started(3), standby(3), suspecting(3), electing(3),
                           promoting(3)};

    (void)state;
    for (size_t i = 0; i < N_OF(cores); i++) {
        assert_int_equal(cores[i].note.phase, expected[i].phase);
        assert_int_equal(cores[i].note.leader_id, expected[i].leader_id);
        assert_int_equal(cores[i].note.node_id, FIXTURE_SELF);
    }
    /* One that will not lead says so. */
    cores[0] = standby(3);
    cores[0].settings.failover = CORE_FAILOVER_MANUAL;
    (void)step_see(&cores[0], T0 + 1000, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(cores[0].note.phase, CORE_PHASE_PASS);
    /* A note is posted when it changes, and only then. */
    cores[0] = standby(3);
    assert_int_equal(
        n_effects(step_see(&cores[0], T0 + 300, fixture_primary(1)), CORE_EFF_NOTE), 0);
    assert_int_equal(
        n_effects(step_see(&cores[0], T0 + 600, fixture_failed(1, REACH_SILENT)),
                  CORE_EFF_NOTE),
        1);
}

/* ---- following --------------------------------------------------------------- */

static struct core following(void)
{
    struct core core = electing(3);
    struct core_observation leader = fixture_primary(3);

    leader.term = 2;
    (void)step_see(&core, T0 + 7100, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 7100, fixture_standby(2));
    (void)step_see(&core, T0 + 7100, leader);
    assert_int_equal(core.state, CORE_FOLLOWING);
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
}

static void a_follow_that_never_ends_is_given_up(void **state)
{
    struct core core = following();

    (void)state;
    (void)step_tick(&core, core_deadline(&core).ms);
    assert_int_equal(core.state, CORE_ELECTING);
}

/* A cascade that is being re-attached to the primary must not say that it sees it once
 * it does not: others would wait for it (E5). */
static void n1_no_follow_note_for_a_primary_that_died_too(void **state)
{
    struct core core = standby(4);

    (void)state;
    core.upstream_id = 4;
    (void)step_see(&core, T0 + 300, fixture_standby(4));
    (void)step_see(&core, T0 + 1000, fixture_failed(4, REACH_REFUSED));
    for (int at = 3000; at <= 7000; at += 2000)
        (void)step_tick(&core, T0 + at);
    (void)step_see(&core, T0 + 7100, fixture_failed(4, REACH_REFUSED));
    (void)step_see(&core, T0 + 7100, fixture_standby(3));
    (void)step_see(&core, T0 + 7100, fixture_standby(2));
    (void)step_see(&core, T0 + 7100, fixture_primary(1));
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.note.phase, CORE_PHASE_FOLLOW);
    assert_int_equal(core.note.leader_id, 1);
    (void)step_see(&core, T0 + 7400, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    assert_int_equal(core.note.leader_id, 0);
}

/* ---- a primary --------------------------------------------------------------- */

static void f5_a_second_primary_is_reported_once(void **state)
{
    struct core core = started(3);
    struct core_observation rival = fixture_primary(3);

    (void)state;
    (void)step_see(&core, T0, fixture_primary(2));
    assert_true(records(step_see(&core, T0 + 3000, rival), CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 6000, rival), CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 7000, fixture_failed(3, REACH_SILENT)),
                         CORE_REC_MANY_PRIMARIES));
    assert_false(records(step_see(&core, T0 + 9000, rival), CORE_REC_MANY_PRIMARIES));
    /* It became a standby, and then a primary again: that is news. */
    (void)step_see(&core, T0 + 12000, fixture_standby(3));
    assert_true(records(step_see(&core, T0 + 15000, rival), CORE_REC_MANY_PRIMARIES));
}

static void a_primary_that_goes_away_is_said_once(void **state)
{
    struct core core = started(3);
    struct core_observation dead = fixture_failed(2, REACH_REFUSED);

    (void)state;
    (void)step_see(&core, T0, fixture_primary(2));
    assert_true(records(step_see(&core, T0 + 300, dead), CORE_REC_LOCAL_DISCONNECT));
    assert_false(records(step_see(&core, T0 + 600, dead), CORE_REC_LOCAL_DISCONNECT));
    assert_true(records(step_see(&core, T0 + 900, fixture_primary(2)),
                        CORE_REC_LOCAL_RECONNECT));
    assert_int_equal(core.state, CORE_PRIMARY);
}

static void promoted_by_hand_from_every_state_of_a_standby(void **state)
{
    struct core cores[] = {standby(3), suspecting(3), electing(3)};

    (void)state;
    for (size_t i = 0; i < N_OF(cores); i++) {
        assert_true(records(step_see(&cores[i], T0 + 8000, fixture_primary(2)),
                            CORE_REC_LOCAL_PROMOTED));
        assert_int_equal(cores[i].state, CORE_PRIMARY);
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
    struct core core = standby(3);
    struct core_event event = {.kind = CORE_EV_SETTINGS, .now = {T0 + 100}};
    struct core_effects effects;

    (void)state;
    event.settings = fixture_settings();
    event.settings.beat_ms = 500;
    event.settings.failover = CORE_FAILOVER_MANUAL;
    core_step(&core, &event, &effects);
    assert_int_equal(watched_every(&effects, 1), 500);
    assert_int_equal(core.settings.failover, CORE_FAILOVER_MANUAL);
}

static void status_is_said_at_its_interval(void **state)
{
    struct core core = standby(3);
    struct core_event event = {.kind = CORE_EV_SETTINGS, .now = {T0 + 100}};
    struct core_effects effects;

    (void)state;
    assert_true(core_deadline(&core).ms == MONO_NEVER.ms || core.next_status.ms > 0);
    event.settings = fixture_settings();
    event.settings.status_interval_ms = 1000;
    core_step(&core, &event, &effects);
    (void)step_tick(&core, core_deadline(&core).ms);
    assert_true(core_deadline(&core).ms > core.now.ms);
    assert_true(says(step_tick(&core, core_deadline(&core).ms), CORE_SAY_STATUS));
}

static void time_never_runs_backwards(void **state)
{
    struct core core = standby(3);

    (void)state;
    (void)step_see(&core, T0 - 5000, fixture_primary(1));
    assert_int_equal(core.now.ms, T0 + 2);
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
        .node_id = (int)any(0, CORE_MAX_NODES + 2),
        .reach = (enum reach)any(REACH_UNKNOWN, REACH_UNUSABLE),
        .connected = any(0, 1),
        .in_recovery = any(0, 1),
        .system_identifier = (uint64_t)any(0, 9) < 8 ? FIXTURE_SYSTEM : 1,
        .timeline = (int)any(0, 3),
        .term = any(0, 3),
        .position = {(uint64_t)any(0, 3)},
        .receiver_streaming = any(0, 1),
        .receiver_age_ms = any(-1, 9000),
    };

    if (any(0, 1))
        seen.reach = REACH_OK;
    seen.note.phase = (enum core_phase)any(CORE_PHASE_NONE, CORE_PHASE_PASS);
    seen.note.leader_id = (int)any(0, 5);
    seen.note.node_id = seen.node_id;
    seen.note.term = any(0, 3);
    return seen;
}

static struct core_event any_event(const struct core *core, struct core_member *members)
{
    struct core_event event = {
        .kind = (enum core_event_kind)any(CORE_EV_START, CORE_EV_SETTINGS)};

    if (any(0, 9) < 6)
        event.kind = CORE_EV_OBSERVED;
    event.now.ms = core->now.ms + (any(0, 9) == 0 ? any(-1000, 70000) : any(0, 400));
    switch (event.kind) {
    case CORE_EV_START:
    case CORE_EV_TICK:
        break;
    case CORE_EV_MEMBERS:
        event.members.n = (int)any(0, any(0, 3) == 0 ? CORE_MAX_NODES : 6);
        event.members.v = members;
        for (int i = 0; i < event.members.n; i++)
            members[i] = (struct core_member){
                .id = i + 1,
                .name = "n",
                .role = (enum core_role)any(CORE_ROLE_UNKNOWN, CORE_ROLE_WITNESS),
                .upstream_id = (int)any(0, 6),
                .priority = (int)any(-1, 2),
                .active = any(0, 1),
                .voting = any(0, 3) > 0};
        break;
    case CORE_EV_OBSERVED:
        event.observed = any_observation();
        break;
    case CORE_EV_DONE:
        event.done.id = (uint32_t)any((int64_t)core->last_id - 1, core->last_id);
        event.done.ok = any(0, 1);
        break;
    case CORE_EV_SETTINGS:
        event.settings = core->settings;
        event.settings.failover = (enum core_failover)any(0, 1);
        event.settings.quorum = (enum core_quorum)any(0, 1);
        event.settings.check = (enum core_check)any(0, 2);
        event.settings.status_interval_ms = any(0, 1) * 5000;
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

/* Every event in every state: nothing traps, the deadline is never past, the state is
 * one that can be explained. */
static void it_is_total(void **state)
{
    const struct core begins[] = {started(3),   standby(4),   suspecting(5),
                                  electing(31), promoting(3), following()};
    int seen[CORE_FOLLOWING + 1] = {0}, most = 0;

    (void)state;
    for (seed = 1; seed <= 900;) {
        uint64_t next = seed + 1;
        struct core core = begins[seed % N_OF(begins)];

        for (int i = 0; i < 300; i++) {
            struct core_member members[CORE_MAX_NODES];
            struct core_event event = any_event(&core, members);
            struct core_effects effects;

            core_step(&core, &event, &effects);
            seen[core.state]++;
            most = effects.n > most ? effects.n : most;
            assert_true(core_deadline(&core).ms >= core.now.ms);
            assert_int_equal(core.state == CORE_PROMOTING ||
                                 core.state == CORE_FOLLOWING,
                             core.action_id != 0);
            say_all(&core, &effects);
        }
        seed = next;
    }
    for (int i = 0; i <= CORE_FOLLOWING; i++)
        assert_true(seen[i] > 0);
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
        T(it_hears_the_primary_before_it_monitors),
        T(f4_it_waits_while_the_primary_is_of_another_cluster),
        T(a_primary_records_its_term),
        T(attempts_are_counted_as_repmgr_does),
        T(an_answer_ends_the_suspicion),
        T(a_new_leader_ends_it_at_once),
        T(a_leader_of_former_days_is_not_one),
        T(e4_each_answer_begins_the_window_anew),
        T(e4_the_primary_dies_while_its_cascade_is_mourned),
        T(e1_a_survey_that_was_slept_through_is_thrown_away),
        T(a_promotion_is_asked_for_once),
        T(its_success_makes_a_primary),
        T(its_failure_pauses_for_a_window),
        T(late_completions_are_ignored),
        T(a_promotion_that_never_ends_is_given_up),
        T(e9_a_better_candidate_is_awaited_for_two_windows),
        T(n1_the_note_says_what_it_sees),
        T(n1_no_follow_note_for_a_primary_that_died_too),
        T(a_follow_that_succeeds),
        T(a_follow_that_fails_is_tried_again),
        T(a_follow_that_never_ends_is_given_up),
        T(f5_a_second_primary_is_reported_once),
        T(a_primary_that_goes_away_is_said_once),
        T(promoted_by_hand_from_every_state_of_a_standby),
        T(members_that_leave_are_not_watched_any_more),
        T(settings_are_reloaded),
        T(status_is_said_at_its_interval),
        T(time_never_runs_backwards),
        T(it_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
