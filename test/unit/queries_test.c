/* queries_test.c - decoders on hand-made results: good rows, NULLs, garbage. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "queries.h"
#include "unit.h"

#define N_NODE_COLUMNS  15
#define N_PROBE_COLUMNS 12

/* A result of `n_columns` columns without rows. */
static PGresult *make(int n_columns)
{
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[16];

    assert_true(n_columns <= 16);
    (void)memset(columns, 0, sizeof columns);
    for (int i = 0; i < n_columns; i++) {
        static char name[] = "column";

        columns[i].name = name;
    }
    assert_int_equal(PQsetResultAttrs(res, n_columns, columns), 1);
    return res;
}

static void set(PGresult *res, int row, int column, const char *text)
{
    char *copy = text != NULL ? xstrdup(text) : NULL;
    int length = copy != NULL ? (int)strlen(copy) : -1;

    assert_int_equal(PQsetvalue(res, row, column, copy, length), 1);
    free(copy);
}

static void add_row(PGresult *res, const char *const *texts)
{
    int row = PQntuples(res);

    for (int column = 0; column < PQnfields(res); column++)
        set(res, row, column, texts[column]);
}

/* ---- nodes
 * ---------------------------------------------------------------------------- */

static const char *const primary_row[] = {
    "1",      "node1",  "primary", NULL,        "t",   "f",    "default", "100",
    "host=a", "pgrmon", NULL,      "/etc/conf", "256", "8193", "60000"};
static const char *const standby_row[] = {
    "2",      "node2", "standby", "1", "f",   "t",    "Wien", "0",
    "host=b", "",      "slot_2",  "",  "256", "8193", "60000"};

static void nodes_are_decoded(void **state)
{
    struct nodeset nodes = NODESET_INIT;
    struct err err = ERR_INIT;
    PGresult *res = make(N_NODE_COLUMNS);

    (void)state;
    add_row(res, primary_row);
    add_row(res, standby_row);
    assert_int_equal(query_decode_nodes(res, &nodes, &err), 0);
    assert_int_equal(nodes.n, 2);
    assert_true(nodes.version == 256);
    assert_true(nodes.pause.version == 8193);
    assert_true(nodes.pause.ms == 60000);
    assert_int_equal(nodes.v[0].id, 1);
    assert_string_equal(nodes.v[0].name, "node1");
    assert_int_equal(nodes.v[0].role, CORE_ROLE_PRIMARY);
    assert_int_equal(nodes.v[0].upstream_id, 0);
    assert_true(nodes.v[0].active);
    assert_false(nodes.v[0].voting);
    assert_int_equal(nodes.v[0].priority, 100);
    assert_string_equal(nodes.v[0].conninfo, "host=a");
    assert_string_equal(nodes.v[0].repluser, "pgrmon");
    assert_string_equal(nodes.v[0].slot_name, "");
    assert_string_equal(nodes.v[0].config_file, "/etc/conf");
    assert_int_equal(nodes.v[1].upstream_id, 1);
    assert_false(nodes.v[1].active);
    assert_true(nodes.v[1].voting);
    assert_string_equal(nodes.v[1].location, "Wien");
    assert_string_equal(nodes.v[1].slot_name, "slot_2");
    /* Once more into the same set: what it held is freed. */
    assert_int_equal(query_decode_nodes(res, &nodes, &err), 0);
    assert_int_equal(nodes.n, 2);
    PQclear(res);
    nodeset_free(&nodes);
}

static void no_nodes_is_an_empty_set(void **state)
{
    struct nodeset nodes = NODESET_INIT;
    PGresult *res = make(N_NODE_COLUMNS);

    (void)state;
    assert_int_equal(query_decode_nodes(res, &nodes, NULL), 0);
    assert_int_equal(nodes.n, 0);
    PQclear(res);
}

