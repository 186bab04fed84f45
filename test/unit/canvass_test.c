/* canvass_test.c - rules C1, C2, C4, C5 and C7: a candidate writes, asks, counts, wins
 * or gives up; and the claim of a PostgreSQL that is writable already. */
#include "core/quorum.h"
#include "core_fixture.h"

#define T0 FIXTURE_T0

/* Node 1 has resigned, its PostgreSQL is gone, nobody supports anybody; own WAL is cut
 * off and reported: at T0 + 200 node 2 becomes a candidate, and its write is under way.
 */
static struct core standing(int n)
{
    struct core core = fixture_following(n);
    int64_t at = T0 + 200;

    (void)step_hear(&core, at, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_see(&core, at, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, at, fixture_standby(FIXTURE_SELF));
    for (int id = 3; id <= n; id++)
        (void)step_hear(&core, at, fixture_ask(id));
    for (int i = 0; i < 5 && core.state == CORE_ELECTING; i++)
        (void)step_done(&core, at, core.save_id != 0 ? core.save_id : core.revoke_id,
                        true);
    assert_int_equal(core.state, CORE_CANVASSING);
    assert_int_not_equal(core.save_id, 0);
    assert_int_equal(core.wanted.duty, CORE_DUTY_CANDIDATE);
    return core;
}

/* The same, written. */
static struct core canvassing(int n)
{
    struct core core = standing(n);

