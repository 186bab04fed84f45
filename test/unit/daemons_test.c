/* daemons_test.c - who leads with whose support, from notes on several boards. */
#include <stdio.h>
#include <string.h>

#include "daemons.h"
#include "unit.h"

#define WINDOW_MS 3000
#define NOW_MS    50000 /* the leader's newest stamp */

static struct nodeset set;
static struct gathered answers[CORE_MAX_NODES];
static struct daemons daemons;

static struct core_note *post(int board, int node_id, int64_t stamp_ms)
{
    struct core_note *note = &answers[board].notes[answers[board].n_notes++];

    *note = (struct core_note){
        .phase = node_id == 1 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
        .node_id = node_id,
        .term = 7,
        .stamp = {(uint32_t)node_id, stamp_ms},
        .leader_id = 1,
        .echo = {1,                 NOW_MS  },
        .window_ms = WINDOW_MS,
        .incarnation = 1,
    };
    return note;
}

/* node1 leads, node2 and the witness node3 follow; all notes lie on node1's board. */
static int begin(void **state)
{
    (void)state;
    set = (struct nodeset){.n = 3};
    (void)memset(answers, 0, sizeof answers);
    for (int i = 0; i < 3; i++) {
        set.v[i] = (struct node_record){
            .id = i + 1,
            .role = i == 0   ? CORE_ROLE_PRIMARY
                    : i == 1 ? CORE_ROLE_STANDBY
                             : CORE_ROLE_WITNESS,
            .voting = true,
            .active = true,
        };
        (void)snprintf(set.v[i].name, sizeof set.v[i].name, "node%d", i + 1);
        (void)post(0, i + 1, i == 0 ? NOW_MS : 4000);
    }
    return 0;
}

static const char *text(void)
{
    static char buf[DAEMONS_TEXT_SIZE];

    return daemons_text(&daemons, &set, buf);
}

static void all_support_the_leader(void **state)
{
    (void)state;
    answers[0].notes[1].echo.ms = NOW_MS - 120;
    answers[0].notes[2].echo.ms = NOW_MS - 40;
    daemons_read(&daemons, &set, answers);
    assert_string_equal(text(), "leader node1, term 7, supported by 3 of 3 voters "
                                "(ballots 120 ms old at most)");
    assert_int_equal(daemons.needed, 2);
    assert_int_equal(daemons.rows[2].sign, DAEMONS_FRESH);
    assert_int_equal(daemons.rows[2].ballot_ms, 40);
}

/* L1: worth half the shorter of the two windows. */
static void a_ballot_ages_out(void **state)
{
    (void)state;
    answers[0].notes[1].window_ms = 1000;
    answers[0].notes[1].echo.ms = NOW_MS - 500;
    answers[0].notes[2].echo.ms = NOW_MS - 1501;
    daemons_read(&daemons, &set, answers);
    assert_true(daemons.rows[1].supports);
    assert_false(daemons.rows[2].supports);
    assert_int_equal(daemons.rows[2].sign, DAEMONS_FRESH);
    answers[0].notes[1].echo.ms = NOW_MS - 501;
    answers[0].notes[2].echo.ms = NOW_MS - 3001;
    daemons_read(&daemons, &set, answers);
    assert_false(daemons.rows[1].supports);
    assert_int_equal(daemons.rows[2].sign, DAEMONS_OLD);
    assert_string_equal(daemons_phase(&daemons.rows[2]), "silent");
    assert_int_equal(daemons.n_supporting, 1);
}

static void an_echo_of_another_boot_is_none(void **state)
{
    (void)state;
    answers[0].notes[1].echo.boot = 99;
    daemons_read(&daemons, &set, answers);
    assert_false(daemons.rows[1].supports);
    assert_int_equal(daemons.rows[1].sign, DAEMONS_OLD);
}

static void only_voters_with_a_voice_count(void **state)
{
    (void)state;
    set.v[1].voting = false;
    answers[0].notes[2].voiceless = true;
    daemons_read(&daemons, &set, answers);
    assert_int_equal(daemons.n_voters, 2);
    assert_int_equal(daemons.n_supporting, 1);
    assert_int_equal(daemons.needed, 1); /* Q2 */
    assert_string_equal(text(), "leader node1, term 7, supported by 1 of 2 voters");
}

/* The newest note counts, whichever board it lies on; the higher term leads. */
static void boards_are_read_together(void **state)
{
    struct core_note *note;

    (void)state;
    answers[0].notes[2].echo.ms = NOW_MS - 2000;
    (void)post(1, 3, 4100);
    note = post(1, 2, 4100);
    note->phase = CORE_PHASE_RENEW;
    note->term = 9;
    note->leader_id = 2;
    daemons_read(&daemons, &set, answers);
    assert_int_equal(daemons.leader, 1);
    assert_int_equal(daemons.term, 9);
    assert_false(daemons.rows[0].supports);
    note->phase = CORE_PHASE_CANVASS;
    daemons_read(&daemons, &set, answers);
    assert_int_equal(daemons.leader, 0);
    assert_true(daemons.rows[2].supports);
    assert_int_equal(daemons.n_supporting, 2);
}

static void without_a_leader_all_are_listed(void **state)
{
    (void)state;
    answers[0].notes[0].phase = CORE_PHASE_RESIGNED;
    answers[0].notes[1].phase = CORE_PHASE_ASK;
    answers[0].notes[1].term = 0;
    answers[0].n_notes = 2;
    daemons_read(&daemons, &set, answers);
    assert_int_equal(daemons.leader, -1);
    assert_int_equal(daemons.rows[0].sign, DAEMONS_UNSURE);
    assert_int_equal(daemons.rows[2].sign, DAEMONS_UNSEEN);
    assert_string_equal(text(), "no leader; daemons: node1 resigned (term 7), node2 "
                                "ask, node3 not seen");
}

static void no_notes_at_all(void **state)
{
    (void)state;
    answers[0].n_notes = 0;
    daemons_read(&daemons, &set, answers);
    assert_false(daemons.any);
    assert_int_equal(daemons.n_supporting, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_support_the_leader, begin),
        cmocka_unit_test_setup(a_ballot_ages_out, begin),
        cmocka_unit_test_setup(an_echo_of_another_boot_is_none, begin),
        cmocka_unit_test_setup(only_voters_with_a_voice_count, begin),
        cmocka_unit_test_setup(boards_are_read_together, begin),
        cmocka_unit_test_setup(without_a_leader_all_are_listed, begin),
        cmocka_unit_test_setup(no_notes_at_all, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
