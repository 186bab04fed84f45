/* quorum_test.c - rules Q1 and Q2: how many there are, how many are needed, and who
 * counts, by notes, ballots and reports. */
#include "core/quorum.h"
#include "core_fixture.h"

/* A core of which `unbound` nodes support nobody, itself included, counted from node 2
 * on; of the others nothing is heard any more. */
static struct core survey(int n, int unbound)
{
    struct core core = fixture_electing(n);

    for (int id = 3; id <= n; id++)
        if (id - 1 > unbound)
            fixture_peer(&core, id)->advanced = false;
    return core;
}

static struct core_note note_of(int id, enum core_phase phase, int leader_id)
{
    struct core_note note = fixture_ask(id);

    note.phase = phase;
    note.leader_id = leader_id;
    return note;
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
        struct quorum quorum = quorum_unbound(&core);

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
        for (int unbound = 1; unbound < n; unbound++) {
            struct core core = survey(n, unbound);
            struct quorum quorum = quorum_unbound(&core);

            assert_int_equal(quorum.answered, unbound);
            assert_int_equal(quorum_met(&quorum), 2 * unbound > n);
        }
}

static void q1_inactive_members_still_count(void **state)
{
    struct core core = survey(5, 2);
    struct quorum quorum;

    (void)state;
    fixture_member(&core, 1)->active = false;
    fixture_member(&core, 5)->active = false;
    quorum = quorum_unbound(&core);
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
    quorum = quorum_unbound(&core);
    assert_int_equal(quorum.voting, 3);
    assert_int_equal(quorum.answered, 2); /* 2 and 4, not 3 */
    assert_int_equal(quorum.needed, 2);
}