    (void)settle(&core, T0 + 210);
    assert_int_equal(core.note.phase, CORE_PHASE_CANVASS);
    return core;
}

static const struct core_effects *vote(struct core *core, int64_t at, int id)
{
    return step_hear(core, at, fixture_ballot(id, core->durable.term, at));
}

static bool has_won(const struct core *core)
{
    return core->wanted.duty == CORE_DUTY_PROMOTING;
}

/* ---- C1 ----------------------------------------------------------------------- */

static void c1_above_all_terms_that_were_seen(void **state)
{
    struct core core = fixture_following(3);
    struct core_observation row = fixture_standby(3);
    struct core_note resigned = fixture_note(1, CORE_PHASE_RESIGNED, 1, 0);
    struct core_note asking = fixture_ask(3);

    (void)state;
    row.term = 4; /* a row of pgrmon.term */
    (void)step_see(&core, T0 + 100, row);
    (void)step_hear(&core, T0 + 200, resigned);
    (void)step_see(&core, T0 + 200, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0 + 200, fixture_standby(FIXTURE_SELF));
    asking.term = 6; /* a promise to somebody who never won */
    (void)step_hear(&core, T0 + 200, asking);
    (void)settle(&core, T0 + 200);
    assert_int_equal(core.state, CORE_CANVASSING);
    assert_int_equal(core.durable.term, 7);
    assert_int_equal(core.durable.leader_id, FIXTURE_SELF);
    assert_false(core.durable.armed || core.durable.recorded);
}

static void c1_written_before_it_is_said(void **state)
{
    struct core core = standing(3);
    uint32_t save_id = core.save_id;

    (void)state;
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    (void)step_done(&core, T0 + 210, save_id, false); /* on disk or not: again */
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    (void)step_tick(&core, T0 + 210 + FIXTURE_BEAT);
    assert_int_equal(core.wanted.term, 2); /* the same */
    (void)step_done(&core, T0 + 520, core.save_id, true);
    assert_int_equal(core.note.phase, CORE_PHASE_CANVASS);
    assert_int_equal(core.note.term, 2);
}

/* ---- C2 ----------------------------------------------------------------------- */

static void c2_a_majority_of_ballots(void **state)
{
    struct core core = canvassing(5);

    (void)state;
    (void)vote(&core, T0 + 300, 3);
    assert_false(has_won(&core)); /* 2 of 5 */
    (void)vote(&core, T0 + 300, 3);
    assert_false(has_won(&core));
    (void)vote(&core, T0 + 300, 4);
    assert_true(has_won(&core));
}

/* Each of these is no ballot for this canvass. */
static void c2_what_is_no_ballot(void **state)
{
    struct core_note notes[7];

    (void)state;
    for (size_t i = 0; i < N_OF(notes); i++)
        notes[i] = fixture_ballot(3, 2, T0 + 300);
    notes[0].term = 1;
    notes[1].term = 3;
    notes[2].leader_id = 1;
    notes[3].echo.ms = T0 + 300 - FIXTURE_W / 2; /* old */
    notes[4].echo.boot++;
    notes[5].echo.ms = T0 + 301; /* from the future */
    notes[6].voiceless = true;
    for (size_t i = 0; i < N_OF(notes); i++) {
        struct core core = canvassing(3);

        (void)step_hear(&core, T0 + 300, notes[i]);
        if (has_won(&core))
            fail_msg("won with ballot %zu", i);
    }
}

/* k = 1: an acknowledged commit is on one of the other two at least. */
static void c2_reports_where_commits_are_on_several_nodes(void **state)
{
    struct core core = canvassing(4);
    struct core_note ballot = fixture_ballot(3, 2, T0 + 300);

    (void)state;
    core.durable.copies = 1; /* of 4 data nodes: 3 reports */
    ballot.report.known = false;
    (void)step_hear(&core, T0 + 300, ballot);
    (void)vote(&core, T0 + 300, 4);
    assert_false(has_won(&core)); /* three ballots, two reports */
    ballot.report.known = true;
    ballot.echo.ms = T0 + 310;
    (void)step_hear(&core, T0 + 310, ballot);
    assert_true(has_won(&core));

    core = canvassing(4); /* a witness gives a ballot, and no report is missed */
    core.durable.copies = 1;
    fixture_member(&core, 3)->role = CORE_ROLE_WITNESS;
    ballot.report.known = false;
    (void)step_hear(&core, T0 + 310, ballot);
    assert_false(has_won(&core));
    (void)vote(&core, T0 + 310, 4);
    assert_true(has_won(&core));
}

static void c2_a_voter_that_is_ahead(void **state)
{
    struct core core = canvassing(3);
    struct core_note ballot = fixture_ballot(3, 2, T0 + 300);

    (void)state;
    ballot.report.position.pos++;
    core.durable.copies = 1;
    (void)step_hear(&core, T0 + 300, ballot);
    assert_int_equal(core.state, CORE_ELECTING);
    /* Where commits are on one node only, it has waived its lead (C3). */
    core = canvassing(3);
    (void)step_hear(&core, T0 + 300, ballot);
    assert_true(has_won(&core));
}

static void c2_another_candidate_that_is_ahead(void **state)
{
    struct core core = canvassing(3);
    struct core_note other = fixture_ask(3);

    (void)state;
    other.phase = CORE_PHASE_CANVASS;
    other.term = 2;
    other.leader_id = 3;
    (void)step_hear(&core, T0 + 300, other);
    assert_int_equal(core.state, CORE_CANVASSING); /* it is not */
    other.report.term = 2;
    (void)step_hear(&core, T0 + 310, other);
    assert_int_equal(core.state, CORE_ELECTING);
}

/* Q2: alone, but not past the other one when it is there. */
static void q2_of_two_the_other_is_asked_if_it_is_heard(void **state)
{
    struct core core = canvassing(2);

    (void)state;
    assert_true(fixture_peer(&core, 1)->advanced);
    assert_false(has_won(&core));
    (void)step_tick(&core, T0 + 200 + FIXTURE_SIGN);
    assert_false(has_won(&core));
    (void)step_tick(&core, T0 + 200 + FIXTURE_SIGN + 1);
    assert_true(has_won(&core));
    assert_false(core.wanted.armed); /* nothing to count on afterwards, either */
}

/* ---- C5 ----------------------------------------------------------------------- */

static void c5_a_look_at_the_ballots_once_it_is_written(void **state)
{
    struct core core = canvassing(3);
    const struct core_effects *effects;
    int64_t late = T0 + 300 + FIXTURE_W / 2;

    (void)state;
    core.canvass_until.ms = late + 1000; /* else that would be the end of it */
    (void)vote(&core, T0 + 300, 3);
    assert_true(has_won(&core));
    assert_true(core.wanted.armed);
    effects = step_done(&core, late, core.save_id, true); /* a slow disk */
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 0);
    assert_int_equal(core.state, CORE_CANVASSING);
    effects = vote(&core, late, 3);
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 1);
}

/* ---- C4 ----------------------------------------------------------------------- */

static void c4_given_up_after_half_a_window(void **state)
{
    struct core core = canvassing(3);
    int64_t end = T0 + 200 + FIXTURE_W / 2;
    const struct core_effects *effects;

    (void)state;
    assert_int_equal(core_deadline(&core).ms, end);
    (void)step_tick(&core, end - 1);
    assert_int_equal(core.state, CORE_CANVASSING);
    effects = step_tick(&core, end);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_true(says(effects, CORE_SAY_VERDICT));
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_RESIGNED);
    assert_int_equal(core.note.leader_id, 0);
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    (void)settle(&core, end);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
    assert_int_equal(core.note.term, 2);
    /* Not again before a pause that is not the other one's. */
    assert_true(core.canvass_after.ms >= end + FIXTURE_BEAT);
    assert_true(core.canvass_after.ms < end + FIXTURE_BEAT + FIXTURE_W / 2);
}

