/* quorum_test.c - rules Q1 and Q2: how many must answer. */
#include "core/quorum.h"
#include "core_fixture.h"

/* A core of which `answering` nodes answer, itself included, counted from node 2 on. */
static struct core survey(int n, int answering)
{
    struct core core = fixture_electing(n);

    for (int id = 3; id <= n; id++)
        if (id - 1 > answering)
            fixture_see(&core, fixture_failed(id, REACH_SILENT));
    return core;
}

static void q1_a_majority_of_all_registered(void **state)
{
    static const struct {
        int n, needed;
    } table[] = {
        {1,  1 },
        {3,  2 },
        {4,  3 },
        {5,  3 },
        {6,  4 },
        {7,  4 },
        {31, 16}
    };

    (void)state;
    for (size_t i = 0; i < N_OF(table); i++) {
        struct core core = fixture_electing(table[i].n);
        struct quorum quorum = quorum_count(&core);

        /* A cluster of one is node 1 alone; node 2 has no record and no vote. */
        assert_int_equal(quorum.voting, table[i].n);
        assert_int_equal(quorum.needed, table[i].needed);
        assert_false(quorum.two_nodes);
    }
}

static void q1_exactly_a_majority_is_enough(void **state)
{
    (void)state;
    for (int n = 3; n <= 7; n++)
        for (int answering = 1; answering < n; answering++) {
            struct core core = survey(n, answering);
            struct quorum quorum = quorum_count(&core);

            assert_int_equal(quorum.answered, answering);
            assert_int_equal(quorum_met(&quorum), 2 * answering > n);
        }
}

static void q1_inactive_members_still_count(void **state)
{
    struct core core = survey(5, 2);
    struct quorum quorum;

    (void)state;
    fixture_member(&core, 1)->active = false;
    fixture_member(&core, 5)->active = false;
    quorum = quorum_count(&core);
    assert_int_equal(quorum.voting, 5);
    assert_int_equal(quorum.needed, 3);
    assert_false(quorum_met(&quorum));
}

static void q1_members_without_a_vote_do_not(void **state)
{
    struct core core = survey(5, 3);
    struct quorum quorum;

    (void)state;
    fixture_member(&core, 3)->voting = false;
    fixture_member(&core, 5)->voting = false;
    quorum = quorum_count(&core);
    assert_int_equal(quorum.voting, 3);
    assert_int_equal(quorum.answered, 2); /* 2 and 4, not 3 */
    assert_int_equal(quorum.needed, 2);
}

static void q1_our_own_daemon_counts_without_its_postgresql(void **state)
{
    struct core core = survey(3, 2);
    struct quorum quorum;

    (void)state;
    fixture_see(&core, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    quorum = quorum_count(&core);
    assert_int_equal(quorum.answered, 2);
    assert_true(quorum_met(&quorum));
}

static void q1_only_answers_of_this_survey_count(void **state)
{
    struct core core = survey(3, 2);
    struct quorum quorum;

    (void)state;
    view_begin_survey(&core);
    quorum = quorum_count(&core);
    assert_int_equal(quorum.answered, 1);
}

static void q1_alive_is_not_enough_it_must_be_ours(void **state)
{
    static const enum reach others[] = {REACH_REJECTED, REACH_STARTING, REACH_FAILED,
                                        REACH_REFUSED, REACH_SILENT};
    struct core_observation foreign = fixture_standby(3);

    (void)state;
    foreign.system_identifier++;
    for (size_t i = 0; i <= N_OF(others); i++) {
        struct core core = survey(3, 2);
        struct quorum quorum;

        fixture_see(&core, i < N_OF(others) ? fixture_failed(3, others[i]) : foreign);
        quorum = quorum_count(&core);
        assert_int_equal(quorum.answered, 1);
    }
}

static void q2_two_nodes_need_one(void **state)
{
    struct core core = survey(2, 1);
    struct quorum quorum = quorum_count(&core);

    (void)state;
    assert_true(quorum.two_nodes);
    assert_int_equal(quorum.needed, 1);
    assert_true(quorum_met(&quorum));
}

static void q2_not_with_quorum_majority(void **state)
{
    struct core core = survey(2, 1);
    struct quorum quorum;

    (void)state;
    core.settings.quorum = CORE_QUORUM_MAJORITY;
    quorum = quorum_count(&core);
    assert_false(quorum.two_nodes);
    assert_int_equal(quorum.needed, 2);
    assert_false(quorum_met(&quorum));
}

static void q2_two_voters_of_three_members(void **state)
{
    struct core core = survey(3, 2);
    struct quorum quorum;

    (void)state;
    fixture_member(&core, 3)->voting = false;
    quorum = quorum_count(&core);
    assert_true(quorum.two_nodes);
    assert_int_equal(quorum.needed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q1_a_majority_of_all_registered),
        cmocka_unit_test(q1_exactly_a_majority_is_enough),
        cmocka_unit_test(q1_inactive_members_still_count),
        cmocka_unit_test(q1_members_without_a_vote_do_not),
        cmocka_unit_test(q1_our_own_daemon_counts_without_its_postgresql),
        cmocka_unit_test(q1_only_answers_of_this_survey_count),
        cmocka_unit_test(q1_alive_is_not_enough_it_must_be_ours),
        cmocka_unit_test(q2_two_nodes_need_one),
        cmocka_unit_test(q2_not_with_quorum_majority),
        cmocka_unit_test(q2_two_voters_of_three_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
