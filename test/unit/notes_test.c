/* notes_test.c - boards of which every kind of gap and age is known. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "notes.h"
#include "unit.h"

static struct nodeset set;
static struct gathered answers[CORE_MAX_NODES];
static struct notes notes;

static struct core_note *add_note(int board, int node_id, int leader_id, int64_t ms)
{
    struct gathered *answer = &answers[board];
    struct core_note *note = &answer->notes[answer->n_notes++];

    *note = (struct core_note){
        .phase = node_id == leader_id ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
        .node_id = node_id,
        .term = 7,
        .stamp = {.boot = (uint32_t)node_id, .ms = ms},
        .leader_id = leader_id,
        .window_ms = 10000,
        .members_version = 3,
        .incarnation = 1,
    };
    if (node_id == set.v[board].id)
        answer->seen.note = *note;
    return note;
}

/* node1 leads, node2 follows it, node3 is unreachable, node4 is a witness. */
static int begin(void **state)
{
    static const enum core_role roles[] = {CORE_ROLE_PRIMARY, CORE_ROLE_STANDBY,
                                           CORE_ROLE_STANDBY, CORE_ROLE_WITNESS};

    (void)state;
    set = (struct nodeset){.n = 4};
    (void)memset(answers, 0, sizeof answers);
    for (int i = 0; i < 4; i++) {
        set.v[i] = (struct node_record){.id = i + 1, .role = roles[i]};
        (void)snprintf(set.v[i].name, sizeof set.v[i].name, "node%d", i + 1);
        answers[i].seen.reach = i < 2 ? REACH_OK : REACH_SILENT;
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    notes_deinit(&notes);
    return 0;
}

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out);
    (void)fclose(out);
    return text;
}

static void as_table(FILE *out)
{
    notes_print_table(&notes, false, out);
}

static void as_json(FILE *out)
{
    notes_print_json(&notes, out);
}

static void build(void)
{
    notes_build(&notes, &set, answers);
}

static void boards_without_witnesses(void **state)
{
    (void)state;
    (void)add_note(0, 2, 1, 500);
    (void)add_note(0, 1, 1, 900);
    (void)add_note(0, 9, 0, 5);
    build();
    assert_int_equal(notes.n, 3);
    assert_true(notes.incomplete); /* node3 */
    assert_int_equal(notes.boards[0].n, 3);
    assert_int_equal(notes.boards[0].rows[0].note->node_id, 1);
    assert_string_equal(notes.boards[0].rows[1].name, "node2");
    assert_string_equal(notes.boards[0].rows[1].leader, "node1");
    assert_null(notes.boards[0].rows[2].name);
    assert_null(notes.boards[0].rows[2].leader);
}

static void ages_are_told_by_each_nodes_own_clock(void **state)
{
    struct core_note *note;

    (void)state;
    (void)add_note(0, 1, 1, 5000);
    note = add_note(0, 2, 1, 700); /* an old one of node2, by a session that hangs */
    note->echo = (struct core_stamp){.boot = 1, .ms = 100};
    note = add_note(1, 2, 1, 950);
    note->echo = (struct core_stamp){.boot = 1, .ms = 4800};
    build();
    assert_true(notes.boards[0].rows[0].behind_ms == 0);
    assert_true(notes.boards[0].rows[0].echo_ms == NOTES_NO_STAMP);
    assert_true(notes.boards[0].rows[1].behind_ms == 250);
    assert_true(notes.boards[0].rows[1].echo_ms == 4900);
    assert_true(notes.boards[1].rows[0].behind_ms == 0);
    assert_true(notes.boards[1].rows[0].echo_ms == 200);
}

/* The leader's own board is frozen, or was read a moment before its note moved on. */
static void newest_may_lie_on_another_board(void **state)
{
    struct core_note *note;

    (void)state;
    (void)add_note(0, 1, 1, 5000);
    (void)add_note(1, 1, 1, 6000);
    note = add_note(1, 2, 1, 10);
    note->echo = (struct core_stamp){.boot = 1, .ms = 6001};
    build();
    assert_true(notes.boards[0].rows[0].behind_ms == 1000);
    assert_true(notes.boards[1].rows[1].echo_ms == 0);
}

static void ages_that_are_none(void **state)
{
    struct core_note *note;

    (void)state;
    (void)add_note(0, 1, 1, 0);
    note = add_note(0, 2, 3, 10);
    note->echo = (struct core_stamp){.boot = 3, .ms = 1};
    note = add_note(1, 2, 1, 20);
    note->stamp.boot = 99; /* its own board counts: the other is of a former boot */
    note->echo = (struct core_stamp){.boot = 1, .ms = 1};
    answers[1].seen.note = *note;
    build();
    assert_true(notes.boards[0].rows[0].behind_ms == NOTES_NO_STAMP);
    assert_true(notes.boards[0].rows[1].behind_ms == NOTES_OTHER_BOOT);
    assert_true(notes.boards[0].rows[1].echo_ms == NOTES_UNSEEN);
    assert_true(notes.boards[1].rows[0].echo_ms == NOTES_UNSEEN);
}

static void higher_incarnation_is_newer(void **state)
{
    (void)state;
    (void)add_note(0, 2, 1, 900);
    add_note(0, 1, 1, 1)->incarnation = 2;
    (void)add_note(1, 1, 1, 400);
    build();
    assert_true(notes.boards[1].rows[0].behind_ms == 0);
    assert_true(notes.boards[0].rows[0].behind_ms == 0);
}

