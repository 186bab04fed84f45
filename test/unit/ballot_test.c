/* ballot_test.c - rules D1 to D3, L2, V1 and V2: what a voter promises, writes, and
 * grants. */
#include "core/ballot.h"
#include "core_fixture.h"

#define T0 FIXTURE_T0

static struct core_note canvass(int id, int64_t term)
{
    struct core_note note = fixture_ask(id);

    note.phase = CORE_PHASE_CANVASS;
    note.term = term;
    note.leader_id = id;
    return note;
}

/* Node 1 has resigned, own WAL is cut off and reported; time is T0 + 100. It waits for
 * the report of node 1, so that it does not stand itself. */
static struct core ready(int n)
{
    struct core core = fixture_following(n);

    (void)step_hear(&core, T0 + 100, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_see(&core, T0 + 100, fixture_standby(FIXTURE_SELF));
    (void)settle(&core, T0 + 100);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_true(core.report.known && core.durable.revoked);
    assert_int_equal(core.save_id, 0);
    return core;
}

/* Whether `core` writes a promise of `term` to `id`. */
static bool grants(const struct core *core, int id, int64_t term)
{
    return core->save_id != 0 && core->wanted.leader_id == id &&
           core->wanted.term == term && core->wanted.duty == CORE_DUTY_FOLLOWER;
}

/* ---- V1: each condition ------------------------------------------------------- */

static void v1_nothing_in_the_way(void **state)
{
    struct core core = ready(3);
    const struct core_effects *effects = step_hear(&core, T0 + 200, canvass(3, 2));

    (void)state;
    assert_true(grants(&core, 3, 2));
    assert_true(says(effects, CORE_SAY_VOTED));
    (void)settle(&core, T0 + 210);
    assert_int_equal(core.durable.leader_id, 3);
    assert_int_equal(ballot_supports(&core), 3);
}

/* Notes that differ in one thing from the one above. */
static void v1_what_is_no_candidate(void **state)
{
    struct core_note notes[7];

    (void)state;
    for (size_t i = 0; i < N_OF(notes); i++)
        notes[i] = canvass(3, 2);
    notes[0].term = 1; /* not above our promise */
    notes[1].voiceless = true;
    notes[2].members_version = 0;
    notes[3].phase = CORE_PHASE_PROMOTE; /* it has won already, or it lies */
    notes[4].phase = CORE_PHASE_ASK;
    notes[5].report.known = false;
    notes[6].report.position.pos--; /* behind us */
    for (size_t i = 0; i < N_OF(notes); i++) {
        struct core core = ready(3);

        (void)step_hear(&core, T0 + 200, notes[i]);
        if (grants(&core, 3, notes[i].term))
            fail_msg("note %zu was granted", i);
    }
}

static void v1_a_candidate_that_is_not_seen_to_advance(void **state)
{
    struct core core = ready(3);
    struct core_note note = canvass(3, 2);

    (void)state;
    note.stamp = (struct core_stamp){7, 5};
    (void)step_read(&core, T0 + 200, 3, note);
    (void)step_read(&core, T0 + 300, 3, note);
    assert_int_equal(core.save_id, 0);
    /* And one that did, once. */
    (void)step_hear(&core, T0 + 400, fixture_ask(3));
    core.save_id = 999; /* nothing can be written just then */
    (void)step_hear(&core, T0 + 400, canvass(3, 2));
    (void)step_done(&core, T0 + 400 + FIXTURE_SIGN + 1, 999, true);
    assert_int_equal(core.save_id, 0);
}

static void v1_a_promise_that_is_not_over(void **state)
{
    struct core core = fixture_following(3);
    int64_t free_at = T0 + 3 + FIXTURE_W;

    (void)state;
    core.settings.witness = true; /* no WAL to be considered */
    (void)step_hear(&core, free_at - 1, canvass(3, 2));
    assert_int_equal(core.save_id, 0);
    (void)step_tick(&core, free_at);
    assert_true(grants(&core, 3, 2));
}

static void v1_a_leader_that_shows_itself(void **state)
{
    (void)state;
    for (int phase = CORE_PHASE_LEAD; phase <= CORE_PHASE_RENEW; phase++) {
        struct core core = ready(4);

        core.settings.witness = true;
        /* It leads no later term than we have promised: not adopted, but there. */
        (void)step_hear(&core, T0 + 200, fixture_note(4, (enum core_phase)phase, 1, 4));
        (void)settle(&core, T0 + 200);
        (void)step_hear(&core, T0 + 200, canvass(3, 2));
        assert_false(grants(&core, 3, 2));
    }
}

/* on_daemon_loss: its daemon is silent, its PostgreSQL answers as the primary. */
static void v1_a_leader_whose_postgresql_answers(void **state)
{
    struct core core = fixture_following(3);
    int64_t at = T0 + 3 + FIXTURE_W;

    (void)state;
    core.settings.witness = true;
    (void)step_see(&core, at, fixture_primary(1));
    (void)step_hear(&core, at, canvass(3, 2));
    assert_int_equal(core.save_id, 0);
    /* Not when it has resigned: then it is on its way out. */
    (void)step_read(&core, at, 3, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_hear(&core, at + 10, canvass(3, 2));
    assert_false(grants(&core, 3, 2)); /* but it is waited for until it is */
    (void)step_see(&core, at + 20, fixture_failed(1, REACH_REFUSED));
    (void)step_hear(&core, at + 20, canvass(3, 2));
    assert_true(grants(&core, 3, 2));
}

static void v1_what_own_wal_allows(void **state)
{
    struct core core = ready(3);
    struct core_note behind = canvass(3, 2);

    (void)state;
    behind.report.term = 0;
    core.report.known = false; /* not established: no vote */
    core.revoke_id = 77;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    assert_int_equal(core.save_id, 0);
    core.settings.witness = true; /* no WAL */
    (void)step_hear(&core, T0 + 210, behind);
    assert_true(grants(&core, 3, 2));

    core = ready(3); /* gone: it cannot lead, and holds nobody up */
    (void)step_local(&core, T0 + 150, CORE_LOCAL_GONE, false);
    (void)step_hear(&core, T0 + 200, behind);
    assert_true(grants(&core, 3, 2));
    core = ready(3);
    (void)step_local(&core, T0 + 150, CORE_LOCAL_DEAD, false); /* not proved */
    (void)step_hear(&core, T0 + 200, behind);
    assert_false(grants(&core, 3, 2));
}

/* C3: who may not lead waives its lead in the WAL, after a while; not where commits
 * were promised to be on two nodes. */
static void c3_who_may_not_lead_waives(void **state)
{
    struct core core;
    struct core_note behind = canvass(3, 2);
    int64_t late = T0 + 100 + FIXTURE_W / 2;

    (void)state;
    behind.report.position.pos--;
    for (int i = 0; i < 4; i++) {
        core = ready(3);
        if (i == 0)
            core.settings.failover = CORE_FAILOVER_MANUAL;
        if (i == 1 || i == 2)
            fixture_member(&core, FIXTURE_SELF)->priority = 0;
        if (i == 2)
            core.durable.copies = core.wanted.copies = 1;
        if (i == 3) /* it may lead: it would stand itself */
            core.canvass_after.ms = late + 1000;
        (void)step_hear(&core, late - 1, behind);
        assert_false(grants(&core, 3, 2));
        (void)step_hear(&core, late, behind);
        assert_int_equal(grants(&core, 3, 2), i < 2);
    }
}

/* Its ballot would not count; what it is for is the report. */
static void m2_who_has_no_vote_grants_nothing(void **state)
{
    struct core core = ready(3);

    (void)state;
    assert_int_equal(core.durable.copies, 0);
    fixture_member(&core, FIXTURE_SELF)->voting = false;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    assert_false(grants(&core, 3, 2));
    (void)settle(&core, T0 + 200);
    assert_int_equal(core.durable.leader_id, 1);
    /* Nor does it change its mind later; it follows who wins. */
    (void)step_hear(&core, T0 + 300, canvass(3, 2));
    (void)settle(&core, T0 + 300);
    assert_int_equal(core.durable.leader_id, 1);
    (void)step_hear(&core, T0 + 400, fixture_note(3, CORE_PHASE_LEAD, 2, 3));
    assert_int_equal(core.wanted.leader_id, 3);

    core = ready(3);
    fixture_view(&core, 1)->seen = fixture_failed(1, REACH_REFUSED);
    core.canvass_after.ms = T0 + 1000; /* it does not stand itself */
    core.durable.copies = core.wanted.copies = 1;
    fixture_member(&core, FIXTURE_SELF)->voting = false;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    (void)settle(&core, T0 + 200);
    assert_int_equal(core.durable.leader_id, 3);
}

static void d3_who_has_no_state_file_votes_for_nobody(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable none = {0};
    struct core core;

    (void)state;
    settings.witness = true;
    core_init(&core, &settings);
    (void)step_start(&core, T0, none);
    (void)step_members(&core, T0, 3);
    (void)step_hear(&core, T0 + 9000, canvass(3, 2));
    assert_int_equal(core.save_id, 0);
    /* With one it votes, but not before it knows of a regime: a primary that nobody
     * has supported yet is not fenced. */
    none.incarnation = 1;
    core_init(&core, &settings);
    (void)step_start(&core, T0, none);
    (void)step_members(&core, T0, 3);
    (void)step_hear(&core, T0 + 9000, canvass(3, 2));
    assert_int_equal(core.wanted.term, 0);
}

static void v1_of_two_candidates_the_further_one(void **state)
{
    struct core core = ready(5);
    struct core_note far = canvass(5, 2);

    (void)state;
    core.save_id = 999; /* both come before anything can be written */
    far.report.position.pos++;
    (void)step_hear(&core, T0 + 200, canvass(4, 2));
    (void)step_hear(&core, T0 + 200, canvass(3, 9)); /* the number means nothing */
    (void)step_hear(&core, T0 + 200, far);
    (void)step_done(&core, T0 + 210, 999, true);
    assert_true(grants(&core, 5, 2));
    /* Equal: the same one on every voter. */
    core = ready(5);
    core.save_id = 999;
    (void)step_hear(&core, T0 + 200, canvass(4, 2));
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    (void)step_done(&core, T0 + 210, 999, true);
    assert_true(grants(&core, 3, 2));
}

/* ---- D1: one number, one node --------------------------------------------------- */

static void d1_one_number_is_never_promised_twice(void **state)
{
    struct core core = ready(5);
    int64_t free_at = T0 + 220 + FIXTURE_W;

    (void)state;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    (void)settle(&core, T0 + 210);
    assert_int_equal(core_post(&core, (struct mono){T0 + 220}).phase, CORE_PHASE_VOTE);
    (void)step_hear(&core, free_at, canvass(4, 2)); /* free, and still not */
    assert_false(grants(&core, 4, 2));
    (void)step_hear(&core, free_at - 1, canvass(4, 3));
    assert_true(core.now.ms == free_at);
    assert_true(grants(&core, 4, 3));
}

static void d1_a_vote_binds_as_long_as_any_promise(void **state)
{
    struct core core = ready(5);
    int64_t free_at = T0 + 220 + FIXTURE_W;

    (void)state;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    (void)settle(&core, T0 + 210);
    (void)core_post(&core, (struct mono){T0 + 220});
    (void)step_hear(&core, free_at - 1, canvass(4, 3));
    assert_int_equal(core.save_id, 0);
    (void)step_tick(&core, free_at);
    assert_true(grants(&core, 4, 3));
    /* Sooner when that one gave its canvass up. */
    core = ready(5);
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    (void)settle(&core, T0 + 210);
    (void)core_post(&core, (struct mono){T0 + 220});
    (void)step_hear(&core, T0 + 300, fixture_note(3, CORE_PHASE_RESIGNED, 2, 0));
    (void)step_hear(&core, T0 + 300, canvass(4, 3));
    assert_true(grants(&core, 4, 3));
}

/* It may be on disk or not: nobody else gets that number, nothing is said, and the same
 * is written until it is. */
static void d1_nor_after_a_write_that_failed(void **state)
{
    struct core core = ready(5);
    int64_t at = T0 + 210;

    (void)state;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    for (int i = 0; i < 5; i++) {
        (void)step_done(&core, at, core.save_id, false);
        assert_int_equal(core_deadline(&core).ms <= at + FIXTURE_BEAT, 1);
        (void)step_hear(&core, at, fixture_note(3, CORE_PHASE_ASK, 2, 0));
        (void)step_hear(&core, at, canvass(4, 2 + i));
        assert_int_equal(core.save_id, 0);
        assert_int_equal(ballot_supports(&core), 0);
        at += FIXTURE_BEAT;
        (void)step_tick(&core, at);
        assert_true(grants(&core, 3, 2));
    }
    (void)step_done(&core, at, core.save_id, true);
    assert_int_equal(core.durable.leader_id, 3);
    assert_true(grants(&core, 4, 6));
}

static void d1_one_write_at_a_time(void **state)
{
    struct core core = ready(5);
    uint32_t id;

    (void)state;
    (void)step_hear(&core, T0 + 200, canvass(3, 2));
    id = core.save_id;
    assert_int_equal(
        n_effects(step_hear(&core, T0 + 210, canvass(4, 3)), CORE_EFF_SAVE), 0);
    (void)step_done(&core, T0 + 220, id + 1000, true); /* somebody else's */
    assert_int_equal(core.save_id, id);
    (void)step_done(&core, T0 + 230, id, true);
    assert_int_equal(core.durable.leader_id, 3);
}

static void d1_what_else_is_kept(void **state)
{
    struct core core = fixture_following(3);
    struct core_observation primary = fixture_primary(1);

    (void)state;
    primary.copies = 1; /* k of C2 */
    (void)step_see(&core, T0 + 100, primary);
    assert_int_equal(core.wanted.copies, 1);
    (void)settle(&core, T0 + 100);
    /* It dies: what it promised last counts. */
    (void)step_see(&core, T0 + 5000, fixture_failed(1, REACH_REFUSED));
    assert_int_equal(core.durable.copies, 1);
    assert_int_equal(core.save_id, 0);
}

/* It was told whom to follow, but that PostgreSQL never answered: a commit may have had
 * to wait for another node. */
static void d1_copies_are_unknown_until_a_primary_was_asked(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable fresh = {.incarnation = 1, .copies = CORE_COPIES_UNKNOWN};
    struct core core;

    (void)state;
    core_init(&core, &settings);
    (void)step_start(&core, T0, fresh);
    (void)step_members(&core, T0, 3);
    (void)step_see(&core, T0, fixture_standby(FIXTURE_SELF));
    for (int64_t ms = 500; ms <= 501; ms++) {
        struct core_note note = fixture_note(1, CORE_PHASE_LEAD, 1, 1);

        note.stamp = (struct core_stamp){8, ms};
        (void)step_read(&core, T0 + ms, 3, note);
    }
    (void)settle(&core, T0 + 510);
    assert_int_equal(core.durable.leader_id, 1);
    assert_int_equal(core.durable.copies, CORE_COPIES_UNKNOWN);
    (void)step_see(&core, T0 + 600, fixture_primary(1));
    (void)settle(&core, T0 + 600);
    assert_int_equal(core.durable.copies, 0);
}

/* ---- D2: a restart -----------------------------------------------------------------
 */

static struct core restarted(struct core_durable durable)
{
    struct core_settings settings = fixture_settings();
    struct core core;

    settings.witness = true;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    (void)step_see(&core, T0, fixture_failed(1, REACH_REFUSED));
    return core;
}

static void d2_the_promise_is_renewed_with_the_window_stored(void **state)
{
    static const int64_t stored[] = {0, 4000, FIXTURE_W, 10000};

    (void)state;
    for (size_t i = 0; i < N_OF(stored); i++) {
        struct core_durable durable = fixture_follower();
        int64_t binds_ms = stored[i] > FIXTURE_W ? stored[i] : FIXTURE_W;
        struct core core;

        durable.window_ms = stored[i];
        core = restarted(durable);
        (void)settle(&core, T0);
        (void)step_hear(&core, T0 + binds_ms - 1, canvass(3, 2));
        assert_int_equal(core.save_id, 0);
        (void)step_tick(&core, T0 + binds_ms);
        assert_true(grants(&core, 3, 2));
    }
}

static void d2_a_resignation_frees_it_all_the_same(void **state)
{
    struct core core = restarted(fixture_follower());

    (void)state;
    /* At first sight: it is durable and final. */
    (void)step_read(&core, T0 + 10, 3, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)step_hear(&core, T0 + 20, canvass(3, 2));
    assert_true(grants(&core, 3, 2));
}

static void d2_a_vote_is_remembered(void **state)
{
    struct core_durable durable = fixture_follower();
    struct core core;

    (void)state;
    durable.term = 2;
    durable.leader_id = 3;
    core = restarted(durable);
    (void)step_hear(&core, T0 + 9 * FIXTURE_W, canvass(1, 2));
    assert_int_equal(core.save_id, 0);
    (void)step_hear(&core, T0 + 9 * FIXTURE_W, canvass(3, 2));
    assert_int_equal(ballot_supports(&core), 3); /* once more, for the same */
}

/* ---- L2, L8, L9: leaders
 * ------------------------------------------------------------- */

static void l2_evidence_is_the_leaders_own_note(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    assert_true(ballot_has_evidence(&core));
    core.now.ms = T0 + 2 + FIXTURE_SIGN;
    assert_true(ballot_has_evidence(&core));
    core.now.ms += 1;
    assert_false(ballot_has_evidence(&core));
    /* That its PostgreSQL answers is none ... */
    fixture_see(&core, fixture_primary(1));
    assert_false(ballot_has_evidence(&core));
    /* ... but with on_daemon_loss = keep. */
    core.settings.keep_on_daemon_loss = true;
    assert_true(ballot_has_evidence(&core));
    fixture_see(&core, fixture_standby(1));
    assert_false(ballot_has_evidence(&core));
    fixture_see(&core, fixture_primary(1));
    fixture_hear(&core, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    assert_false(ballot_has_evidence(&core));
}

static void l2_a_note_of_a_lower_term_is_no_evidence(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    core.durable.term = 2;
    assert_false(ballot_has_evidence(&core));
    fixture_hear(&core, fixture_note(1, CORE_PHASE_LEAD, 3, 1));
    assert_true(ballot_has_evidence(&core));
    fixture_hear(&core, fixture_note(1, CORE_PHASE_ASK, 3, 0));
    assert_false(ballot_has_evidence(&core));
}

static void l8_who_leads_a_later_term_is_adopted(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    /* Though our promise to node 1 is not over: node 3 has won without us. */
    (void)step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_LEAD, 2, 3));
    assert_true(grants(&core, 3, 2));
    assert_int_equal(ballot_supports(&core), 0); /* neither, while it is written */
    (void)settle(&core, T0 + 110);
    assert_int_equal(ballot_supports(&core), 3);
    /* The former one cannot come back. */
    (void)step_hear(&core, T0 + 200, fixture_note(1, CORE_PHASE_LEAD, 1, 1));
    assert_int_equal(core.durable.leader_id, 3);
}

static void l8_only_on_lead(void **state)
{
    static const enum core_phase others[] = {CORE_PHASE_RENEW, CORE_PHASE_PROMOTE,
                                             CORE_PHASE_CANVASS, CORE_PHASE_FOLLOW};

    (void)state;
    for (size_t i = 0; i < N_OF(others); i++) {
        struct core core = fixture_following(3);

        (void)step_hear(&core, T0 + 100, fixture_note(3, others[i], 2, 3));
        assert_false(grants(&core, 3, 2));
    }
}

static void l9_our_leaders_renewal_is_granted_at_once(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(1, CORE_PHASE_RENEW, 5, 1));
    assert_true(grants(&core, 1, 5));
    assert_int_equal(ballot_supports(&core), 1); /* the old one goes on meanwhile */
    (void)settle(&core, T0 + 110);
    assert_int_equal(core.durable.term, 5);
    assert_int_equal(core.note.phase, CORE_PHASE_FOLLOW);
    assert_int_equal(core.note.term, 5);
    assert_int_equal(core.promise_until.ms, T0 + 3 + FIXTURE_W); /* not shortened */
}

