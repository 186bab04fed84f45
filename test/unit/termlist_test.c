/* termlist_test.c - rule P3: who shares whose past. */
#include "termlist.h"
#include "unit.h"

/* node1 led term 1, node2 term 2 from the fork at 1000 on timeline 2. */
#define T1                                                                             \
    {                                                                                  \
        1, 1, 1,                                                                       \
        {                                                                              \
            100                                                                        \
        }                                                                              \
    }
#define T2                                                                             \
    {                                                                                  \
        2, 2, 2,                                                                       \
        {                                                                              \
            1000                                                                       \
        }                                                                              \
    }
#define T2_OF_3                                                                        \
    {                                                                                  \
        2, 3, 2,                                                                       \
        {                                                                              \
            1000                                                                       \
        }                                                                              \
    }
#define T2_ON_3                                                                        \
    {                                                                                  \
        2, 3, 3,                                                                       \
        {                                                                              \
            1000                                                                       \
        }                                                                              \
    }
#define T2_RENEWED                                                                     \
    {                                                                                  \
        2, 1, 1,                                                                       \
        {                                                                              \
            1000                                                                       \
        }                                                                              \
    }
#define T3                                                                             \
    {                                                                                  \
        3, 3, 3,                                                                       \
        {                                                                              \
            2000                                                                       \
        }                                                                              \
    }
#define ROWS(...)    ((const struct termlist_row[]){__VA_ARGS__})
#define LIST(n, ...) ((struct termlist){n, ROWS(__VA_ARGS__)})
#define NO_ROWS      ((struct termlist){0, NULL})

static void check(struct termlist own,
                  int timeline,
                  uint64_t position,
                  struct termlist leader,
                  enum termlist_verdict verdict,
                  enum termlist_reason reason)
{
    const struct termlist_self self = {own, timeline, {position}, 0};
    struct termlist_result result = termlist_compare(&self, leader);

    assert_int_equal(result.verdict, verdict);
    assert_int_equal(result.reason, reason);
}

static void same_regimes_stream(void **state)
{
    (void)state;
    check(LIST(1, T1), 1, 900, LIST(1, T1), TERMLIST_STREAM, TERMLIST_SAME);
    check(LIST(2, T1, T2), 2, 1900, LIST(2, T1, T2), TERMLIST_STREAM, TERMLIST_SAME);
    check(NO_ROWS, 1, 900, NO_ROWS, TERMLIST_STREAM, TERMLIST_SAME);
    /* The control file lags. */
    check(LIST(2, T1, T2), 1, 1900, LIST(2, T1, T2), TERMLIST_STREAM, TERMLIST_SAME);
}

static void a_later_regime_is_followed_from_before_its_fork(void **state)
{
    (void)state;
    check(LIST(1, T1), 1, 900, LIST(2, T1, T2), TERMLIST_STREAM, TERMLIST_CONTINUED);
    check(LIST(1, T1), 1, 1000, LIST(2, T1, T2), TERMLIST_STREAM, TERMLIST_CONTINUED);
    check(LIST(1, T1), 1, 900, LIST(3, T1, T2, T3), TERMLIST_STREAM,
          TERMLIST_CONTINUED);
    check(NO_ROWS, 1, 50, LIST(2, T1, T2), TERMLIST_STREAM, TERMLIST_CONTINUED);
}

static void beyond_the_fork_is_rewound(void **state)
{
    (void)state;
    check(LIST(1, T1), 1, 1001, LIST(2, T1, T2), TERMLIST_REWIND, TERMLIST_BEYOND);
    check(LIST(1, T1), 1, 5000, LIST(3, T1, T2, T3), TERMLIST_REWIND, TERMLIST_BEYOND);
    check(LIST(2, T1, T2), 2, 2001, LIST(3, T1, T2, T3), TERMLIST_REWIND,
          TERMLIST_BEYOND);
    check(NO_ROWS, 1, 5000, LIST(2, T1, T2), TERMLIST_CLONE, TERMLIST_BEYOND);
}

/* L9: another term, no fork. */
static void a_renewal_is_no_fork(void **state)
{
    (void)state;
    check(LIST(1, T1), 1, 5000, LIST(2, T1, T2_RENEWED), TERMLIST_STREAM,
          TERMLIST_CONTINUED);
    check(LIST(1, T1), 1, 1500, LIST(3, T1, T2_RENEWED, T3), TERMLIST_STREAM,
          TERMLIST_CONTINUED);
    check(LIST(1, T1), 1, 2500, LIST(3, T1, T2_RENEWED, T3), TERMLIST_REWIND,
          TERMLIST_BEYOND);
}

