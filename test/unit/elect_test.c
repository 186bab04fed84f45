/* elect_test.c - rules E1 to E9 of docs/failover-rules.md on hand-made cores: the
 * verdict and its reason. fixture_electing() is a core that would stand at once; each
 * test changes one thing. */
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

static void hear(struct core *core, int id, enum core_phase phase, int leader_id)
{
    struct core_note note = fixture_ask(id);

    note.phase = phase;
    note.leader_id = leader_id;
    fixture_hear(core, note);
}

/* Its daemon says that it leads. */
static void leads(struct core *core, int id, int64_t term)
{
    fixture_hear(core, fixture_note(id, CORE_PHASE_LEAD, term, id));
}

/* Its PostgreSQL is out of recovery, and no daemon is there. */
static void writable(struct core *core, int id, int64_t term)
{
    struct core_observation seen = fixture_primary(id);

    seen.term = term;
    fixture_peer(core, id)->note.phase = CORE_PHASE_NONE;
    fixture_see(core, seen);
}

static void at_position(struct core *core, int id, uint64_t pos)
{
    struct core_note note = fixture_ask(id);

    note.report.position.pos = pos;
    if (id == core->settings.self_id)
        core->report = note.report;
    else
        fixture_hear(core, note);
}

static bool stands(const struct core *core)
{
    return elect_decide(core).action == ELECT_PROMOTE;
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
    struct core core = fixture_electing(4);

    (void)state;
    fixture_view(&core, 3)->fresh = false;
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 0);
    /* Who has not answered in time counts as silent. */
    core.survey_at.ms = core.now.ms - 4 * FIXTURE_BEAT;
    assert_true(stands(&core));
}

/* Who resigned leads nowhere any more: those who are needed are enough. */
static void e1_a_resignation_cuts_the_survey_short(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_view(&core, 4)->fresh = false;
    core.first_missed = core.now;
    fixture_peer(&core, 1)->resigned_term = 1;
    assert_true(stands(&core));
    fixture_peer(&core, 3)->advanced = false;
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 0); /* 2 of 4 */
}

/* ---- E2 ---------------------------------------------------------------------- */