/* Daemons vote, whatever their PostgreSQL does. */
static void q1_daemons_count_without_their_postgresql(void **state)
{
    struct core core = survey(3, 2);
    struct quorum quorum;

    (void)state;
    fixture_see(&core, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    fixture_see(&core, fixture_failed(3, REACH_SILENT));
    quorum = quorum_unbound(&core);
    assert_int_equal(quorum.answered, 2);
    assert_true(quorum_met(&quorum));
}

static void e6_who_supports_nobody_but_us(void **state)
{
    static const struct {
        enum core_phase phase;
        int leader_id, counts;
    } table[] = {
        {CORE_PHASE_ASK,      0, 1},
        {CORE_PHASE_PASS,     0, 1},
        {CORE_PHASE_RESIGNED, 0, 1},
        {CORE_PHASE_FOLLOW,   1, 0},
        {CORE_PHASE_VOTE,     4, 0},
        {CORE_PHASE_VOTE,     2, 1}, /* us */
        {CORE_PHASE_CANVASS,  3, 0},
        {CORE_PHASE_LEAD,     3, 0},
        {CORE_PHASE_PAUSED,   0, 0},
    };

    (void)state;
    for (size_t i = 0; i < N_OF(table); i++) {
        struct core core = survey(5, 1);
        struct core_note note = note_of(3, table[i].phase, table[i].leader_id);

        fixture_hear(&core, note);
        assert_int_equal(quorum_unbound(&core).answered, 1 + table[i].counts);
        note.voiceless = true;
        fixture_hear(&core, note);
        assert_int_equal(quorum_unbound(&core).answered, 1);
    }
}

static void n5_only_fresh_notes_count(void **state)
{
    struct core core = survey(3, 2);

    (void)state;
    core.now.ms += FIXTURE_SIGN;
    assert_int_equal(quorum_unbound(&core).answered, 2);
    core.now.ms += 1;
    assert_int_equal(quorum_unbound(&core).answered, 1);
}

/* ---- ballots and reports ------------------------------------------------------------
 */

/* M2: whoever gives one without a vote, for its report. */
static void m2_ballots_without_a_vote_do_not_count(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_hear(&core, fixture_ballot(3, 2, core.now.ms));
    assert_int_equal(quorum_ballots(&core, 2).answered, 2);
    assert_true(quorum_lease_until(&core, 2).ms > core.now.ms);
    fixture_member(&core, 3)->voting = false;
    core.members_version = 1; /* node 1 has not confirmed that two vote */
    assert_int_equal(quorum_ballots(&core, 2).answered, 1);
    assert_int_equal(quorum_ballots(&core, 2).needed, 2);
    assert_false(quorum_lease_until(&core, 2).ms > core.now.ms);
}

static void c2_ballots_of_that_very_term(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    fixture_hear(&core, fixture_ballot(3, 2, core.now.ms));
    fixture_hear(&core, fixture_ballot(4, 3, core.now.ms));
    assert_int_equal(quorum_ballots(&core, 1).answered, 1); /* our own */
    assert_int_equal(quorum_ballots(&core, 2).answered, 2);
    assert_int_equal(quorum_ballots(&core, 3).answered, 2);
    core.durable.incarnation = 0; /* we have no voice */
    assert_int_equal(quorum_ballots(&core, 2).answered, 1);
    core.now.ms += FIXTURE_W / 2;
    assert_int_equal(quorum_ballots(&core, 2).answered, 0);
}

static void c2_reports_of_data_members(void **state)
{
    struct core core = fixture_electing(5);
    struct core_note blind = fixture_ballot(4, 2, core.now.ms);
    struct quorum reports;

    (void)state;
    blind.report.known = false;
    fixture_hear(&core, fixture_ballot(3, 2, core.now.ms));
    fixture_hear(&core, blind);
    reports = quorum_reports(&core, 2);
    assert_int_equal(reports.voting, 5);
    assert_int_equal(reports.answered, 2); /* ours and that of node 3 */
    assert_int_equal(reports.needed, 0);   /* k = 0: no commit waits for anybody */
    core.durable.copies = 2;
    assert_int_equal(quorum_reports(&core, 2).needed, 3);
    core.durable.copies = CORE_COPIES_UNKNOWN; /* no primary was ever asked: as 1 */
    assert_int_equal(quorum_reports(&core, 2).needed, 4);
    core.durable.copies = 2;
    fixture_member(&core, 5)->role = CORE_ROLE_WITNESS;
    assert_int_equal(quorum_reports(&core, 2).needed, 2);
    core.report.known = false;
    assert_int_equal(quorum_reports(&core, 2).answered, 1);
    /* A member without a vote holds WAL all the same. */
    fixture_member(&core, 4)->voting = false;
    assert_int_equal(quorum_reports(&core, 2).voting, 4);
}

/* ---- two nodes
 * ------------------------------------------------------------------------ */

static void q2_two_nodes_need_one(void **state)
{
    struct core core = survey(2, 1);
    struct quorum quorum = quorum_unbound(&core);

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
    quorum = quorum_unbound(&core);
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
    core.durable.pair_version = 1;
    quorum = quorum_unbound(&core);
    assert_true(quorum.two_nodes);
    assert_int_equal(quorum.needed, 1);
}

/* M1: before both have confirmed that they are two, a third could still vote. */
static void q2_not_before_both_confirmed_it(void **state)
{
    struct core core = survey(2, 1);
    struct core_note other = fixture_ask(1);

    (void)state;
    core.durable.pair_version = 0;
    assert_int_equal(quorum_pair_version(&core), -1);
    assert_int_equal(quorum_unbound(&core).needed, 2);
    other.members_version = 0;
    fixture_hear(&core, other);
    assert_int_equal(quorum_pair_version(&core), -1);
    other.members_version = 1;
    fixture_hear(&core, other);
    assert_int_equal(quorum_pair_version(&core), 1);
    assert_int_equal(quorum_unbound(&core).needed, 1);
    /* A newer membership is to be confirmed anew. */
    core.members_version = 2;
    assert_int_equal(quorum_pair_version(&core), -1);
    core.durable.pair_version = 2; /* it was, in a former run */
    assert_int_equal(quorum_pair_version(&core), 2);
    /* There are not two. */
    core = survey(3, 2);
    core.durable.pair_version = 9;
    assert_int_equal(quorum_pair_version(&core), -1);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(q1_a_majority_of_all_registered),
        T(q1_exactly_a_majority_is_enough),
        T(q1_inactive_members_still_count),
        T(q1_members_without_a_vote_do_not),
        T(q1_daemons_count_without_their_postgresql),
        T(e6_who_supports_nobody_but_us),
        T(n5_only_fresh_notes_count),
        T(m2_ballots_without_a_vote_do_not_count),
        T(c2_ballots_of_that_very_term),
        T(c2_reports_of_data_members),
        T(q2_two_nodes_need_one),
        T(q2_not_with_quorum_majority),
        T(q2_two_voters_of_three_members),
        T(q2_not_before_both_confirmed_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
