/* board_test.c - rules N2 to N5: which notes count, and for what. */
#include "core/board.h"
#include "core/quorum.h"
#include "core_fixture.h"

#define NOW 100000

/* `note` of `boot` and `ms` lies on the board of `board_id`. */
static void
lies(struct core *core, int board_id, struct core_note note, uint32_t boot, int64_t ms)
{
    note.stamp = (struct core_stamp){boot, ms};
    board_take(core, board_id, &note, 1);
}

static struct core_note lead(int64_t term)
{
    return fixture_note(1, CORE_PHASE_LEAD, term, 1);
}

static bool is_fresh(const struct core *core, int id)
{
    return board_is_fresh(core, board_peer(core, id));
}

static bool shows_sign(const struct core *core, int id)
{
    return board_shows_sign(core, board_peer(core, id));
}

/* ---- N5: only what is seen to advance ---------------------------------------------
 */

static void n5_a_note_that_lingers_is_never_fresh(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    for (int i = 0; i < 20; i++) {
        lies(&core, 1, lead(1), 8, 500);
        lies(&core, 3, lead(1), 8, 500);
        core.now.ms += FIXTURE_BEAT;
        assert_false(is_fresh(&core, 1));
        assert_false(shows_sign(&core, 1));
        assert_null(board_leader(&core, 0));
    }
}

static void n5_one_that_advances_is_for_a_while(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    lies(&core, 1, lead(1), 8, 500);
    core.now.ms = NOW + 50;
    lies(&core, 1, lead(1), 8, 501);
    assert_true(is_fresh(&core, 1) && shows_sign(&core, 1));
    assert_int_equal(board_leader(&core, 0)->id, 1);
    core.now.ms = NOW + 50 + FIXTURE_SIGN;
    lies(&core, 1, lead(1), 8, 501); /* it is dead */
    assert_true(is_fresh(&core, 1) && shows_sign(&core, 1));
    core.now.ms += 1;
    assert_false(is_fresh(&core, 1) || shows_sign(&core, 1));
    assert_null(board_leader(&core, 0));
}

/* Two sessions of a dead daemon, on one board or on two, look like an advance. */
static void n5_two_that_linger_do_not_advance(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    for (int i = 0; i < 20; i++) {
        lies(&core, 1, lead(1), 8, 500);
        lies(&core, 2, lead(1), 8, 600); /* that board is read for the first time */
        lies(&core, 3, lead(1), 8, 700);
        core.now.ms += 50;
        assert_false(is_fresh(&core, 1) || shows_sign(&core, 1));
    }
    lies(&core, 3, lead(1), 8, 701); /* it lives after all */
    assert_true(is_fresh(&core, 1) && shows_sign(&core, 1));
}

static void n5_wherever_it_lies(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    lies(&core, 2, lead(1), 8, 500);
    lies(&core, 3, lead(1), 8, 400); /* an older one is passed over */
    assert_int_equal(board_peer(&core, 1)->note.stamp.ms, 500);
    lies(&core, 3, lead(1), 8, 501);
    assert_true(is_fresh(&core, 1));
    core.now.ms += FIXTURE_SIGN;
    lies(&core, 2, lead(1), 8, 501); /* known already */
    core.now.ms += 1;
    assert_false(is_fresh(&core, 1));
}

/* N2: the newest of one node counts, how many there are means nothing. */
static void n2_the_newest_counts(void **state)
{
    struct core core = fixture_core(3);
    struct core_note notes[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        notes[i] = fixture_note(1, CORE_PHASE_LEAD, 1, 1);
        notes[i].stamp = (struct core_stamp){8, 500 - i};
    }
    notes[1].phase = CORE_PHASE_ASK;
    board_take(&core, 3, notes, 3);
    assert_int_equal(board_peer(&core, 1)->note.phase, CORE_PHASE_LEAD);
    assert_int_equal(board_peer(&core, 1)->note.stamp.ms, 500);
    assert_false(is_fresh(&core, 1));
}

