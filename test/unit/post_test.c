/* post_test.c - rule N1: what a daemon says of itself in every state, and that it is
 * never anything that is not durable. */
#include "core/lease.h"
#include "core_fixture.h"

#define T0 FIXTURE_T0

static struct core_note post(struct core *core, int64_t at)
{
    return core_post(core, (struct mono){at});
}

static void
expect(const struct core_note *note, enum core_phase phase, int64_t term, int leader_id)
{
    assert_int_equal(note->phase, phase);
    assert_int_equal(note->term, term);
    assert_int_equal(note->leader_id, leader_id);
    assert_int_equal(note->node_id, FIXTURE_SELF);
}

/* ---- followers --------------------------------------------------------------- */

static void n1_a_follower_says_whom_it_follows_and_what_it_read(void **state)
{
    struct core core = fixture_following(3);
    struct core_note note = post(&core, T0 + 300);

    (void)state;
    expect(&note, CORE_PHASE_FOLLOW, 1, 1);
    assert_int_equal(note.stamp.boot, FIXTURE_BOOT);
    assert_int_equal(note.stamp.ms, T0 + 300);
    assert_int_equal(note.echo.ms, fixture_peer(&core, 1)->sign.stamp.ms);
    assert_int_equal(note.echo.boot, 101);
    assert_int_equal(note.window_ms, FIXTURE_W);
    assert_int_equal(note.members_version, 1);
    assert_int_equal(note.incarnation, 1);
    assert_false(note.voiceless || note.frozen || note.report.known);
}

static void l2_without_a_sign_it_supports_nobody(void **state)
{
    struct core core = fixture_following(3);
    struct core_note note;

    (void)state;
    note = post(&core, T0 + 2 + FIXTURE_SIGN);
    expect(&note, CORE_PHASE_FOLLOW, 1, 1);
    note = post(&core, T0 + 2 + FIXTURE_SIGN + 1);
    expect(&note, CORE_PHASE_ASK, 1, 0);
    assert_int_equal(note.echo.ms, 0);
    /* The promise was extended by the former, not by the latter. */
    assert_int_equal(core.promise_until.ms, T0 + 2 + FIXTURE_SIGN + FIXTURE_W);
}

static void n1_who_will_not_lead_passes(void **state)
{
    struct core cores[4];
    struct core_note note;

    (void)state;
    for (size_t i = 0; i < N_OF(cores); i++)
        cores[i] = fixture_following(3);
    cores[0].settings.failover = CORE_FAILOVER_MANUAL;
    cores[1].settings.witness = true;
    fixture_member(&cores[2], FIXTURE_SELF)->priority = 0;
    cores[3].backoff_until.ms = T0 + 5001;
    for (size_t i = 0; i < N_OF(cores); i++) {
        note = post(&cores[i], T0 + 300); /* supports are not changed by that */
        expect(&note, CORE_PHASE_FOLLOW, 1, 1);
        note = post(&cores[i], T0 + 5000);
        expect(&note, CORE_PHASE_PASS, 1, 0);
    }
}

static void d3_without_a_state_file_it_has_no_voice(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable none = {0};
    struct core_note note;
    struct core core;

    (void)state;
    core_init(&core, &settings);
    (void)step_start(&core, T0, none);
    (void)step_members(&core, T0, 3);
    (void)step_see(&core, T0, fixture_standby(FIXTURE_SELF));
    (void)step_hear(&core, T0, fixture_note(1, CORE_PHASE_LEAD, 1, 1));
    assert_int_equal(core.state, CORE_STANDBY);
    note = post(&core, T0 + 10);
    expect(&note, CORE_PHASE_ASK, 0, 0);
    assert_true(note.voiceless);
    assert_int_equal(core.save_id, 0);
}

static void m3_who_granted_a_pause_says_so_and_supports_as_before(void **state)
{
    struct core core = fixture_following(3);
    struct core_note note;

    (void)state;
    core.durable.pause_ms = 60000;
    note = post(&core, T0 + 300);
    expect(&note, CORE_PHASE_FOLLOW, 1, 1);
    note = post(&core, T0 + 5000);
    expect(&note, CORE_PHASE_PAUSED, 1, 0);
}

/* ---- votes -------------------------------------------------------------------- */

/* Node 1 has resigned, node 3 canvasses for term 2, and we, in ELECTING, are cut off
 * and about to write the vote. */
static struct core voting(void)
{
    struct core core = fixture_following(3);
    struct core_note canvass = fixture_ask(3);