static void bad_row_is_named(void **state)
{
    static const struct {
        int column;
        const char *text, *wrong;
    } bad[] = {
        {0, NULL,                                                               "node_id"         },
        {0, "0",                                                                "node_id"         },
        {0, "-1",                                                               "node_id"         },
        {0, "1048576",                                                          "node_id"         },
        {0, "1x",                                                               "node_id"         },
        {1, NULL,                                                               "node_name"       },
        {1, "",                                                                 "node_name"       },
        {1, "a name of sixty-four bytes, which is one more than a record has.",
         "node_name"                                                                              },
        {2, NULL,                                                               "type"            },
        {2, "bdr",                                                              "type"            },
        {3, "0",                                                                "upstream_node_id"},
        {3, "1048576",                                                          "upstream_node_id"},
        {3, "",                                                                 "upstream_node_id"},
        {4, NULL,                                                               "active"          },
        {4, "true",                                                             "active"          },
        {5, "",                                                                 "voting"          },
        {7, NULL,                                                               "priority"        },
        {7, "-1",                                                               "priority"        },
        {7, "9999999999999999999999",                                           "priority"        },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct nodeset nodes = NODESET_INIT;
        struct err err = ERR_INIT;
        PGresult *res = make(N_NODE_COLUMNS);

        add_row(res, primary_row);
        add_row(res, standby_row);
        set(res, 1, bad[i].column, bad[i].text);
        assert_int_equal(query_decode_nodes(res, &nodes, &err), -EINVAL);
        assert_non_null(strstr(err.text, bad[i].wrong));
        assert_int_equal(nodes.n, 0);
        PQclear(res);
    }
}

static void too_many_nodes_are_refused(void **state)
{
    struct nodeset nodes = NODESET_INIT;
    struct err err = ERR_INIT;
    PGresult *res = make(N_NODE_COLUMNS);

    (void)state;
    for (int i = 0; i < CORE_MAX_NODES; i++)
        add_row(res, standby_row);
    assert_int_equal(query_decode_nodes(res, &nodes, &err), 0);
    assert_int_equal(nodes.n, CORE_MAX_NODES);
    add_row(res, standby_row);
    assert_int_equal(query_decode_nodes(res, &nodes, &err), -E2BIG);
    assert_int_equal(nodes.n, 0);
    PQclear(res);
}

static void another_result_is_no_node_table(void **state)
{
    struct nodeset nodes = NODESET_INIT;
    PGresult *res = make(N_NODE_COLUMNS - 1);

    (void)state;
    assert_int_equal(query_decode_nodes(res, &nodes, NULL), -EINVAL);
    PQclear(res);
}

/* ---- the probe
 * -------------------------------------------------------------------------- */

/* Two notes: 1 leads, 2 follows it. See write_board(). */
static char board[2 * NOTE_TEXT_SIZE];

static const char *const probe_primary[] = {"f",
                                            "7333333333333333333",
                                            "3",
                                            "5",
                                            "16/B374D848",
                                            NULL,
                                            "f",
                                            NULL,
                                            NULL,
                                            board,
                                            "",
                                            "2"};
static const char *const probe_standby[] = {"t",           "-2",          "3",  NULL,
                                            "16/B374D848", "16/A0000000", "t",  "t",
                                            "120",         NULL,          NULL, "0"};

static int write_board(void **state)
{
    const struct core_note notes[] = {
        {.phase = CORE_PHASE_LEAD,   .node_id = 1, .leader_id = 1, .term = 5},
        {.phase = CORE_PHASE_FOLLOW, .node_id = 2, .leader_id = 1, .term = 5},
    };
    char first[NOTE_TEXT_SIZE], second[NOTE_TEXT_SIZE];

    (void)state;
    (void)snprintf(board, sizeof board, "%s\n%s", note_format(&notes[0], first),
                   note_format(&notes[1], second));
    return 0;
}

static struct core_note board_notes[CORE_MAX_NODES];
static int n_board_notes;

static int decode(const char *const *row, int node_id, struct core_observation *seen)
{
    PGresult *res = make(N_PROBE_COLUMNS);
    int rc;

    add_row(res, row);
    rc = query_decode_probe(res, node_id, seen, board_notes, &n_board_notes, NULL);
    PQclear(res);
    return rc;
}