static void n2_strangers_and_ourselves_are_passed_over(void **state)
{
    struct core core = fixture_core(3), before = core;
    struct core_note stranger = fixture_note(9, CORE_PHASE_LEAD, 7, 9);

    (void)state;
    board_take(&core, 1, NULL, 0); /* that board was not read */
    lies(&core, 9, lead(1), 8, 500);
    assert_memory_equal(&core, &before, sizeof core);
    lies(&core, 1, stranger, 8, 500);
    lies(&core, 1, stranger, 8, 501);
    assert_null(board_leader(&core, 0));
    assert_int_equal(core.top_term, 0);
    lies(&core, 1, fixture_note(FIXTURE_SELF, CORE_PHASE_LEAD, 9, FIXTURE_SELF), 8, 1);
    assert_null(board_leader(&core, 0));
    assert_int_equal(core.top_term, 0);
}

/* ---- boots and incarnations --------------------------------------------------------
 */

/* The host of node 1 was reset: stamps begin anew, the notes of before linger. */
static void n4_another_boot_counts_once_it_advances(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    fixture_hear(&core, lead(1)); /* boot 101 */
    lies(&core, 1, lead(2), 7, 10);
    assert_int_equal(board_peer(&core, 1)->note.term, 1);
    lies(&core, 1, lead(2), 7, 10);
    assert_int_equal(board_peer(&core, 1)->note.term, 1);
    lies(&core, 1, lead(2), 7, 11);
    assert_int_equal(board_peer(&core, 1)->note.term, 2);
    assert_true(is_fresh(&core, 1));
}

/* On a board each, read one after the other: the living one finds its place. */
static void n5_notes_of_two_former_boots_hide_nothing(void **state)
{
    struct core core = fixture_core(3);
    int64_t ms = 10;

    (void)state;
    fixture_hear(&core, lead(1));
    for (int i = 0; i < 20; i++) {
        lies(&core, 1, lead(1), 7, 5000);
        core.now.ms += FIXTURE_BEAT / 3;
        lies(&core, 2, lead(1), 6, 4000);
        core.now.ms += FIXTURE_BEAT / 3;
        lies(&core, 3, lead(2), 5, ms++);
        core.now.ms += FIXTURE_BEAT / 3;
    }
    assert_int_equal(board_peer(&core, 1)->note.term, 2);
    assert_true(is_fresh(&core, 1));
}

static void d3_a_later_incarnation_replaces_an_earlier_one(void **state)
{
    struct core core = fixture_core(3);
    struct core_note note = lead(1);

    (void)state;
    fixture_hear(&core, note);
    note = fixture_note(1, CORE_PHASE_ASK, 0, 0);
    note.incarnation = 2;
    lies(&core, 1, note, 7, 10);
    assert_int_equal(board_peer(&core, 1)->note.incarnation, 2);
    assert_false(is_fresh(&core, 1) || shows_sign(&core, 1));
    lies(&core, 1, note, 7, 11);
    assert_true(is_fresh(&core, 1));
    /* What the former one wrote means nothing any more. */
    note.incarnation = 1;
    note.phase = CORE_PHASE_LEAD;
    lies(&core, 1, note, 7, 12);
    assert_int_equal(board_peer(&core, 1)->note.incarnation, 2);
    assert_false(shows_sign(&core, 1));
}