static void e2_a_new_leader_is_followed(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    leads(&core, 3, 2);
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
    /* Whatever else is not known yet. */
    core.views[0].fresh = false;
    core.first_missed = core.now;
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_one_without_a_daemon_too(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    writable(&core, 3, 2);
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
    /* Not when a daemon is there that says something else. */
    hear(&core, 3, CORE_PHASE_ASK, 0);
    assert_int_not_equal(elect_decide(&core).action, ELECT_FOLLOW);
}

/* P1: a promotion whose daemon died before the row was written. */
static void e2_not_before_the_row_of_what_we_promised_is_there(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.term = 3;
    core.durable.leader_id = 3;
    writable(&core, 3, 2);
    assert_int_not_equal(elect_decide(&core).action, ELECT_FOLLOW);
    writable(&core, 3, 3);
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_not_while_it_says_that_it_is_promoting(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    writable(&core, 3, 1);
    hear(&core, 3, CORE_PHASE_PROMOTE, 3);
    expect(&core, ELECT_WAIT, CORE_WHY_BEING_PROMOTED, 3);
}

static void e2_not_whose_term_is_over(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    writable(&core, 3, 1);
    fixture_peer(&core, 3)->resigned_term = 1;
    assert_int_not_equal(elect_decide(&core).action, ELECT_FOLLOW);
}

/* L9: it leads in a lower term than we have promised; it will renew it. */
static void e2_one_of_a_lower_term_is_waited_for(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.term = 2;
    leads(&core, 1, 1);
    expect(&core, ELECT_WAIT, CORE_WHY_STILL_VISIBLE, 1);
}

static void e2_manual_nodes_follow(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.settings.failover = CORE_FAILOVER_MANUAL;
    fixture_member(&core, FIXTURE_SELF)->priority = 0;
    leads(&core, 3, 2);
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_a_witness_points_nothing_anywhere(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.settings.witness = true;
    leads(&core, 3, 2);
    expect(&core, ELECT_RETURN, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_our_upstream_leads_now(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.upstream_id = 3;
    leads(&core, 3, 2);
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3); /* we were cut off (V2) */
    core.durable.revoked = false;
    expect(&core, ELECT_RETURN, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_the_lost_one_leads_again(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.revoked = false;
    leads(&core, 1, 1);
    expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
}

static void e2_a_cascade_stays_below_its_upstream(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.durable.revoked = false;
    core.upstream_id = 4;
    leads(&core, 3, 2);
    expect(&core, ELECT_RETURN, CORE_WHY_LEADER_FOUND, 3);
    core.durable.revoked = true; /* cut off: pointed there again */
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 4);
    core.durable.revoked = false;
    fixture_see(&core, fixture_failed(4, REACH_REFUSED));
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_a_cascade_re_attaches_to_the_primary(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.durable.revoked = false;
    core.upstream_id = 4;
    core.suspect_id = 4;
    leads(&core, 1, 1);
    fixture_see(&core, fixture_failed(4, REACH_SILENT));
    expect(&core, ELECT_FOLLOW, CORE_WHY_UPSTREAM_GONE, 1);
}

static void e2_not_without_our_own_postgresql(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    leads(&core, 3, 2);
    fixture_see(&core, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    expect(&core, ELECT_WAIT, CORE_WHY_SELF_DOWN, FIXTURE_SELF);
}

static void e2_not_before_the_pause_is_over(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.backoff_until.ms = core.now.ms + 1;
    core.action_leader_id = 3;
    leads(&core, 3, 2);
    expect(&core, ELECT_WAIT, CORE_WHY_BACKOFF, 3);
    core.action_leader_id = 4; /* the pause is for another one */
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

static void e2_two_leaders_of_one_term_neither_is_followed(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    writable(&core, 3, 2);
    writable(&core, 4, 2);
    expect(&core, ELECT_WAIT, CORE_WHY_MANY_LEADERS, 4);
    assert_int_equal(elect_decide(&core).why.term, 2);
}

static void e2_of_two_the_higher_term_leads(void **state)
{
    (void)state;
    for (int high = 3; high <= 4; high++) {
        struct core core = fixture_electing(4);

        writable(&core, 7 - high, 2);
        writable(&core, high, 3);
        expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, high);
        core = fixture_electing(4);
        leads(&core, 7 - high, 2);
        leads(&core, high, 3);
        expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, high);
    }
}

/* The row of term 2 came by replication, before the answer of its leader did. */
static void e2_an_older_answer_is_asked_for_again(void **state)
{
    struct core core = fixture_electing(3);
    struct core_observation self = fixture_standby(FIXTURE_SELF);

    (void)state;
    writable(&core, 3, 1);
    self.term = 2;
    fixture_see(&core, self);
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 3);
}

static void e2_only_answers_of_this_survey(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    writable(&core, 3, 2);
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
        core.durable.revoked = false;
        expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
        /* Who was cut off, or promised another, does not just return. */
        core.durable.revoked = true;
        assert_true(stands(&core));
        core.durable.revoked = false;
        core.durable.leader_id = 3;
        assert_int_not_equal(elect_decide(&core).action, ELECT_RETURN);
        core.durable.leader_id = 1;
        fixture_peer(&core, 1)->resigned_term = 1;
        assert_true(stands(&core));
    }
}

static void e3_starting_beyond_patience_is_dead(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.revoked = false;
    fixture_see(&core, fixture_failed(1, REACH_STARTING));
    fixture_view(&core, 1)->starting_since.ms = core.now.ms - 60000;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

static void e3_a_primary_in_recovery_does_not_lead(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.revoked = false;
    fixture_see(&core, fixture_standby(1));
    assert_true(stands(&core));
}

static void e3_an_upstream_in_recovery_is_fine(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.durable.revoked = false;
    core.upstream_id = 4;
    core.suspect_id = 4;
    expect(&core, ELECT_RETURN, CORE_WHY_BACK, 1);
}

/* ---- E4 ---------------------------------------------------------------------- */

static void e4_the_window_must_be_over(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.first_missed.ms = core.now.ms - FIXTURE_W + 1;
    expect(&core, ELECT_WAIT, CORE_WHY_LOST, 1);
    core.first_missed.ms -= 1;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
    /* A leader that resigned needs none. */
    core.first_missed = core.now;
    fixture_peer(&core, 1)->resigned_term = 1;
    assert_true(stands(&core));
}

static void v1_nor_before_our_promise_is(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.promise_until.ms = core.now.ms + 1;
    expect(&core, ELECT_WAIT, CORE_WHY_PROMISED, 1);
    fixture_peer(&core, 1)->resigned_term = 1;
    assert_true(stands(&core));
}

static void v1_who_voted_waits_for_its_candidate(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.durable.term = 2;
    core.durable.leader_id = 3;
    fixture_hear(&core, fixture_note(3, CORE_PHASE_CANVASS, 2, 3));
    expect(&core, ELECT_WAIT, CORE_WHY_AWAITED, 3);
    assert_int_equal(elect_decide(&core).why.term, 2);
}

/* Its daemon is there and does not say that it leads; its PostgreSQL is writable. */
static void v1_nobody_stands_beside_a_writable_leader(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_see(&core, fixture_primary(1));
    hear(&core, 1, CORE_PHASE_ASK, 0);
    expect(&core, ELECT_WAIT, CORE_WHY_LEADER_STOPPED, 1);
}

static void d3_without_a_voice_nothing_is_decided(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.durable.incarnation = 0;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_STATE, FIXTURE_SELF);
    leads(&core, 3, 2); /* but a leader is followed */
    expect(&core, ELECT_FOLLOW, CORE_WHY_LEADER_FOUND, 3);
}

/* ---- E5 ---------------------------------------------------------------------- */

static void e5_another_sees_the_primary(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    hear(&core, 4, CORE_PHASE_FOLLOW, 1);
    expect(&core, ELECT_WAIT, CORE_WHY_STILL_VISIBLE, 4);
}

static void e5_another_follows_a_leader_that_we_do_not_see(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    fixture_see(&core, fixture_failed(5, REACH_SILENT));
    hear(&core, 4, CORE_PHASE_FOLLOW, 5);
    expect(&core, ELECT_WAIT, CORE_WHY_STILL_VISIBLE, 4);
}

static void e5_not_when_that_term_is_over(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    core.term = 2;
    hear(&core, 4, CORE_PHASE_FOLLOW, 5);
    assert_true(stands(&core)); /* 4 of 5 support nobody */
}

static void e5_who_asks_or_passes_sees_nobody(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    hear(&core, 3, CORE_PHASE_ASK, 0);
    hear(&core, 4, CORE_PHASE_PASS, 0);
    assert_true(stands(&core));
}

/* A walreceiver of `id` that got a message `age_ms` ago; the primary is lost for W. */
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

        fixture_see(&core, streams(id, FIXTURE_W - 1));
        expect(&core, ELECT_WAIT, CORE_WHY_STILL_STREAMING, id);
        fixture_see(&core, streams(id, FIXTURE_W));
        assert_true(stands(&core));
        fixture_see(&core, streams(id, -1));
        assert_true(stands(&core));
        /* What it hears of a leader that resigned means nothing. */
        fixture_see(&core, streams(id, 100));
        fixture_peer(&core, 1)->resigned_term = 1;
        assert_true(stands(&core));
    }
}

static void e5_not_when_it_is_attached_elsewhere(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    fixture_member(&core, 4)->upstream_id = 3;
    fixture_see(&core, streams(4, 100));
    assert_true(stands(&core));
}

/* ---- E6 ---------------------------------------------------------------------- */

static void e6_a_quorum_must_support_nobody(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    fixture_peer(&core, 4)->advanced = false;
    fixture_peer(&core, 5)->advanced = false;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_QUORUM, 0);
    assert_int_equal(elect_decide(&core).why.a, 2);
    assert_int_equal(elect_decide(&core).why.b, 3);
    hear(&core, 5, CORE_PHASE_ASK, 0);
    assert_true(stands(&core));
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

static void p2_our_own_report_must_be_known(void **state)
{
    struct core core = fixture_electing(4);

    (void)state;
    core.report.known = false;
    expect(&core, ELECT_WAIT, CORE_WHY_NO_REPORT, FIXTURE_SELF);
}

static void e7_one_promotion_at_a_time(void **state)
{
    struct core core = fixture_electing(5);

    (void)state;
    hear(&core, 4, CORE_PHASE_PROMOTE, 4);
    expect(&core, ELECT_WAIT, CORE_WHY_BEING_PROMOTED, 4);
    /* Nor beside a candidate that is as good; one that is behind has no say. */
    hear(&core, 4, CORE_PHASE_CANVASS, 4);
    expect(&core, ELECT_WAIT, CORE_WHY_BEING_PROMOTED, 4);
    at_position(&core, FIXTURE_SELF, 0x1001);
    assert_true(stands(&core));
}

/* ---- E8 ---------------------------------------------------------------------- */

static void e8_a_stale_primary_is_named_and_not_followed(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.term = 2;
    writable(&core, 1, 1);
    core.settings.failover = CORE_FAILOVER_MANUAL;
    hear(&core, 3, CORE_PHASE_PASS, 0);
    expect(&core, ELECT_WAIT, CORE_WHY_STALE_LEADER, 1);
}

static void e8_a_stale_primary_does_not_keep_us_from_leading(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.term = 2;
    writable(&core, 1, 1);
    assert_true(stands(&core));
}

/* ---- E9 ---------------------------------------------------------------------- */

static void e9_the_best_by_p4_leads(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    at_position(&core, 3, 0x1001);
    expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
    assert_int_equal(elect_decide(&core).why.rule, CORE_RANK_POSITION);
    assert_int_equal(elect_decide(&core).why.a, 2);
    at_position(&core, 3, 0xFFF);
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
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct core core = fixture_electing(4);
        struct core_note note = fixture_ask(3);

        hear(&core, 4, CORE_PHASE_PASS, 0);
        note.report.position.pos = 0x2000;
        if (i == 1)
            note.phase = CORE_PHASE_PASS;
        if (i == 2)
            note.voiceless = true;
        if (i == 7) /* M1: it would not get our vote */
            core.durable.members_version = note.members_version + 1;
        fixture_hear(&core, note);
        if (i == 3)
            fixture_member(&core, 3)->priority = 0;
        if (i == 4)
            fixture_member(&core, 3)->role = CORE_ROLE_WITNESS;
        if (i == 5)
            fixture_view(&core, 3)->passed_over = true;
        if (i == 6)
            fixture_peer(&core, 3)->advanced = false; /* its daemon is dead */
        if (i == 2 || i == 6) /* it does not count for a quorum, either */
            fixture_member(&core, 3)->voting = false;
        if (i == 0)
            expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
        else if (i == 1 || i == 3 || i == 5 || i == 7) /* E10: but it has more WAL */
            expect(&core, ELECT_CATCH_UP, CORE_WHY_CATCH_UP, 3);
        else
            expect(&core, ELECT_PROMOTE, CORE_WHY_ONLY_CANDIDATE, FIXTURE_SELF);
    }
}

/* It may be further than we are: it gets half a window. */
static void e9_a_report_that_is_on_its_way_is_waited_for(void **state)
{
    struct core core = fixture_electing(4);
    struct core_note note = fixture_ask(3);

    (void)state;
    note.report.known = false;
    fixture_hear(&core, note);
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 3);
    core.since.ms = core.now.ms - FIXTURE_W / 2;
    assert_true(stands(&core));
    core.since = core.now;
    fixture_see(&core, fixture_failed(3, REACH_REFUSED)); /* none will come */
    assert_true(stands(&core));
    fixture_see(&core, fixture_standby(3));
    fixture_member(&core, 3)->role = CORE_ROLE_WITNESS;
    assert_true(stands(&core));
}

