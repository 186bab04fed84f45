/* note_test.c - notes there and back, and what is no note. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "unit.h"

static const struct core_note untouched = {CORE_PHASE_PASS, 99, 98, 97};

static void assert_same(const struct core_note *a, const struct core_note *b)
{
    assert_int_equal(a->phase, b->phase);
    assert_int_equal(a->node_id, b->node_id);
    assert_int_equal(a->leader_id, b->leader_id);
    assert_true(a->term == b->term);
}

static void there_and_back(void **state)
{
    static const struct core_note notes[] = {
        {CORE_PHASE_LEAD,    1,       1,       1        },
        {CORE_PHASE_FOLLOW,  2,       1,       17       },
        {CORE_PHASE_ASK,     3,       0,       0        },
        {CORE_PHASE_PROMOTE, INT_MAX, INT_MAX, INT64_MAX},
        {CORE_PHASE_PASS,    10,      0,       1000     },
    };

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        char text[NOTE_TEXT_SIZE];
        struct core_note back = untouched;

        assert_ptr_equal(note_format(&notes[i], text), text);
        assert_int_equal(note_parse(text, &back), 0);
        assert_same(&back, &notes[i]);
    }
}

static void text_form_is_fixed(void **state)
{
    const struct core_note note = {CORE_PHASE_FOLLOW, 2, 1, 17};
    char text[NOTE_TEXT_SIZE];

    (void)state;
    assert_string_equal(note_format(&note, text), "pgrmond/1 2 follow 1 17");
}

/* The longest note is not cut by PostgreSQL, which keeps 63 bytes. */
static void longest_fits(void **state)
{
    const struct core_note note = {CORE_PHASE_PROMOTE, INT_MAX, INT_MAX, INT64_MAX};
    char text[NOTE_TEXT_SIZE];
    struct core_note back;

    (void)state;
    assert_true(strlen(note_format(&note, text)) <= 63);
    assert_int_equal(note_parse(text, &back), 0);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "psql",
        "pgrmond",
        "pgrmond/1",
        "pgrmond/1 ",
        "pgrmond/2 2 follow 1 17",
        "pgrmond/1 2 follow 1",
        "pgrmond/1 2 follow 1 ",
        "pgrmond/1 2 follow 1 17 ",
        "pgrmond/1 2 follow 1 17x",
        "pgrmond/1  2 follow 1 17",
        "pgrmond/1 2 follow  1 17",
        " pgrmond/1 2 follow 1 17",
        "pgrmond/1 +2 follow 1 17",
        "pgrmond/1 -2 follow 1 17",
        "pgrmond/1 02 follow 1 17",
        "pgrmond/1 0 follow 1 17",
        "pgrmond/1 2 followed 1 17",
        "pgrmond/1 2 none 0 0",
        "pgrmond/1 2 Follow 1 17",
        "pgrmond/1 2147483648 follow 1 17",
        "pgrmond/1 2 follow 2147483648 17",
        "pgrmond/1 2 follow 1 9223372036854775808",
        "pgrmond/1 2 follow 1 99999999999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct core_note note = untouched;

        assert_int_equal(note_parse(texts[i], &note), -EINVAL);
        assert_same(&note, &untouched);
    }
}

static void nothing_is_found_in_nothing(void **state)
{
    (void)state;
    assert_int_equal(note_find("", 1).phase, CORE_PHASE_NONE);
    assert_int_equal(note_find("\n\n", 1).phase, CORE_PHASE_NONE);
    assert_int_equal(note_find("pgrmond/1 2 lead 2 3", 1).phase, CORE_PHASE_NONE);
}

static void own_line_is_found(void **state)
{
    static const char lines[] =
        "pgrmond/1 12 lead 12 3\n"
        "pgrmond/ what a long line this is, longer than any note "
        "can be at all\n"
        "pgrmond/1 1 follow 12 3\n"
        "pgrmond/1 2 ask 0 3";

    (void)state;
    assert_int_equal(note_find(lines, 1).phase, CORE_PHASE_FOLLOW);
    assert_int_equal(note_find(lines, 1).leader_id, 12);
    assert_int_equal(note_find(lines, 2).phase, CORE_PHASE_ASK);
    assert_int_equal(note_find(lines, 12).phase, CORE_PHASE_LEAD);
}

/* The session of a daemon that died may linger: the higher term counts, either way. */
static void higher_term_counts(void **state)
{
    (void)state;
    assert_int_equal(note_find("pgrmond/1 1 lead 1 4\npgrmond/1 1 follow 2 5", 1).phase,
                     CORE_PHASE_FOLLOW);
    assert_int_equal(note_find("pgrmond/1 1 follow 2 5\npgrmond/1 1 lead 1 4", 1).phase,
                     CORE_PHASE_FOLLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(text_form_is_fixed),
        cmocka_unit_test(longest_fits),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(nothing_is_found_in_nothing),
        cmocka_unit_test(own_line_is_found),
        cmocka_unit_test(higher_term_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
