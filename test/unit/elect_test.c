/* elect_test.c - rules E1 to E9 of docs/failover-rules.md on hand-made cores: the
 * verdict and its reason. fixture_electing() is a core that would be promoted at once;
 * each test changes one thing. */
#include "core/elect.h"
#include "core_fixture.h"

static void expect(const struct core *core,
                   enum elect_action action,
                   enum core_reason reason,
                   int node_id)
{
    struct verdict verdict = elect_decide(core);

    assert_int_equal(verdict.why.reason, reason);
    assert_int_equal(verdict.action, action);
    assert_int_equal(verdict.why.node_id, node_id);
}

/* The answer of `id` with its note changed. */
static struct core_observation
says(int id, enum core_phase phase, int leader_id, int64_t term)
{
    struct core_observation seen = fixture_standby(id);

    seen.note = (struct core_note){
        .phase = phase, .node_id = id, .leader_id = leader_id, .term = term};
    return seen;
}

static struct core_observation leads(int id, int64_t term)
{
    struct core_observation seen = fixture_primary(id);

    seen.term = term;
    return seen;
}

static struct core_observation at_position(int id, uint64_t pos)
{
    struct core_observation seen = fixture_standby(id);

    seen.position.pos = pos;
    return seen;
}

static void nothing_in_the_way(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

/* ---- E1 ---------------------------------------------------------------------- */

static void e1_not_before_the_survey_is_complete(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_view(&core, 3)->fresh = false;
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 0);
    /* Who has not answered in time counts as silent. */
    core.survey_at.ms = core.now.ms - 4 * FIXTURE_BEAT;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
}

/* ---- E2 ---------------------------------------------------------------------- */

static void e2_a_new_leader_is_followed(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, leads(3, 2));
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_before_its_term_is_recorded_too(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, leads(3, 1));
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_not_while_it_says_that_it_is_promoting(void **state)
{
    struct core core = fixture_electing(3);
    struct core_observation seen = leads(3, 1);

    (void)state;
    seen.note.phase = CORE_PHASE_PROMOTE;
    fixture_see(&core, seen);
    expect(&core, ELECT_WAIT, CORE_WHY_BEING_PROMOTED, 3);
}

static void e2_manual_nodes_follow(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.settings.failover = CORE_FAILOVER_MANUAL;
    fixture_member(&core, FIXTURE_SELF)->priority = 0;
    fixture_see(&core, leads(3, 2));
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_our_upstream_leads_now(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.upstream_id = 3;
    fixture_see(&core, leads(3, 2));
    expect(&core, ELECT_RETURN, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_the_lost_one_leads_again(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, leads(1, 1));
    expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
}

static void e2_a_cascade_stays_below_its_upstream(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.upstream_id = 4;
    fixture_see(&core, leads(3, 2));
    expect(&core, ELECT_RETURN, CORE_WHY_LEADER_FOUND, 3);
    fixture_see(&core, fixture_failed(4, REACH_REFUSED));
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_a_cascade_re_attaches_to_the_primary(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.upstream_id = 4;
    core.suspect_id = 4;
    fixture_see(&core, leads(1, 1));
    fixture_see(&core, fixture_failed(4, REACH_SILENT));
    expect(&core, ELECT_FOLLOW, CORE_WHY_UPSTREAM_GONE, 1);
}

static void e2_not_without_our_own_postgresql(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, leads(3, 2));
    fixture_see(&core, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    expect(&core, ELECT_WAIT, CORE_WHY_SELF_DOWN, FIXTURE_SELF);
}

static void e2_not_before_the_pause_is_over(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.backoff_until.ms = core.now.ms + 1;
    fixture_see(&core, leads(3, 2));
    expect(&core, ELECT_WAIT, CORE_WHY_BACKOFF, 3);
}

static void e2_two_leaders_of_one_term_neither_is_followed(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, leads(3, 2));
    fixture_see(&core, leads(4, 2));
    expect(&core, ELECT_WAIT, CORE_WHY_MANY_LEADERS, 4);
    assert_int_equal(elect_decide(&core).why.term, 2);
}

static void e2_of_two_the_higher_term_leads(void **state)
{
    (void)state;
    for (int high = 3; high <= 4; high++) {
        struct core core = fixture_electing(4);

        fixture_see(&core, leads(7 - high, 2));
        fixture_see(&core, leads(high, 3));
        expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, high);
    }
}

/* The row of term 2 came by replication, before the answer of its leader did. */
static void e2_an_older_answer_is_asked_for_again(void **state)
{
    struct core core = fixture_electing(3);
    struct core_observation self = fixture_standby(FIXTURE_SELF);

    (void)state;
    fixture_see(&core, leads(3, 1));
    self.term = 2;
    fixture_see(&core, self);
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 3);
}