/* A former leader's PostgreSQL starts: it has what nobody else may have. */
static void e9_a_former_leader_gets_a_window(void **state)
{
    struct core core = fixture_electing(4);
    struct core_note note = fixture_ask(3);

    (void)state;
    note.report = (struct core_report){.coming = true};
    fixture_see(&core, fixture_failed(3, REACH_REFUSED));
    fixture_hear(&core, note);
    core.since.ms = core.now.ms - FIXTURE_W + 1;
    expect(&core, ELECT_WAIT, CORE_WHY_SURVEY, 3);
    core.since.ms = core.now.ms - FIXTURE_W;
    assert_true(stands(&core));
    core.since = core.now;
    note.report.coming = false;
    note.stamp.ms++;
    fixture_hear(&core, note);
    assert_true(stands(&core));
}

static void e9_manual_and_priority_0_never_promote_us(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.settings.failover = CORE_FAILOVER_MANUAL;
    expect(&core, ELECT_WAIT, CORE_WHY_OTHER_BETTER, 3);
    hear(&core, 3, CORE_PHASE_PASS, 0);
    expect(&core, ELECT_WAIT, CORE_WHY_MANUAL, 0);
    core.settings.failover = CORE_FAILOVER_AUTOMATIC;
    fixture_member(&core, FIXTURE_SELF)->priority = 0;
    expect(&core, ELECT_WAIT, CORE_WHY_SELF_PRIORITY, 0);
}