/* postgres-facts 1: PostgreSQL would stream, and pg_rewind finds nothing to do. */
static void one_timeline_number_for_two_regimes_is_cloned(void **state)
{
    (void)state;
    check(LIST(2, T1, T2_OF_3), 2, 1100, LIST(2, T1, T2), TERMLIST_CLONE,
          TERMLIST_SPLIT);
    /* Also when it is followed by another. */
    check(LIST(2, T1, T2_OF_3), 2, 1100, LIST(3, T1, T2, T3), TERMLIST_CLONE,
          TERMLIST_SPLIT);
    /* Without a row of our own the timeline gives it away. */
    check(LIST(1, T1), 2, 900, LIST(2, T1, T2), TERMLIST_CLONE, TERMLIST_UNRECORDED);
    check(LIST(1, T1), 2, 900, LIST(1, T1), TERMLIST_REWIND, TERMLIST_UNRECORDED);
}

static void every_part_of_a_row_counts(void **state)
{
    static const struct termlist_row others[] = {
        {2, 3, 2, {1000}},
        {2, 2, 2, {1001}},
        {4, 2, 2, {1000}},
    };

    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct termlist_row rows[] = {T1, others[i]};

        check((struct termlist){2, rows}, 2, 1100, LIST(2, T1, T2), TERMLIST_CLONE,
              TERMLIST_SPLIT);
    }
}

static void two_timeline_numbers_are_rewound(void **state)
{
    (void)state;
    check(LIST(2, T1, T2_ON_3), 3, 1100, LIST(2, T1, T2), TERMLIST_REWIND,
          TERMLIST_SPLIT);
    check(LIST(2, T1, T2), 2, 1100, LIST(2, T1, T2_ON_3), TERMLIST_REWIND,
          TERMLIST_SPLIT);
    check(LIST(2, T1, T2), 2, 1100, LIST(1, T1), TERMLIST_REWIND, TERMLIST_UNKNOWN_TO);
    /* Both went on with one number: nothing to tell them apart by. */
    check(LIST(2, T1, T2_RENEWED), 1, 1100, LIST(1, T1), TERMLIST_CLONE,
          TERMLIST_UNKNOWN_TO);
    /* Nothing in common. */
    check(LIST(1, T2_ON_3), 3, 1100, LIST(1, T1), TERMLIST_CLONE, TERMLIST_SPLIT);
}

/* Rows that are received and not replayed yet: the durable state knows. */
static void what_was_streamed_under_counts(void **state)
{
    struct termlist_self self = {LIST(1, T1), 2, {1100}, 2};

    (void)state;
    assert_int_equal(termlist_compare(&self, LIST(2, T1, T2)).verdict, TERMLIST_STREAM);
    self.stream_term = 3;
    assert_int_equal(termlist_compare(&self, LIST(2, T1, T2)).verdict, TERMLIST_CLONE);
    self.stream_term = 1;
    assert_int_equal(termlist_compare(&self, LIST(2, T1, T2)).verdict, TERMLIST_CLONE);
}

static void the_rows_that_differ_are_told(void **state)
{
    const struct termlist own = LIST(2, T1, T2_OF_3), leader = LIST(2, T1, T2);
    const struct termlist_self self = {own, 2, {1100}, 0};
    struct termlist_result result = termlist_compare(&self, leader);

    (void)state;
    assert_ptr_equal(result.own, &own.v[1]);
    assert_ptr_equal(result.leader, &leader.v[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_regimes_stream),
        cmocka_unit_test(a_later_regime_is_followed_from_before_its_fork),
        cmocka_unit_test(beyond_the_fork_is_rewound),
        cmocka_unit_test(a_renewal_is_no_fork),
        cmocka_unit_test(one_timeline_number_for_two_regimes_is_cloned),
        cmocka_unit_test(every_part_of_a_row_counts),
        cmocka_unit_test(two_timeline_numbers_are_rewound),
        cmocka_unit_test(what_was_streamed_under_counts),
        cmocka_unit_test(the_rows_that_differ_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