static void e2_only_answers_of_this_survey(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, leads(3, 2));
    fixture_view(&core, 3)->fresh = false;
    core.survey_at.ms = core.now.ms - 4 * FIXTURE_BEAT;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
}

/* ---- E3 ---------------------------------------------------------------------- */

static void e3_whatever_it_says_it_lives(void **state)
{
    static const enum reach alive[] = {REACH_REJECTED, REACH_STARTING, REACH_FAILED};

    (void)state;
    for (size_t i = 0; i < N_OF(alive); i++) {
        struct core core = fixture_electing(3);

        fixture_see(&core, fixture_failed(1, alive[i]));
        expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
    }
}

static void e3_starting_beyond_patience_is_dead(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, fixture_failed(1, REACH_STARTING));
    fixture_view(&core, 1)->starting_since.ms = core.now.ms - 60000;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

static void e3_a_primary_in_recovery_does_not_lead(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, fixture_standby(1));
    assert_int_equal(elect_decide(&core).action, ELECT_WAIT);
    assert_int_equal(elect_decide(&core).why.reason, CORE_WHY_OTHER_BETTER);
}

static void e3_an_upstream_in_recovery_is_fine(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.upstream_id = 4;
    core.suspect_id = 4;
    expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
}

/* ---- E4 ---------------------------------------------------------------------- */

static void e4_the_window_must_be_over(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.first_missed.ms = core.now.ms - 5999;
    expect(&core, ELECT_WAIT, CORE_WHY_LOST, 1);
    core.first_missed.ms = core.now.ms - 6000;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

/* ---- E5 ---------------------------------------------------------------------- */

static void e5_another_sees_the_primary(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, says(4, CORE_PHASE_FOLLOW, 1, 1));
    expect(&core, ELECT_WAIT, CORE_WHY_STILL_VISIBLE, 4);
}

static void e5_another_follows_a_leader_that_we_do_not_see(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    fixture_see(&core, fixture_failed(5, REACH_SILENT));
    fixture_see(&core, says(4, CORE_PHASE_FOLLOW, 5, 1));
    expect(&core, ELECT_WAIT, CORE_WHY_STILL_VISIBLE, 4);
}

static void e5_not_when_that_term_is_over(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    core.term = 2;
    fixture_see(&core, says(4, CORE_PHASE_FOLLOW, 5, 1));
    assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
}

static void e5_who_asks_or_passes_sees_nobody(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, says(3, CORE_PHASE_ASK, 0, 1));
    fixture_see(&core, says(4, CORE_PHASE_PASS, 0, 1));
    assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
}

/* A walreceiver of `id` that got a message `age_ms` ago; the primary is lost for 6 s.
 */
static struct core_observation streams(int id, int64_t age_ms)
{
    struct core_observation seen = fixture_standby(id);

    seen.receiver_streaming = true;
    seen.receiver_age_ms = age_ms;
    return seen;
}

static void e5_a_walreceiver_hears_from_it(void **state)
{
    (void)state;
    for (int id = 2; id <= 3; id++) {
        struct core core = fixture_electing(3);

        fixture_see(&core, streams(id, 5999));
        expect(&core, ELECT_WAIT, CORE_WHY_STILL_STREAMING, id);
        fixture_see(&core, streams(id, 6000));
        assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
        fixture_see(&core, streams(id, -1));
        assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
    }
}

static void e5_not_when_it_is_attached_elsewhere(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_member(&core, 4)->upstream_id = 3;
    fixture_see(&core, streams(4, 100));
    assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
}