static void e9_a_failed_promotion_pauses(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    core.backoff_until.ms = core.now.ms + 1;
    expect(&core, ELECT_WAIT, CORE_WHY_BACKOFF, FIXTURE_SELF);
    core.backoff_until = core.now;
    core.canvass_after.ms = core.now.ms + 1; /* E8 */
    expect(&core, ELECT_WAIT, CORE_WHY_BACKOFF, FIXTURE_SELF);
    core.canvass_after = core.now;
    expect(&core, ELECT_PROMOTE, CORE_WHY_BEST_CANDIDATE, FIXTURE_SELF);
}

/* Node `self` decides, on the same notes; `first` comes first in its table. */
static struct verdict decided_by(int self, int first)
{
    struct core core = fixture_electing(5);
    struct core_member swap;
    struct core_view view;
    struct core_peer peer;

    at_position(&core, 4, 0x1500);
    at_position(&core, 5, 0x1500);
    core.report.position.pos = self >= 4 ? 0x1500 : 0x1000;
    core.settings.self_id = self;
    if (self != FIXTURE_SELF)
        hear(&core, FIXTURE_SELF, CORE_PHASE_ASK, 0);
    swap = core.members[first - 1];
    view = core.views[first - 1];
    peer = core.peers[first - 1];
    core.members[first - 1] = core.members[1];
    core.views[first - 1] = core.views[1];
    core.peers[first - 1] = core.peers[1];
    core.members[1] = swap;
    core.views[1] = view;
    core.peers[1] = peer;
    return elect_decide(&core);
}