static void c4_pauses_differ(void **state)
{
    int64_t pauses[8];
    int same = 0;

    (void)state;
    for (size_t i = 0; i < N_OF(pauses); i++) {
        struct core core = canvassing(3);

        core.random = i;
        (void)step_tick(&core, core.canvass_until.ms);
        pauses[i] = mono_diff(core.canvass_after, core.now);
        for (size_t k = 0; k < i; k++)
            same += pauses[i] == pauses[k];
    }
    assert_true(same <= 1);
}

static void c4_given_up_when_it_must_not_lead(void **state)
{
    struct core cores[5];

    (void)state;
    for (size_t i = 0; i < N_OF(cores); i++)
        cores[i] = canvassing(3);
    cores[0].settings.failover = CORE_FAILOVER_MANUAL; /* reloaded meanwhile */
    fixture_member(&cores[1], FIXTURE_SELF)->priority = 0;
    cores[2].report.known = false;
    (void)step_see(&cores[3], T0 + 300, fixture_failed(FIXTURE_SELF, REACH_REFUSED));
    (void)step_hear(&cores[4], T0 + 300, fixture_note(3, CORE_PHASE_LEAD, 3, 3));
    for (size_t i = 0; i < N_OF(cores); i++) {
        (void)vote(&cores[i], T0 + 400, 3);
        if (cores[i].state == CORE_CANVASSING || cores[i].state == CORE_PROMOTING)
            fail_msg("case %zu goes on", i);
    }
}

/* Won, "promoting" is on disk, and then somebody leads: it never promotes. */
static void c4_a_victory_too_late_is_resigned(void **state)
{
    struct core core = canvassing(3);
    uint32_t save_id;

    (void)state;
    (void)vote(&core, T0 + 300, 3);
    save_id = core.save_id;
    (void)step_hear(&core, T0 + 400, fixture_note(3, CORE_PHASE_LEAD, 3, 3));
    (void)step_done(&core, T0 + 500, save_id, true);
    assert_int_equal(core.durable.duty, CORE_DUTY_PROMOTING);
    assert_int_not_equal(core.state, CORE_PROMOTING);
    assert_int_equal(core.wanted.duty, CORE_DUTY_RESIGNED);
    (void)settle(&core, T0 + 510);
    assert_int_equal(core.durable.leader_id, 3);
}

/* A disk that fails in the middle must not keep the others waiting for us: they would
 * take a candidate that never promotes for one that is about to. */
static void c4_given_up_while_the_disk_fails(void **state)
{
    struct core core = canvassing(3);
    const struct core_effects *effects;
    int64_t at = T0 + 300;

    (void)state;
    (void)vote(&core, at, 3);
    for (; at < T0 + 9 * FIXTURE_W; at += FIXTURE_BEAT) {
        if (core.save_id != 0)
            (void)step_done(&core, at, core.save_id, false);
        (void)vote(&core, at, 3);
    }
    assert_int_not_equal(core.state, CORE_CANVASSING);
    assert_int_not_equal(core.note.phase, CORE_PHASE_CANVASS);
    assert_int_equal(core.note.leader_id, 0);
    /* It is mended: that term is given up, and a later one is asked for. */
    (void)settle(&core, at);
    (void)step_tick(&core, at + FIXTURE_BEAT);
    effects = settle(&core, at + FIXTURE_BEAT);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_RESIGNED);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.term, 2);
}

/* ---- a claim ------------------------------------------------------------------- */

/* Promoted by hand at T0 + 1000, node 1 is not heard any more; frozen. */
static struct core claiming(int n)
{
    struct core core = fixture_following(n);

    (void)step_see(&core, T0 + 1000, fixture_primary(FIXTURE_SELF));
    (void)step_done(&core, T0 + 1010, core.fence_id, true);
    assert_int_equal(core.state, CORE_CANVASSING);
    assert_int_equal(core.local, CORE_LOCAL_FROZEN);
    return core;
}