static void table_for_people(void **state)
{
    static const char expected[] =
        " Board | Node    | Phase  | Term | Supports | Behind | Echo   | Report        "
        " | W       | Members | Inc. | Flags\n"
        "-------+---------+--------+------+----------+--------+--------+---------------"
        "-+---------+---------+------+------------------\n"
        " node1 | node1   | lead   | 7    | node1    | 0 ms   |        |               "
        " | 10 s    | 3       | 1    |\n"
        " node1 | node2   | follow | 7    | node1    | 0 ms   | 24.9 s | 6: 16/B374D848"
        " | 10 s    | 3       | 1    | frozen, voiceless\n"
        " node1 | (ID: 9) | follow | 7    | (ID: 8)  | 0 ms   | ?      |               "
        " | 1500 ms | 3       | 1    |\n"
        "\n"
        " node1: 1 session named like notes that are none\n"
        " node2: no notes\n"
        " node3: not read, silent\n";
    char *text CLEANUP(cleanup_free) = NULL;
    struct core_note *note;

    (void)state;
    (void)add_note(0, 1, 1, 25000);
    note = add_note(0, 2, 1, 700);
    note->echo = (struct core_stamp){.boot = 1, .ms = 100};
    note->report =
        (struct core_report){.known = true, .term = 6, .position = {0x16B374D848}};
    note->frozen = note->voiceless = true;
    note = add_note(0, 9, 8, 700);
    note->echo = (struct core_stamp){.boot = 1, .ms = 100};
    note->window_ms = 1500;
    answers[0].n_bad_notes = 1;
    build();
    text = printed(as_table);
    assert_string_equal(text, expected);
}

static void nothing_at_all(void **state)
{
    char *text CLEANUP(cleanup_free) = NULL;

    (void)state;
    set.n = 1;
    build();
    assert_false(notes.incomplete);
    text = printed(as_table);
    assert_string_equal(text, " node1: no notes\n");
}

/* JSON with ' for ", which C would have to escape. */
static json_t *load(const char *text)
{
    char *copy CLEANUP(cleanup_free) = xstrdup(text);
    json_t *value;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    return value;
}

static void json_for_programs(void **state)
{
    static const char expected[] =
        "{'boards': [{'id': 1, 'name': 'node1', 'reach': 'ok', 'error': null,"
        " 'bad_notes': 0, 'notes': [{'node_id': 1, 'node_name': 'node1',"
        " 'phase': 'lead', 'term': 7, 'leader_id': 1, 'stamp': {'boot': 1, 'ms': 5000},"
        " 'behind_ms': 0, 'echo': {'boot': 1, 'ms': 4750}, 'echo_behind_ms': 250,"
        " 'report': null, 'window_ms': 10000, 'members_version': 3, 'incarnation': 1,"
        " 'frozen': false, 'voiceless': true, 'paused': true, 'relies_on_pause': true,"
        " 'pause_version': 4097},"
        " {'node_id': 9, 'node_name': null, 'phase': 'follow', 'term': 7,"
        " 'leader_id': null, 'stamp': null, 'behind_ms': null, 'echo': null,"
        " 'echo_behind_ms': null, 'report': {'term': 6, 'lsn': '16/B374D848'},"
        " 'window_ms': 10000, 'members_version': 3, 'incarnation': 1, 'frozen': true,"
        " 'voiceless': false, 'paused': false, 'relies_on_pause': false,"
        " 'pause_version': null}]},"
        " {'id': 2, 'name': 'node2', 'reach': 'refused', 'error': 'refused',"
        " 'bad_notes': 2, 'notes': []}]}";
    char *text CLEANUP(cleanup_free) = NULL;
    struct core_note *note;
    json_t *value, *wanted;

    (void)state;
    set.n = 2;
    note = add_note(0, 1, 1, 5000);
    note->echo = (struct core_stamp){.boot = 1, .ms = 4750};
    note->voiceless = note->paused = note->relies = true;
    note->pause_version = 4097;
    note = add_note(0, 9, 0, 0);
    note->report =
        (struct core_report){.known = true, .term = 6, .position = {0x16B374D848}};
    note->frozen = true;
    answers[1].seen.reach = REACH_REFUSED;
    answers[1].n_bad_notes = 2;
    (void)snprintf(answers[1].message, sizeof answers[1].message, "refused");
    build();
    text = printed(as_json);
    value = json_loads(text, 0, NULL);
    wanted = load(expected);
    assert_true(json_equal(value, wanted) == 1);
    json_decref(value);
    json_decref(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(boards_without_witnesses, begin, end),
        cmocka_unit_test_setup_teardown(ages_are_told_by_each_nodes_own_clock, begin,
                                        end),
        cmocka_unit_test_setup_teardown(newest_may_lie_on_another_board, begin, end),
        cmocka_unit_test_setup_teardown(ages_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(higher_incarnation_is_newer, begin, end),
        cmocka_unit_test_setup_teardown(table_for_people, begin, end),
        cmocka_unit_test_setup_teardown(nothing_at_all, begin, end),
        cmocka_unit_test_setup_teardown(json_for_programs, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