static void l9_anothers_renewal_binds_as_any_candidate(void **state)
{
    struct core core = fixture_following(3);
    int64_t free_at = T0 + 3 + FIXTURE_W;

    (void)state;
    (void)step_hear(&core, free_at - 1, fixture_note(3, CORE_PHASE_RENEW, 5, 3));
    assert_int_equal(core.save_id, 0);
    (void)step_tick(&core, free_at);
    assert_true(grants(&core, 3, 5));
}

/* ---- V2: cut off first
 * ------------------------------------------------------------------ */

static void v2_written_before_it_is_done(void **state)
{
    struct core core = fixture_following(3);
    const struct core_effects *effects;

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    effects = step_see(&core, T0 + 100, fixture_standby(FIXTURE_SELF));
    assert_true(core.wanted.revoked);
    assert_int_equal(n_effects(effects, CORE_EFF_REVOKE), 0);
    (void)step_done(&core, T0 + 110, core.save_id, false);
    assert_int_equal(core.revoke_id, 0);
    (void)step_tick(&core, T0 + 110 + FIXTURE_BEAT);
    effects = step_done(&core, T0 + 420, core.save_id, true);
    assert_int_equal(n_effects(effects, CORE_EFF_REVOKE), 1);
    assert_false(core.report.known);
    /* It waits for a reader, fails, and is tried again. */
    (void)step_done(&core, T0 + 500, core.revoke_id, false);
    assert_int_equal(core.revoke_id, 0);
    assert_false(core.report.known);
    effects = step_tick(&core, T0 + 500 + FIXTURE_BEAT);
    assert_int_equal(n_effects(effects, CORE_EFF_REVOKE), 1);
    (void)step_done(&core, T0 + 900, core.revoke_id, true);
    assert_true(core.report.known);
}