static void probe_of_a_primary(void **state)
{
    struct core_observation seen;

    (void)state;
    assert_int_equal(decode(probe_primary, 1, &seen), 0);
    assert_int_equal(seen.node_id, 1);
    assert_int_equal(seen.reach, REACH_OK);
    assert_false(seen.in_recovery);
    assert_true(seen.system_identifier == 7333333333333333333U);
    assert_int_equal(seen.timeline, 3);
    assert_int_equal(seen.term, 5);
    assert_true(seen.position.pos == 0x16B374D848);
    assert_false(lsn_known(seen.replayed));
    assert_false(seen.receiver_streaming);
    assert_int_equal(seen.receiver_age_ms, -1);
    assert_int_equal(seen.note.phase, CORE_PHASE_LEAD);
    assert_int_equal(seen.copies, 2);
    assert_int_equal(n_board_notes, 2);
    assert_int_equal(board_notes[1].node_id, 2);
    assert_int_equal(board_notes[1].phase, CORE_PHASE_FOLLOW);
}

static void probe_of_a_standby(void **state)
{
    struct core_observation seen;

    (void)state;
    assert_int_equal(decode(probe_standby, 2, &seen), 0);
    assert_true(seen.in_recovery);
    assert_true(seen.system_identifier == UINT64_MAX - 1); /* a negative bigint */
    assert_int_equal(seen.term, 0);
    assert_true(seen.position.pos == 0x16B374D848);
    assert_true(seen.replayed.pos == 0x16A0000000);
    assert_true(seen.replay_paused);
    assert_true(seen.receiver_streaming);
    assert_int_equal(seen.receiver_age_ms, 120);
    assert_int_equal(seen.note.phase, CORE_PHASE_NONE);
    assert_int_equal(n_board_notes, 0);
}

/* Lines named like notes are counted; a board is no answer to who is asked. */
static void bad_notes_are_counted(void **state)
{
    static const char *const row[] = {"f",  "1",  NULL, NULL, NULL,
                                      NULL, NULL, NULL, NULL, "pgrmond2 impostor",
                                      NULL, NULL};
    struct core_note notes[CORE_MAX_NODES];
    PGresult *res = make(N_PROBE_COLUMNS);
    int n_bad;

    (void)state;
    add_row(res, row);
    assert_int_equal(query_decode_notes(res, notes, &n_bad), 0);
    assert_int_equal(n_bad, 1);
    PQclear(res);
}

/* Notes have no room for it, so nobody could vote in it. */
static void term_out_of_range(void **state)
{
    static const char *const terms[] = {"4294967296", "-1"};

    (void)state;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        const char *row[] = {"f",  "1",  NULL, terms[i], NULL, NULL,
                             NULL, NULL, NULL, NULL,     NULL, NULL};
        struct core_observation seen;

        assert_int_equal(decode(row, 1, &seen), -EINVAL);
        row[3] = "4294967295";
        assert_int_equal(decode(row, 1, &seen), 0);
    }
}

/* Without pg_monitor, and right after a start, most of it is NULL. */
static void unknown_is_no_error(void **state)
{
    static const char *const row[] = {"t",  "1",  NULL, NULL, NULL, NULL,
                                      NULL, NULL, NULL, NULL, NULL, NULL};
    struct core_observation seen;

    (void)state;
    assert_int_equal(decode(row, 2, &seen), 0);
    assert_true(seen.in_recovery);
    assert_int_equal(seen.timeline, 0);
    assert_false(lsn_known(seen.position));
    assert_false(seen.receiver_streaming);
    assert_int_equal(seen.receiver_age_ms, -1);
}

/* What needs no answer is unknown when it cannot be read, too. */
static void garbage_is_unknown(void **state)
{
    static const char *const row[] = {"f", "1", "x",  "y",    "z", "-",
                                      "?", "T", "1s", "lead", "",  ""};
    struct core_observation seen;

    (void)state;
    assert_int_equal(decode(row, 2, &seen), 0);
    assert_int_equal(seen.timeline, 0);
    assert_int_equal(seen.term, 0);
    assert_false(lsn_known(seen.position));
    assert_int_equal(seen.receiver_age_ms, -1);
    assert_int_equal(seen.note.phase, CORE_PHASE_NONE);
}

