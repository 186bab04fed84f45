/* view_test.c - rules F1 to F5: what an observation means. */
#include "core/view.h"
#include "core_fixture.h"

static bool lives(struct core *core, struct core_observation seen)
{
    fixture_see(core, seen);
    return view_lives(core, core_view(core, seen.node_id));
}

static void f1_silence_and_refusal_are_no_sign_of_life(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    assert_false(view_lives(&core, core_view(&core, 1))); /* unknown */
    assert_false(lives(&core, fixture_failed(1, REACH_REFUSED)));
    assert_false(lives(&core, fixture_failed(1, REACH_SILENT)));
    assert_false(lives(&core, fixture_failed(1, REACH_UNUSABLE)));
}

static void f1_kinds_of_failure_stay_different(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    for (int reach = REACH_OK; reach < REACH_UNUSABLE; reach++) {
        struct core_observation seen = fixture_failed(1, (enum reach)reach);

        fixture_see(&core, seen);
        assert_int_equal(core_view(&core, 1)->seen.reach, reach);
    }
}

static void f1_learning_nothing_changes_nothing(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    fixture_see(&core, fixture_primary(1));
    fixture_see(&core, fixture_failed(1, REACH_UNKNOWN));
    assert_int_equal(core_view(&core, 1)->seen.reach, REACH_OK);
    fixture_see(&core, fixture_failed(1, REACH_UNUSABLE));
    assert_int_equal(core_view(&core, 1)->seen.reach, REACH_OK);
}

static void f2_an_error_of_the_server_is_a_sign_of_life(void **state)
{
    static const enum core_check checks[] = {CORE_CHECK_PING, CORE_CHECK_CONNECTION,
                                             CORE_CHECK_QUERY};

    (void)state;
    for (size_t i = 0; i < N_OF(checks); i++) {
        struct core core = fixture_core(3);

        core.settings.check = checks[i];
        assert_true(lives(&core, fixture_primary(1)));
        assert_true(lives(&core, fixture_failed(1, REACH_REJECTED)));
        assert_true(lives(&core, fixture_failed(1, REACH_FAILED)));
        assert_true(core_view(&core, 1)->answered_at.ms == core.now.ms);
    }
}

static void f2_connection_check_type_decides_on_a_mute_session(void **state)
{
    struct core core = fixture_core(3);
    struct core_observation mute = fixture_failed(1, REACH_SILENT);

    (void)state;
    mute.connected = true;
    assert_true(lives(&core, mute));
    core.settings.check = CORE_CHECK_CONNECTION;
    assert_true(lives(&core, mute));
    core.settings.check = CORE_CHECK_QUERY;
    assert_false(lives(&core, mute));
}

static void f3_starting_is_alive_until_patience_is_over(void **state)
{
    struct core core = fixture_core(3);
    struct core_observation starting = fixture_failed(1, REACH_STARTING);
    int64_t began = core.now.ms;

    (void)state;
    assert_true(lives(&core, starting));
    core.now.ms = began + 59999;
    assert_true(lives(&core, starting));
    core.now.ms = began + 60000;
    assert_false(lives(&core, starting));
    /* Without another answer, too: it is judged at the present. */
    core.now.ms = began + 59999;
    assert_true(view_lives(&core, core_view(&core, 1)));
}

static void f3_patience_begins_anew_after_any_other_answer(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    assert_true(lives(&core, fixture_failed(1, REACH_STARTING)));
    core.now.ms += 60000;
    assert_false(lives(&core, fixture_failed(1, REACH_STARTING)));
    assert_true(lives(&core, fixture_primary(1)));
    assert_true(lives(&core, fixture_failed(1, REACH_STARTING)));
}

static void f4_another_system_is_not_ours(void **state)
{
    struct core core = fixture_core(3);
    struct core_observation foreign = fixture_primary(3);

    (void)state;
    foreign.system_identifier++;
    foreign.term = 99;
    fixture_see(&core, foreign);
    assert_false(view_is_ours(&core, core_view(&core, 3)));
    assert_false(view_is_primary(&core, core_view(&core, 3)));
    assert_true(view_is_foreign(&core, core_view(&core, 3)));
    assert_int_equal(core.term, 0); /* its terms mean nothing here */
    /* It died: it is still of another cluster. */
    fixture_see(&core, fixture_failed(3, REACH_REFUSED));
    assert_true(view_is_foreign(&core, core_view(&core, 3)));
}

static void f4_our_own_postgresql_names_the_system(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    core.system_identifier = 0;
    fixture_see(&core, fixture_primary(1));
    assert_int_equal(core.system_identifier, 0);
    assert_false(view_is_ours(&core, core_view(&core, 1)));
    fixture_see(&core, fixture_standby(FIXTURE_SELF));
    assert_true(core.system_identifier == FIXTURE_SYSTEM);
    assert_true(view_is_ours(&core, core_view(&core, 1)));
}