/* A standby that is cut off without need loses what it could have received. */
static void v2_only_when_it_is_called_for(void **state)
{
    struct core core = fixture_following(3);
    int64_t at = T0 + 3 + FIXTURE_W;

    (void)state;
    for (int64_t t = T0 + 500; t < at; t += 500)
        (void)step_see(&core, t, fixture_failed(1, REACH_REFUSED));
    /* ELECTING since long, but bound, and alone. */
    (void)step_see(&core, at - 1, fixture_standby(FIXTURE_SELF));
    assert_false(core.wanted.revoked);
    (void)step_see(&core, at + 500, fixture_standby(FIXTURE_SELF));
    assert_int_equal(core.state, CORE_ELECTING);
    assert_true(ballot_is_free(&core));
    assert_false(core.wanted.revoked); /* 1 of 3 supports nobody */
    (void)step_hear(&core, at + 600, fixture_note(3, CORE_PHASE_FOLLOW, 1, 1));
    assert_false(core.wanted.revoked); /* node 3 hears node 1 */
    (void)step_hear(&core, at + 700, fixture_ask(3));
    assert_true(core.wanted.revoked);
}

static void v2_a_follow_ends_it_and_nothing_else(void **state)
{
    struct core core = ready(3);
    struct core_durable durable;

    (void)state;
    /* A restart finds it cut off, and looks for a leader first. */
    durable = core.durable;
    {
        struct core_settings settings = fixture_settings();

        core_init(&core, &settings);
        (void)step_start(&core, T0, durable);
        (void)step_members(&core, T0, 3);
        (void)step_see(&core, T0, fixture_standby(FIXTURE_SELF));
        (void)step_hear(&core, T0, fixture_note(1, CORE_PHASE_LEAD, 3, 1));
        (void)settle(&core, T0);
    }
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_int_equal(core.action_node_id, 1);
    assert_true(core.durable.revoked);
    (void)step_done(&core, T0 + 100, core.action_id, false);
    (void)settle(&core, T0 + 100);
    assert_true(core.durable.revoked);
    (void)step_hear(&core, T0 + 3000, fixture_note(1, CORE_PHASE_LEAD, 3, 1));
    assert_int_equal(core.state, CORE_FOLLOWING);
    (void)step_done(&core, T0 + 3100, core.action_id, true);
    (void)settle(&core, T0 + 3100);
    assert_int_equal(core.state, CORE_STANDBY);
    assert_false(core.durable.revoked);
}