/* Whoever decides, and in whatever order the table lists the nodes: one winner. */
static void e9_all_come_to_the_same_winner(void **state)
{
    (void)state;
    for (int self = 2; self <= 5; self++)
        for (int first = 2; first <= 5; first++) {
            struct verdict verdict = decided_by(self, first);

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
        T(e1_a_resignation_cuts_the_survey_short),
        T(e2_a_new_leader_is_followed),
        T(e2_one_without_a_daemon_too),
        T(e2_not_before_the_row_of_what_we_promised_is_there),
        T(e2_not_while_it_says_that_it_is_promoting),
        T(e2_not_whose_term_is_over),
        T(e2_one_of_a_lower_term_is_waited_for),
        T(e2_manual_nodes_follow),
        T(e2_a_witness_points_nothing_anywhere),
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
        T(v1_nor_before_our_promise_is),
        T(v1_who_voted_waits_for_its_candidate),
        T(v1_nobody_stands_beside_a_writable_leader),
        T(d3_without_a_voice_nothing_is_decided),
        T(e5_another_sees_the_primary),
        T(e5_another_follows_a_leader_that_we_do_not_see),
        T(e5_not_when_that_term_is_over),
        T(e5_who_asks_or_passes_sees_nobody),
        T(e5_a_walreceiver_hears_from_it),
        T(e5_not_when_it_is_attached_elsewhere),
        T(e6_a_quorum_must_support_nobody),
        T(e6_two_nodes_q2),
        T(e7_our_own_postgresql_must_answer),
        T(p2_our_own_report_must_be_known),
        T(e7_one_promotion_at_a_time),
        T(e8_a_stale_primary_is_named_and_not_followed),
        T(e8_a_stale_primary_does_not_keep_us_from_leading),
        T(e9_the_best_by_p4_leads),
        T(e9_the_verdict_names_the_rule),
        T(e9_who_is_a_candidate),
        T(e9_a_report_that_is_on_its_way_is_waited_for),
        T(e9_a_former_leader_gets_a_window),
        T(e9_manual_and_priority_0_never_promote_us),
        T(e9_a_failed_promotion_pauses),
        T(e9_all_come_to_the_same_winner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