/* -1 means "none": an age below zero is a clock that was set back. */
static void negative_age_is_fresh(void **state)
{
    static const char *const row[] = {"t",  "1", NULL,   NULL, NULL, NULL,
                                      NULL, "t", "-900", NULL, NULL, NULL};
    struct core_observation seen;

    (void)state;
    assert_int_equal(decode(row, 2, &seen), 0);
    assert_int_equal(seen.receiver_age_ms, 0);
}

static void no_role_is_an_error(void **state)
{
    static const char *const rows[][N_PROBE_COLUMNS] = {
        {NULL, "1"                   },
        {"x",  "1"                   },
        {"",   "1"                   },
        {"t",  NULL                  },
        {"t",  "identifier"          },
        {"t",  "99999999999999999999"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct core_observation seen = {.node_id = 42};

        assert_int_equal(decode(rows[i], 2, &seen), -EINVAL);
        assert_int_equal(seen.node_id, 42);
    }
}

static void probe_is_one_row(void **state)
{
    struct core_observation seen;
    struct core_note notes[CORE_MAX_NODES];
    PGresult *res = make(N_PROBE_COLUMNS);
    int n;

    (void)state;
    assert_int_equal(query_decode_probe(res, 1, &seen, notes, &n, NULL), -EINVAL);
    add_row(res, probe_primary);
    assert_int_equal(query_decode_probe(res, 1, &seen, notes, &n, NULL), 0);
    add_row(res, probe_primary);
    assert_int_equal(query_decode_probe(res, 1, &seen, notes, &n, NULL), -EINVAL);
    PQclear(res);
    res = make(3);
    add_row(res, probe_primary);
    assert_int_equal(query_decode_probe(res, 1, &seen, notes, &n, NULL), -EINVAL);
    PQclear(res);
}

/* ---- fields
 * ------------------------------------------------------------------------------ */

static void fields(void **state)
{
    static const char *const row[] = {"12", NULL, "t", "0/10", "12 apples"};
    PGresult *res = make(5);

    (void)state;
    add_row(res, row);
    assert_string_equal(query_text(res, 0, 0), "12");
    assert_null(query_text(res, 0, 1));
    assert_null(query_text(res, 1, 0));
    assert_null(query_text(res, 0, 5));
    assert_null(query_text(res, -1, -1));
    assert_int_equal(query_int64(res, 0, 0, -1), 12);
    assert_int_equal(query_int64(res, 0, 1, -1), -1);
    assert_int_equal(query_int64(res, 0, 4, -1), -1);
    assert_true(query_bool(res, 0, 2));
    assert_false(query_bool(res, 0, 1));
    assert_true(query_lsn(res, 0, 3).pos == 16);
    assert_false(lsn_known(query_lsn(res, 0, 4)));
    assert_int_equal(query_row_named(res, "12"), 0);
    assert_int_equal(query_row_named(res, "1"), -1);
    PQclear(res);
}

/* ---- the list
 * ---------------------------------------------------------------------------- */

/* $1 ... $n_params all occur, and no other. The server counts again (queries_prepare).
 */
static void parameters_are_counted(void **state)
{
    (void)state;
    for (int i = 0; query_all[i] != NULL; i++) {
        char placeholder[16];
        int n = 0;

        do {
            (void)snprintf(placeholder, sizeof placeholder, "$%d", ++n);
        } while (strstr(query_all[i]->text, placeholder) != NULL);
        assert_int_equal(n - 1, query_all[i]->n_params);
        assert_true(query_all[i]->min_version >= 130000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_decoded),
        cmocka_unit_test(no_nodes_is_an_empty_set),
        cmocka_unit_test(bad_row_is_named),
        cmocka_unit_test(too_many_nodes_are_refused),
        cmocka_unit_test(another_result_is_no_node_table),
        cmocka_unit_test_setup(probe_of_a_primary, write_board),
        cmocka_unit_test(probe_of_a_standby),
        cmocka_unit_test(bad_notes_are_counted),
        cmocka_unit_test(term_out_of_range),
        cmocka_unit_test(unknown_is_no_error),
        cmocka_unit_test(garbage_is_unknown),
        cmocka_unit_test(negative_age_is_fresh),
        cmocka_unit_test(no_role_is_an_error),
        cmocka_unit_test_setup(probe_is_one_row, write_board),
        cmocka_unit_test(fields),
        cmocka_unit_test(parameters_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