    (void)step_hear(&core, T0 + 100, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_see(&core, T0 + 100, fixture_standby(FIXTURE_SELF));
    (void)settle(&core, T0 + 100);
    canvass.phase = CORE_PHASE_CANVASS;
    canvass.term = 2;
    canvass.leader_id = 3;
    (void)step_hear(&core, T0 + 200, canvass);
    assert_int_equal(core.wanted.leader_id, 3);
    assert_int_not_equal(core.save_id, 0);
    return core;
}

static void v2_a_vote_is_said_once_it_is_written(void **state)
{
    struct core core = voting();
    struct core_note note = post(&core, T0 + 300);

    (void)state;
    expect(&note, CORE_PHASE_ASK, 1, 0);
    (void)step_done(&core, T0 + 310, core.save_id, true);
    expect(&core.note, CORE_PHASE_VOTE, 2, 3);
    note = post(&core, T0 + 320);
    expect(&note, CORE_PHASE_VOTE, 2, 3);
    assert_int_equal(note.echo.ms, fixture_peer(&core, 3)->sign.stamp.ms);
    assert_true(note.report.known); /* it comes with the report of our WAL */
    assert_int_equal(core.promise_until.ms, T0 + 320 + FIXTURE_W);
}

static void v2_not_when_writing_failed(void **state)
{
    struct core core = voting();
    struct core_note note;

    (void)state;
    (void)step_done(&core, T0 + 310, core.save_id, false);
    note = post(&core, T0 + 320);
    expect(&note, CORE_PHASE_ASK, 1, 0);
}

static void d1_a_longer_window_is_promised_once_it_is_written(void **state)
{
    struct core core = fixture_following(3);
    struct core_settings settings = fixture_settings();
    struct core_note note;

    (void)state;
    settings.reconnect_attempts = 5; /* W = 10 s */
    (void)step_settings(&core, T0 + 100, settings);
    assert_int_equal(core.wanted.window_ms, 10000);
    note = post(&core, T0 + 110);
    expect(&note, CORE_PHASE_ASK, 1, 0);
    assert_int_equal(core.promise_until.ms, T0 + 3 + FIXTURE_W);
    (void)settle(&core, T0 + 120);
    note = post(&core, T0 + 130);
    expect(&note, CORE_PHASE_FOLLOW, 1, 1);
    assert_int_equal(note.window_ms, 10000);
    assert_int_equal(core.promise_until.ms, T0 + 130 + 10000);
}

static void d1_a_shorter_window_shortens_no_promise(void **state)
{
    struct core core = fixture_following(3);
    struct core_settings settings = fixture_settings();
    struct core_note note;

    (void)state;
    settings.reconnect_attempts = 2; /* W = 4 s */
    (void)step_settings(&core, T0 + 100, settings);
    (void)settle(&core, T0 + 100);
    note = post(&core, T0 + 130);
    assert_int_equal(note.window_ms, 4000); /* what it is worth to the leader */
    assert_int_equal(core.promise_until.ms, T0 + 130 + FIXTURE_W);
}

/* ---- leaders and candidates ---------------------------------------------------- */

static void n1_a_leader_echoes_itself(void **state)
{
    struct core core = fixture_leading(3);
    struct core_note note = post(&core, T0 + 100);

    (void)state;
    expect(&note, CORE_PHASE_LEAD, 1, FIXTURE_SELF);
    assert_int_equal(note.echo.ms, T0 + 100);
    assert_int_equal(core.promise_until.ms, 0); /* a leader needs none */
}

static void n1_a_frozen_leader_says_so(void **state)
{
    struct core core = fixture_leading(3);
    struct core_note note;

    (void)state;
    (void)step_tick(&core, T0 + FIXTURE_W / 2);
    (void)step_done(&core, T0 + FIXTURE_W / 2, core.fence_id, true);
    note = post(&core, T0 + FIXTURE_W / 2);
    expect(&note, CORE_PHASE_LEAD, 1, FIXTURE_SELF);
    assert_true(note.frozen);
}

static void l9_a_renewal_is_said_once_it_is_written(void **state)
{
    struct core core = fixture_leading(3);
    struct core_note note;

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_ASK, 2, 0));
    assert_int_equal(core.wanted.term, 3);
    note = post(&core, T0 + 110);
    expect(&note, CORE_PHASE_LEAD, 1, FIXTURE_SELF);
    (void)step_done(&core, T0 + 120, core.save_id, true);
    note = post(&core, T0 + 130);
    expect(&note, CORE_PHASE_RENEW, 3, FIXTURE_SELF);
}

/* L9, N1: a later term that is only asked for must not make the voters of the led one
 * believe that it is over: their promise would end at once, while our PostgreSQL is
 * writable. */