/* ---- E6 ---------------------------------------------------------------------- */

static void e6_a_quorum_must_answer(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    fixture_see(&core, fixture_failed(4, REACH_SILENT));
    fixture_see(&core, fixture_failed(5, REACH_SILENT));
    expect(&core, ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
    assert_int_equal(elect_decide(&core).why.a, 2);
    assert_int_equal(elect_decide(&core).why.b, 3);
    fixture_see(&core, fixture_standby(5));
    assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
}

static void e6_two_nodes_q2(void **state)
{
    struct core core = fixture_electing(2);

    (void)state;
    expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);
    assert_int_equal(elect_decide(&core).why.b, 2); /* says what is risked */
    core.settings.quorum = CORE_QUORUM_MAJORITY;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
}

/* ---- E7 ---------------------------------------------------------------------- */

static void e7_our_own_postgresql_must_answer(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    expect(&core, ELECT_WAIT, CORE_WHY_SELF_DOWN, FIXTURE_SELF);
}

static void e7_one_promotion_at_a_time(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, says(4, CORE_PHASE_PROMOTE, 4, 1));
    expect(&core, ELECT_WAIT, CORE_WHY_BEING_PROMOTED, 4);
}

/* ---- E8 ---------------------------------------------------------------------- */

static void e8_a_stale_primary_is_named_and_not_followed(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.term = 2;
    fixture_see(&core, leads(1, 1));
    core.settings.failover = CORE_FAILOVER_MANUAL;
    fixture_see(&core, says(3, CORE_PHASE_PASS, 0, 2));
    expect(&core, ELECT_WAIT, CORE_WHY_STALE_LEADER, 1);
}

static void e8_a_stale_primary_does_not_keep_us_from_leading(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.term = 2;
    fixture_see(&core, leads(1, 1));
    assert_int_equal(elect_decide(&core).action, ELECT_PROMOTE);
}

/* ---- E9 ---------------------------------------------------------------------- */

static void e9_the_best_by_p4_leads(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    fixture_see(&core, at_position(3, 0x1001));
    expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
    assert_int_equal(elect_decide(&core).why.rule, CORE_RANK_POSITION);
    assert_int_equal(elect_decide(&core).why.a, 2);
    fixture_see(&core, at_position(3, 0xFFF));
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
    assert_int_equal(elect_decide(&core).why.rule, CORE_RANK_POSITION);
}

static void e9_the_verdict_names_the_rule(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    assert_int_equal(elect_decide(&core).why.rule, CORE_RANK_ID);
    fixture_member(&core, 3)->priority = 101;
    expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
    assert_int_equal(elect_decide(&core).why.rule, CORE_RANK_PRIORITY);
}

/* Each of these makes node 3, which is further, no candidate. */
static void e9_who_is_a_candidate(void **state)
{
    struct core core;
    struct core_observation further = at_position(3, 0x2000);
    struct core_observation seen;

    (void)state;
    core = fixture_electing(3);
    fixture_see(&core, further);
    fixture_member(&core, 3)->priority = 0;
    expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);

    for (int phase = CORE_PHASE_NONE; phase <= CORE_PHASE_PASS;
         phase += CORE_PHASE_PASS) { /* no daemon, or one that will not */
        core = fixture_electing(3);
        seen = further;
        seen.note.phase = (enum core_phase)phase;
        fixture_see(&core, seen);
        expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);
    }

    core = fixture_electing(3);
    fixture_see(&core, further);
    fixture_view(&core, 3)->passed_over = true;
    expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);

    core = fixture_electing(4); /* of another cluster; a fourth for the quorum */
    seen = further;
    seen.system_identifier++;
    fixture_see(&core, seen);
    fixture_see(&core, says(4, CORE_PHASE_PASS, 0, 1));
    fixture_see(&core, fixture_standby(FIXTURE_SELF));
    assert_int_equal(elect_decide(&core).why.reason, CORE_WHY_NO_QUORUM);
    fixture_member(&core, 3)->voting = false;
    expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);

    core = fixture_electing(3); /* its position is not known */
    seen = fixture_standby(3);
    seen.position = LSN_UNKNOWN;
    fixture_member(&core, 3)->priority = 999;
    fixture_see(&core, seen);
    expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);
}

