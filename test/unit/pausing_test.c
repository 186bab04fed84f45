/* pausing_test.c - rule M3 as the CLI judges it: is a pause in force, is it over. */
#include <stdio.h>
#include <string.h>

#include "pausing.h"
#include "unit.h"

#define VERSION 4097

static struct nodeset set;
static struct gathered answers[CORE_MAX_NODES];
static struct pausing pausing;

/* Three voters that granted it; node1 leads and relies on it. Notes on its board. */
static int begin(void **state)
{
    (void)state;
    set = (struct nodeset){.n = 3};
    (void)memset(answers, 0, sizeof answers);
    answers[0].n_notes = 3;
    for (int i = 0; i < 3; i++) {
        set.v[i] = (struct node_record){.id = i + 1, .voting = true};
        (void)snprintf(set.v[i].name, sizeof set.v[i].name, "node%d", i + 1);
        answers[0].notes[i] = (struct core_note){
            .phase = i == 0 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
            .node_id = i + 1,
            .leader_id = 1,
            .term = 1,
            .stamp = {1, 5000},
            .echo = {1, 5000},
            .window_ms = 10000,
            .pause_version = VERSION,
            .paused = true,
            .relies = i == 0,
            .incarnation = 1,
        };
    }
    return 0;
}

static bool in_force(void)
{
    pausing_judge(&pausing, &set, answers, VERSION);
    return pausing_is_in_force(&pausing, VERSION);
}

static bool ended(void)
{
    pausing_judge(&pausing, &set, answers, VERSION + 1);
    return pausing_is_ended(&pausing, VERSION + 1);
}

static void m3_in_force_with_a_majority(void **state)
{
    (void)state;
    assert_true(in_force());
    assert_int_equal(pausing.n_granted, 3);
    answers[0].notes[2].paused = false;
    assert_true(in_force());
    answers[0].notes[1].pause_version = VERSION - 1;
    assert_false(in_force());
    assert_int_equal(pausing.n_granted, 1);
    assert_int_equal(pausing.n_paused, 2);
}

static void m3_not_before_the_leader_relies_on_it(void **state)
{
    (void)state;
    answers[0].notes[0].relies = false;
    assert_false(in_force());
    answers[0].notes[0].relies = true;
    answers[0].notes[0].pause_version = VERSION - 1;
    assert_false(in_force());
    answers[0].notes[0].pause_version = VERSION;
    answers[0].notes[0].phase = CORE_PHASE_ASK;
    assert_false(in_force());
    assert_false(pausing.leads);
}

static void m3_of_two_voters_both_are_needed(void **state)
{
    (void)state;
    set.v[2].voting = false;
    assert_true(in_force());
    assert_int_equal(pausing.needed, 2);
    answers[0].notes[1].paused = false;
    assert_false(in_force());
}

static void m3_over_when_nobody_is_bound(void **state)
{
    (void)state;
    assert_false(ended());
    answers[0].notes[0].relies = answers[0].notes[0].paused = false;
    answers[0].notes[0].pause_version = VERSION + 1;
    answers[0].notes[1].paused = false;
    assert_false(ended());
    answers[0].notes[2].paused = false;
    assert_true(ended());
    answers[0].notes[0].pause_version = VERSION;
    assert_false(ended()); /* it has not heard that */
}

static void names_and_spans(void **state)
{
    char text[PAUSING_TEXT_SIZE], span[PAUSING_SPAN_SIZE];

    (void)state;
    answers[0].notes[1].paused = false;
    set.v[2].voting = false;
    pausing_judge(&pausing, &set, answers, VERSION);
    assert_string_equal(pausing_names(&set, pausing.paused, true, text), "node1");
    assert_string_equal(pausing_names(&set, pausing.paused, false, text), "node2");
    assert_string_equal(pausing_span(1400, span), "1 s");
    assert_string_equal(pausing_span(119000, span), "119 s");
    assert_string_equal(pausing_span(1800000, span), "30 min");
    assert_string_equal(pausing_span(3600000, span), "60 min");
    assert_string_equal(pausing_span(7 * 3600000 + 5 * 60000, span), "7 h 5 min");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(m3_in_force_with_a_majority, begin),
        cmocka_unit_test_setup(m3_not_before_the_leader_relies_on_it, begin),
        cmocka_unit_test_setup(m3_of_two_voters_both_are_needed, begin),
        cmocka_unit_test_setup(m3_over_when_nobody_is_bound, begin),
        cmocka_unit_test_setup(names_and_spans, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