/* V1 binds ourselves: our ballot for node 1 may still be counted. */
static void v1_a_claim_waits_for_its_own_promise(void **state)
{
    struct core core = claiming(3);
    int64_t free_at = T0 + 3 + FIXTURE_W;

    (void)state;
    (void)step_tick(&core, free_at - 1);
    assert_int_equal(core.save_id, 0);
    assert_int_not_equal(core.note.phase, CORE_PHASE_CANVASS);
    (void)step_tick(&core, free_at);
    assert_int_equal(core.wanted.duty, CORE_DUTY_CANDIDATE);
    (void)settle(&core, free_at);
    assert_int_equal(core.note.phase, CORE_PHASE_CANVASS);
    /* Its WAL is what it was last seen to be. */
    assert_true(core.note.report.known);
    assert_int_equal(core.note.report.position.pos, 0x1000);
}

static void c7_a_claim_that_wins_leads_at_once(void **state)
{
    struct core core = claiming(3);
    int64_t at = T0 + 3 + FIXTURE_W;
    const struct core_effects *effects;

    (void)state;
    (void)step_tick(&core, at);
    (void)settle(&core, at);
    (void)vote(&core, at, 3);
    assert_int_equal(core.wanted.duty, CORE_DUTY_LEADING);
    assert_true(core.wanted.armed);
    effects = step_done(&core, at, core.save_id, true);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(n_effects(effects, CORE_EFF_PROMOTE), 0);
    assert_int_equal(n_effects(effects, CORE_EFF_THAW), 1);
}

/* What it is worth is its own WAL, not a report that it cannot have. */
static void c7_a_claim_is_outranked_by_who_is_ahead_of_it(void **state)
{
    struct core core = claiming(3);
    struct core_note other = fixture_ask(3);

    (void)state;
    other.phase = CORE_PHASE_CANVASS;
    other.term = 2;
    other.leader_id = 3;
    other.report.position.pos = 0x1000;
    (void)step_hear(&core, T0 + 1100, other);
    assert_int_equal(core.state, CORE_CANVASSING);
    other.report.position.pos = 0x1001;
    (void)step_hear(&core, T0 + 1200, other);
    assert_int_equal(core.state, CORE_RESIGNING);
}

static void l6_a_claim_that_loses_is_ended(void **state)
{
    struct core core = claiming(3);
    int64_t end = T0 + 1000 + 2 * FIXTURE_W;
    const struct core_effects *effects;

    (void)state;
    (void)step_tick(&core, T0 + 3 + FIXTURE_W);
    (void)settle(&core, T0 + 3 + FIXTURE_W);
    (void)step_tick(&core, end - 1);
    assert_int_equal(core.state, CORE_CANVASSING);
    effects = step_tick(&core, end);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
    (void)step_done(&core, end, core.fence_id, true);
    (void)settle(&core, end);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
}

static void l8_a_claim_beside_a_leader_is_ended_at_once(void **state)
{
    struct core core = claiming(3);

    (void)state;
    (void)step_hear(&core, T0 + 1200, fixture_note(1, CORE_PHASE_LEAD, 1, 1));
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.fence_kind, CORE_EFF_KILL);
}

/* Nothing can be ended there: it is not asked for again at once, either. */
static void c7_a_claim_without_fencing_pauses(void **state)
{
    struct core core = fixture_following(3);
    int claims = 0;

    (void)state;
    core.settings.fencing = CORE_FENCING_OFF;
    for (int64_t at = T0 + 100; at < T0 + 60000; at += 100) {
        const struct core_effects *effects =
            step_see(&core, at, fixture_primary(FIXTURE_SELF));

        claims += records(effects, CORE_REC_LOCAL_PROMOTED);
        (void)settle(&core, at);
    }
    assert_true(claims >= 2 && claims <= 6);
    assert_int_equal(core.fence_id, 0);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(c1_above_all_terms_that_were_seen),
        T(c1_written_before_it_is_said),
        T(c2_a_majority_of_ballots),
        T(c2_what_is_no_ballot),
        T(c2_reports_where_commits_are_on_several_nodes),
        T(c2_a_voter_that_is_ahead),
        T(c2_another_candidate_that_is_ahead),
        T(q2_of_two_the_other_is_asked_if_it_is_heard),
        T(c5_a_look_at_the_ballots_once_it_is_written),
        T(c4_given_up_after_half_a_window),
        T(c4_pauses_differ),
        T(c4_given_up_when_it_must_not_lead),
        T(c4_a_victory_too_late_is_resigned),
        T(c4_given_up_while_the_disk_fails),
        T(v1_a_claim_waits_for_its_own_promise),
        T(c7_a_claim_that_wins_leads_at_once),
        T(c7_a_claim_is_outranked_by_who_is_ahead_of_it),
        T(l6_a_claim_that_loses_is_ended),
        T(l8_a_claim_beside_a_leader_is_ended_at_once),
        T(c7_a_claim_without_fencing_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