static void l9_an_unfinished_renewal_does_not_end_the_led_term(void **state)
{
    struct core core = fixture_leading(3);
    struct core_settings settings = fixture_settings();
    struct core_durable durable;
    struct core_note note;

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_ASK, 2, 0));
    (void)step_done(&core, T0 + 120, core.save_id, true);
    durable = core.durable;
    assert_int_equal(durable.term, 3);
    assert_int_equal(durable.lead_term, 1);
    /* It gives up: PostgreSQL is still being ended. */
    (void)step_local(&core, T0 + 200, CORE_LOCAL_DEAD, false);
    assert_int_equal(core.state, CORE_RESIGNING);
    note = post(&core, T0 + 210);
    expect(&note, CORE_PHASE_ASK, 1, 0);
    (void)step_done(&core, T0 + 220, core.fence_id, true);
    (void)settle(&core, T0 + 230);
    note = post(&core, T0 + 240);
    expect(&note, CORE_PHASE_RESIGNED, 3, 0); /* which covers 1 to 3 */

    /* Its daemon is started again, PostgreSQL has run on. */
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    note = post(&core, T0 + 10);
    expect(&note, CORE_PHASE_ASK, 1, 0);
}

static void c4_a_resigned_term_is_said_until_another_is_promised(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_follower();
    struct core_note note;
    struct core core;

    (void)state;
    durable.leader_id = FIXTURE_SELF;
    durable.duty = CORE_DUTY_RESIGNED;
    durable.term = 4;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    note = post(&core, T0 + 10);
    expect(&note, CORE_PHASE_RESIGNED, 4, 0);
    (void)step_members(&core, T0 + 20, 3);
    (void)step_see(&core, T0 + 20, fixture_standby(FIXTURE_SELF));
    (void)step_hear(&core, T0 + 30, fixture_note(3, CORE_PHASE_LEAD, 5, 3));
    (void)settle(&core, T0 + 40);
    note = post(&core, T0 + 50);
    expect(&note, CORE_PHASE_FOLLOW, 5, 3);
}

/* Every duty a state file may hold: before anything is known the note claims nothing.
 */
static void d2_after_a_restart_nothing_is_claimed(void **state)
{
    (void)state;
    for (int duty = CORE_DUTY_FOLLOWER; duty <= CORE_DUTY_RESIGNED; duty++) {
        struct core_settings settings = fixture_settings();
        struct core_durable durable = fixture_leader();
        struct core_note note;
        struct core core;

        durable.duty = (enum core_duty)duty;
        if (duty == CORE_DUTY_FOLLOWER)
            durable.leader_id = 1;
        core_init(&core, &settings);
        (void)step_start(&core, T0, durable);
        (void)step_members(&core, T0, 3);
        note = post(&core, T0 + 10);
        expect(&note, duty == CORE_DUTY_RESIGNED ? CORE_PHASE_RESIGNED : CORE_PHASE_ASK,
               1, 0);
    }
}

/* ---- when it is posted ----------------------------------------------------------- */

static void n1_a_change_is_posted_at_once_and_only_a_change(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    assert_int_equal(
        n_effects(step_see(&core, T0 + 300, fixture_primary(1)), CORE_EFF_NOTE), 0);
    assert_int_equal(
        n_effects(step_tick(&core, T0 + 2 + FIXTURE_SIGN + 1), CORE_EFF_NOTE), 1);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    assert_int_equal(n_effects(step_tick(&core, T0 + 1000), CORE_EFF_NOTE), 0);
}

static void n1_the_clock_of_a_note_never_runs_backwards(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    assert_int_equal(post(&core, T0 + 300).stamp.ms, T0 + 300);
    assert_int_equal(post(&core, T0 - 300).stamp.ms, T0 + 300);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(n1_a_follower_says_whom_it_follows_and_what_it_read),
        T(l2_without_a_sign_it_supports_nobody),
        T(n1_who_will_not_lead_passes),
        T(d3_without_a_state_file_it_has_no_voice),
        T(m3_who_granted_a_pause_says_so_and_supports_as_before),
        T(v2_a_vote_is_said_once_it_is_written),
        T(v2_not_when_writing_failed),
        T(d1_a_longer_window_is_promised_once_it_is_written),
        T(d1_a_shorter_window_shortens_no_promise),
        T(n1_a_leader_echoes_itself),
        T(n1_a_frozen_leader_says_so),
        T(l9_a_renewal_is_said_once_it_is_written),
        T(l9_an_unfinished_renewal_does_not_end_the_led_term),
        T(c4_a_resigned_term_is_said_until_another_is_promised),
        T(d2_after_a_restart_nothing_is_claimed),
        T(n1_a_change_is_posted_at_once_and_only_a_change),
        T(n1_the_clock_of_a_note_never_runs_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