static void e9_manual_and_priority_0_never_promote_us(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.settings.failover = CORE_FAILOVER_MANUAL;
    expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
    fixture_see(&core, says(3, CORE_PHASE_PASS, 0, 1));
    expect(&core, ELECT_WAIT, CORE_WHY_MANUAL, 0);
    core.settings.failover = CORE_FAILOVER_AUTOMATIC;
    fixture_member(&core, FIXTURE_SELF)->priority = 0;
    expect(&core, ELECT_WAIT, CORE_WHY_SELF_PRIORITY, 0);
    fixture_member(&core, FIXTURE_SELF)->priority = 100;
    fixture_view(&core, FIXTURE_SELF)->seen.position = LSN_UNKNOWN;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_CANDIDATE, 0);
}

static void e9_a_failed_promotion_pauses(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.backoff_until.ms = core.now.ms + 1;
    expect(&core, ELECT_WAIT, CORE_WHY_BACKOFF, FIXTURE_SELF);
    core.backoff_until = core.now;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

/* Whoever decides, and in whatever order the table lists the nodes: one winner. */
static void e9_all_come_to_the_same_winner(void **state)
{
    (void)state;
    for (int self = 2; self <= 5; self++)
        for (int first = 2; first <= 5; first++) {
            struct core core = fixture_electing(5);
            struct core_member swap = core.members[first - 1];
            struct core_view view = core.views[first - 1];
            struct verdict verdict;

            core.members[first - 1] = core.members[1];
            core.views[first - 1] = core.views[1];
            core.members[1] = swap;
            core.views[1] = view;
            core.settings.self_id = self;
            fixture_see(&core, at_position(4, 0x1500));
            fixture_see(&core, at_position(5, 0x1500));
            verdict = elect_decide(&core);
            assert_int_equal(verdict.why.node_id, 4);
            assert_int_equal(verdict.action, self == 4 ? ELECT_PROMOTE : ELECT_WAIT);
        }
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_in_the_way),
        T(e1_not_before_the_survey_is_complete),
        T(e2_a_new_leader_is_followed),
        T(e2_before_its_term_is_recorded_too),
        T(e2_not_while_it_says_that_it_is_promoting),
        T(e2_manual_nodes_follow),
        T(e2_our_upstream_leads_now),
        T(e2_the_lost_one_leads_again),
        T(e2_a_cascade_stays_below_its_upstream),
        T(e2_a_cascade_re_attaches_to_the_primary),
        T(e2_not_without_our_own_postgresql),
        T(e2_not_before_the_pause_is_over),
        T(e2_two_leaders_of_one_term_neither_is_followed),
        T(e2_of_two_the_higher_term_leads),
        T(e2_an_older_answer_is_asked_for_again),
        T(e2_only_answers_of_this_survey),
        T(e3_whatever_it_says_it_lives),
        T(e3_starting_beyond_patience_is_dead),
        T(e3_a_primary_in_recovery_does_not_lead),
        T(e3_an_upstream_in_recovery_is_fine),
        T(e4_the_window_must_be_over),
        T(e5_another_sees_the_primary),
        T(e5_another_follows_a_leader_that_we_do_not_see),
        T(e5_not_when_that_term_is_over),
        T(e5_who_asks_or_passes_sees_nobody),
        T(e5_a_walreceiver_hears_from_it),
        T(e5_not_when_it_is_attached_elsewhere),
        T(e6_a_quorum_must_answer),
        T(e6_two_nodes_q2),
        T(e7_our_own_postgresql_must_answer),
        T(e7_one_promotion_at_a_time),
        T(e8_a_stale_primary_is_named_and_not_followed),
        T(e8_a_stale_primary_does_not_keep_us_from_leading),
        T(e9_the_best_by_p4_leads),
        T(e9_the_verdict_names_the_rule),
        T(e9_who_is_a_candidate),
        T(e9_manual_and_priority_0_never_promote_us),
        T(e9_a_failed_promotion_pauses),
        T(e9_all_come_to_the_same_winner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
