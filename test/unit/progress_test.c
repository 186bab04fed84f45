/* progress_test.c - what pg_basebackup says of its progress, and how it is told. */
#include <string.h>

#include "progress.h"
#include "unit.h"

static void lines_of_pg_basebackup(void **state)
{
    int64_t done = -1, total = -1;

    (void)state;
    assert_true(progress_parse(
        "  22530/30042 kB (74%), 0/1 tablespace (...data/base/5/2687)", &done, &total));
    assert_int_equal(done, 22530);
    assert_int_equal(total, 30042);
    assert_true(progress_parse("30052/30052 kB (100%), 1/1 tablespace", &done, &total));
    assert_int_equal(done, 30052);
    assert_false(progress_parse("waiting for checkpoint", &done, &total));
    assert_false(progress_parse("12/34 MB (35%)", &done, &total));
    assert_false(progress_parse("12/34 kB", &done, &total));
    assert_false(progress_parse("", &done, &total));
    assert_int_equal(done, 30052);
}

/* 1000 kB at first, `done_kb` after `after_ms`. */
static void
assert_text(int64_t done_kb, int64_t total_kb, int64_t after_ms, const char *expected)
{
    struct mono begin = {1000};
    struct progress progress;
    char buf[PROGRESS_TEXT_SIZE];

    progress_init(&progress, begin);
    progress_set(&progress, 1000, total_kb, begin);
    progress_set(&progress, done_kb, total_kb, mono_add(begin, after_ms));
    assert_string_equal(progress_text(&progress, buf), expected);
}

static void before_the_first_report(void **state)
{
    struct progress progress;
    char buf[PROGRESS_TEXT_SIZE];

    (void)state;
    progress_init(&progress, (struct mono){1});
    assert_string_equal(progress_text(&progress, buf),
                        "waiting for a checkpoint on the source");
}

static void texts(void **state)
{
    (void)state;
    assert_text(1000, 2000, 5000, "1000 kB of 2.0 MB (50 %)");
    assert_text(11240, 102400, 1000,
                "11.0 MB of 100.0 MB (10 %), 10.0 MB/s, about 9 s left");
    assert_text(1048576, 34603008, 10000,
                "1.0 GB of 33.0 GB (3 %), 102.3 MB/s, about 5 min 21 s left");
    assert_text(1100, 1000000, 1000,
                "1.1 MB of 976.6 MB (0 %), 100 kB/s, about 2 h 46 min left");
    /* The total is an estimate. */
    assert_text(2048, 1024, 1000, "2.0 MB of 2.0 MB (100 %), finishing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_pg_basebackup),
        cmocka_unit_test(before_the_first_report),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