/* A cloned host: another daemon writes in our name. */
static void d3_a_twin_is_noticed_when_it_lives(void **state)
{
    struct core core = fixture_core(3);
    struct core_note twin = fixture_note(FIXTURE_SELF, CORE_PHASE_ASK, 1, 0);

    (void)state;
    (void)core_post(&core, (struct mono){NOW + 10});
    lies(&core, 1, twin, FIXTURE_BOOT, NOW + 10); /* that is ours */
    lies(&core, 1, twin, FIXTURE_BOOT, NOW + 5);  /* so is an older one */
    lies(&core, 1, twin, 9, 700);                 /* of a former run */
    lies(&core, 1, twin, 9, 700);
    assert_int_equal(core.twin_at.ms, 0);
    lies(&core, 1, twin, 9, 701);
    assert_int_equal(core.twin_at.ms, NOW + 10);
    assert_true(says(step_tick(&core, NOW + 20), CORE_SAY_TWIN));
    assert_false(says(step_tick(&core, NOW + 30), CORE_SAY_TWIN));
}

/* ---- N4: ballots -------------------------------------------------------------------
 */

static int64_t echo_of(const struct core *core, int id)
{
    return board_peer(core, id)->ballot_echo.ms;
}

static void n4_a_ballot_counts_by_what_it_echoes(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    /* At first sight, from wherever: its age is that of what we wrote. */
    lies(&core, 1, fixture_ballot(3, 1, NOW - 100), 8, 500);
    assert_int_equal(echo_of(&core, 3), NOW - 100);
    assert_int_equal(board_peer(&core, 3)->ballot_term, 1);
    /* An older one takes nothing back, nor does a session that is gone. */
    lies(&core, 1, fixture_ballot(3, 1, NOW - 200), 8, 600);
    assert_int_equal(echo_of(&core, 3), NOW - 100);
    lies(&core, 1, fixture_note(3, CORE_PHASE_ASK, 1, 0), 8, 700);
    assert_int_equal(echo_of(&core, 3), NOW - 100);
    lies(&core, 1, fixture_ballot(3, 1, NOW), 8, 800);
    assert_int_equal(echo_of(&core, 3), NOW);
}

static void n4_what_is_no_ballot(void **state)
{
    struct core_note notes[6];
    struct core core = fixture_core(3);

    (void)state;
    for (size_t i = 0; i < N_OF(notes); i++)
        notes[i] = fixture_ballot(3, 1, NOW);
    notes[0].echo.boot++;       /* of another boot */
    notes[1].echo.ms = NOW + 1; /* from the future */
    notes[2].echo.ms = 0;       /* of nothing */
    notes[3].leader_id = 1;     /* for another */
    notes[4].leader_id = 0;
    notes[5].voiceless = true;
    for (size_t i = 0; i < N_OF(notes); i++)
        lies(&core, 1, notes[i], 8, 500 + (int64_t)i);
    assert_int_equal(echo_of(&core, 3), 0);
    assert_int_equal(board_peer(&core, 3)->ballot_term, 0);
}

static void n4_a_ballot_of_a_later_term_replaces(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    lies(&core, 1, fixture_ballot(3, 2, NOW - 50), 8, 500);
    lies(&core, 1, fixture_ballot(3, 3, NOW - 80), 8, 510);
    assert_int_equal(board_peer(&core, 3)->ballot_term, 3);
    assert_int_equal(echo_of(&core, 3), NOW - 80);
    lies(&core, 1, fixture_ballot(3, 2, NOW), 8, 520);
    assert_int_equal(board_peer(&core, 3)->ballot_term, 3);
    assert_int_equal(echo_of(&core, 3), NOW - 80);
}

/* ---- who leads ----------------------------------------------------------------------
 */

static void l8_the_leader_is_the_one_of_the_highest_term(void **state)
{
    struct core core = fixture_core(4);

    (void)state;
    fixture_hear(&core, lead(2));
    fixture_hear(&core, fixture_note(3, CORE_PHASE_LEAD, 3, 3));
    fixture_hear(&core, fixture_note(4, CORE_PHASE_CANVASS, 9, 4));
    assert_int_equal(board_leader(&core, 0)->id, 3);
    assert_int_equal(board_leader(&core, 3)->id, 3);
    assert_null(board_leader(&core, 4));
    fixture_hear(&core, fixture_note(3, CORE_PHASE_FOLLOW, 3, 1));
    assert_int_equal(board_leader(&core, 0)->id, 1);
    fixture_hear(&core, fixture_note(1, CORE_PHASE_RENEW, 5, 1));
    assert_int_equal(board_leader(&core, 0)->id, 1);
}