static void v2_a_follow_makes_the_report_worthless(void **state)
{
    struct core core = ready(3);

    (void)state;
    (void)step_hear(&core, T0 + 200, fixture_note(3, CORE_PHASE_LEAD, 2, 3));
    (void)settle(&core, T0 + 210);
    (void)step_tick(&core, T0 + 220);
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_false(core.report.known);
    assert_false(core.note.report.known);
}

/* ---- reports
 * ------------------------------------------------------------------------------ */

static void p4_reports_compared(void **state)
{
    struct core_report none = {0}, low = {.known = true, .term = 1}, far = low,
                       late = low;

    (void)state;
    low.position.pos = 0x1000;
    far.position.pos = 0x1001;
    late.position.pos = 0x10;
    late.term = 2;
    assert_int_equal(ballot_report_cmp(&low, &low), 0);
    assert_true(ballot_report_cmp(&low, &far) < 0);
    assert_true(ballot_report_cmp(&far, &low) > 0);
    assert_true(ballot_report_cmp(&far, &late) < 0); /* P4.1 before P4.2 */
    assert_true(ballot_report_cmp(&none, &low) < 0); /* unknown is behind all */
    assert_true(ballot_report_cmp(&low, &none) > 0);
    assert_int_equal(ballot_report_cmp(&none, &none), 0);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(v1_nothing_in_the_way),
        T(v1_what_is_no_candidate),
        T(v1_a_candidate_that_is_not_seen_to_advance),
        T(v1_a_promise_that_is_not_over),
        T(v1_a_leader_that_shows_itself),
        T(v1_a_leader_whose_postgresql_answers),
        T(v1_what_own_wal_allows),
        T(c3_who_may_not_lead_waives),
        T(m2_who_has_no_vote_grants_nothing),
        T(d3_who_has_no_state_file_votes_for_nobody),
        T(v1_of_two_candidates_the_further_one),
        T(d1_one_number_is_never_promised_twice),
        T(d1_a_vote_binds_as_long_as_any_promise),
        T(d1_nor_after_a_write_that_failed),
        T(d1_one_write_at_a_time),
        T(d1_what_else_is_kept),
        T(d1_copies_are_unknown_until_a_primary_was_asked),
        T(d2_the_promise_is_renewed_with_the_window_stored),
        T(d2_a_resignation_frees_it_all_the_same),
        T(d2_a_vote_is_remembered),
        T(l2_evidence_is_the_leaders_own_note),
        T(l2_a_note_of_a_lower_term_is_no_evidence),
        T(l8_who_leads_a_later_term_is_adopted),
        T(l8_only_on_lead),
        T(l9_our_leaders_renewal_is_granted_at_once),
        T(l9_anothers_renewal_binds_as_any_candidate),
        T(v2_written_before_it_is_done),
        T(v2_only_when_it_is_called_for),
        T(v2_a_follow_ends_it_and_nothing_else),
        T(v2_a_follow_makes_the_report_worthless),
        T(p4_reports_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