static void p1_an_older_term_is_stale_when_the_answer_is_newer(void **state)
{
    struct core core = fixture_core(3);
    struct core_observation later = fixture_standby(3);

    (void)state;
    later.term = 2;
    fixture_see(&core, fixture_primary(1));
    core.now.ms += 10;
    fixture_see(&core, later);
    assert_int_equal(core.term, 2);
    /* Its answer came before the row of term 2 did: it may be its leader. */
    assert_false(view_is_stale(&core, core_view(&core, 1)));
    core.now.ms += CORE_SURVEY_BEATS * FIXTURE_BEAT;
    fixture_see(&core, fixture_primary(1));
    assert_false(view_is_stale(&core, core_view(&core, 1)));
    core.now.ms += 1;
    fixture_see(&core, fixture_primary(1));
    assert_true(view_is_stale(&core, core_view(&core, 1)));
    /* A standby is never stale, nor is one of the present term. */
    assert_false(view_is_stale(&core, core_view(&core, 3)));
    later.in_recovery = false;
    fixture_see(&core, later);
    assert_false(view_is_stale(&core, core_view(&core, 3)));
}

/* ---- members and surveys ----------------------------------------------------- */

static void members_that_stay_keep_their_view(void **state)
{
    struct core core = fixture_core(4);
    struct core_member fewer[2];

    (void)state;
    fixture_see(&core, fixture_standby(4));
    fewer[0] = *core_member(&core, 4);
    fewer[1] = *core_member(&core, 2);
    view_set_members(&core, fewer, 2);
    assert_int_equal(core.n_members, 2);
    assert_true(core.recorded);
    assert_int_equal(core_view(&core, 4)->seen.reach, REACH_OK);
    assert_null(core_view(&core, 1));
    assert_null(core_member(&core, 1));
    /* An answer of one that left is dropped. */
    fixture_see(&core, fixture_primary(1));
    assert_null(core_view(&core, 1));
}

static void self_is_always_a_member(void **state)
{
    struct core core = fixture_core(4);
    struct core_member all[CORE_MAX_NODES];

    (void)state;
    fixture_see(&core, fixture_standby(FIXTURE_SELF));
    view_set_members(&core, NULL, 0);
    assert_int_equal(core.n_members, 1);
    assert_false(core.recorded);
    assert_string_equal(core.members[0].name, "node2");
    assert_int_equal(view_self(&core)->seen.reach, REACH_OK);
    assert_false(core.members[0].voting);
    /* And finds a place among as many as there may be. */
    for (int i = 0; i < CORE_MAX_NODES; i++)
        all[i] = (struct core_member){.id = 100 + i};
    view_set_members(&core, all, CORE_MAX_NODES);
    assert_int_equal(view_self(&core)->seen.reach, REACH_OK);
    assert_false(core.recorded);
}

/* What is known of their daemons, too. */
static void members_that_stay_keep_their_notes(void **state)
{
    struct core core = fixture_core(4);
    struct core_member fewer[2];

    (void)state;
    fixture_hear(&core, fixture_ballot(4, 1, core.now.ms));
    fewer[0] = *core_member(&core, 4);
    fewer[1] = *core_member(&core, 2);
    view_set_members(&core, fewer, 2);
    assert_int_equal(fixture_peer(&core, 4)->ballot_term, 1);
    assert_int_equal(fixture_peer(&core, 2)->note.phase, CORE_PHASE_NONE);
}

static void e1_a_survey_is_complete_when_all_or_time_is_up(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    view_begin_survey(&core);
    assert_false(view_survey_complete(&core));
    fixture_see(&core, fixture_failed(1, REACH_REFUSED));
    fixture_see(&core, fixture_standby(2));
    assert_false(view_survey_complete(&core));
    core.now.ms += CORE_SURVEY_BEATS * FIXTURE_BEAT - 1;
    assert_false(view_survey_complete(&core));
    core.now.ms += 1;
    assert_true(view_survey_complete(&core));
    view_begin_survey(&core);
    for (int id = 1; id <= 3; id++)
        fixture_see(&core, fixture_standby(id));
    assert_true(view_survey_complete(&core));
}

/* A daemon that slept must not decide by what was true before. */
static void e1_an_answer_is_fresh_for_a_survey_only(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    fixture_see(&core, fixture_standby(3));
    core.now.ms += CORE_SURVEY_BEATS * FIXTURE_BEAT;
    assert_true(view_is_fresh(&core, core_view(&core, 3)));
    core.now.ms += 1;
    assert_false(view_is_fresh(&core, core_view(&core, 3)));
}

/* It has no PostgreSQL: nothing is to be waited for. */
static void e1_a_witness_keeps_no_survey_waiting(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    view_begin_survey(&core);
    fixture_member(&core, 3)->role = CORE_ROLE_WITNESS;
    fixture_see(&core, fixture_failed(1, REACH_REFUSED));
    assert_false(view_survey_complete(&core));
    fixture_see(&core, fixture_standby(2));
    assert_true(view_survey_complete(&core));
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(f1_silence_and_refusal_are_no_sign_of_life),
        T(f1_kinds_of_failure_stay_different),
        T(f1_learning_nothing_changes_nothing),
        T(f2_an_error_of_the_server_is_a_sign_of_life),
        T(f2_connection_check_type_decides_on_a_mute_session),
        T(f3_starting_is_alive_until_patience_is_over),
        T(f3_patience_begins_anew_after_any_other_answer),
        T(f4_another_system_is_not_ours),
        T(f4_our_own_postgresql_names_the_system),
        T(p1_an_older_term_is_stale_when_the_answer_is_newer),
        T(members_that_stay_keep_their_view),
        T(self_is_always_a_member),
        T(members_that_stay_keep_their_notes),
        T(e1_a_survey_is_complete_when_all_or_time_is_up),
        T(e1_an_answer_is_fresh_for_a_survey_only),
        T(e1_a_witness_keeps_no_survey_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