static void n5_a_resignation_is_believed_at_first_sight(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    fixture_hear(&core, lead(2));
    assert_false(board_is_over(&core, 1, 0)); /* who never resigned anything */
    assert_false(board_is_over(&core, 1, 2));
    /* Of another boot than known, once. */
    lies(&core, 3, fixture_note(1, CORE_PHASE_RESIGNED, 2, 0), 9, 1);
    assert_true(board_is_over(&core, 1, 2));
    assert_true(board_is_over(&core, 1, 1));
    assert_false(board_is_over(&core, 1, 3));
    assert_false(shows_sign(&core, 1)); /* whatever it said before */
    assert_null(board_leader(&core, 0));
    fixture_hear(&core, lead(3)); /* a later term is another matter */
    assert_int_equal(board_leader(&core, 0)->id, 1);
    assert_true(board_is_over(&core, 1, 2));
}

/* Who promised a later term to somebody wrote down that its own is over; who leads, or
 * renews what it leads, did not. */
static void d1_a_term_is_over_for_who_promised_a_later_one(void **state)
{
    static const struct {
        enum core_phase phase;
        bool over;
    } table[] = {
        {CORE_PHASE_LEAD,    false},
        {CORE_PHASE_RENEW,   false},
        {CORE_PHASE_FOLLOW,  true },
        {CORE_PHASE_ASK,     true },
        {CORE_PHASE_CANVASS, true },
        {CORE_PHASE_VOTE,    true },
        {CORE_PHASE_PASS,    true },
    };

    (void)state;
    for (size_t i = 0; i < N_OF(table); i++) {
        struct core core = fixture_core(3);

        fixture_hear(&core, fixture_note(1, table[i].phase, 3, 0));
        assert_int_equal(board_is_over(&core, 1, 2), table[i].over);
        assert_false(board_is_over(&core, 1, 3));
    }
}

static void d1_of_ourselves_the_file_says_it(void **state)
{
    struct core core = fixture_core(3);

    (void)state;
    for (int duty = CORE_DUTY_FOLLOWER; duty <= CORE_DUTY_RESIGNED; duty++) {
        core.durable = fixture_leader();
        core.durable.term = 3;
        core.durable.duty = (enum core_duty)duty;
        assert_int_equal(board_is_over(&core, FIXTURE_SELF, 3),
                         duty == CORE_DUTY_FOLLOWER || duty == CORE_DUTY_RESIGNED);
        assert_true(board_is_over(&core, FIXTURE_SELF, 2));
    }
    core.durable.duty = CORE_DUTY_LEADING;
    core.durable.leader_id = 1;
    assert_true(board_is_over(&core, FIXTURE_SELF, 3));
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(n5_a_note_that_lingers_is_never_fresh),
        T(n5_one_that_advances_is_for_a_while),
        T(n5_two_that_linger_do_not_advance),
        T(n5_wherever_it_lies),
        T(n2_the_newest_counts),
        T(n2_strangers_and_ourselves_are_passed_over),
        T(n4_another_boot_counts_once_it_advances),
        T(n5_notes_of_two_former_boots_hide_nothing),
        T(d3_a_later_incarnation_replaces_an_earlier_one),
        T(d3_a_twin_is_noticed_when_it_lives),
        T(n4_a_ballot_counts_by_what_it_echoes),
        T(n4_what_is_no_ballot),
        T(n4_a_ballot_of_a_later_term_replaces),
        T(l8_the_leader_is_the_one_of_the_highest_term),
        T(n5_a_resignation_is_believed_at_first_sight),
        T(d1_a_term_is_over_for_who_promised_a_later_one),
        T(d1_of_ourselves_the_file_says_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
