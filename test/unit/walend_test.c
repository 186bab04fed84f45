/* walend_test.c - the end of WAL from pg_waldump's output, as seen on PostgreSQL 15. */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "walend.h"

static const struct walend_layout layout = {8192, UINT64_C(16) << 20};

static struct lsn at(const char *text)
{
    struct lsn lsn = LSN_UNKNOWN;

    assert_int_equal(lsn_parse(text, &lsn), 0);
    return lsn;
}

static void assert_last(const char *output, int rc, const char *expected)
{
    struct lsn lsn = LSN_UNKNOWN;

    assert_int_equal(walend_last_record(output, &layout, &lsn), rc);
    assert_true(lsn.pos == (expected == NULL ? 0 : at(expected).pos));
}

static void last_record(void **state)
{
    (void)state;
    assert_last("pg_waldump: error: error in WAL record at 0/1526470: invalid record "
                "length at 0/1526498: wanted 24, got 0\n",
                0, "0/1526470");
    /* 13, 14 */
    assert_last("pg_waldump: fatal: error in WAL record at 1/A526470: record with "
                "incorrect prev-link 0/0 at 1/A526498\n",
                0, "1/A526470");
    assert_last("pg_waldump: error: could not find a valid record after 0/1526498\n",
                WALEND_NOTHING, NULL);
    assert_last("pg_waldump: error: could not find file \"000000010000000200000005\": "
                "No such file or directory\n",
                WALEND_NO_FILE, "2/5000000");
}

static void last_record_of_other_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "pg_waldump: error: could not open directory \"x\"",
        "error in WAL record at ",
        "error in WAL record at 0/",
        "error in WAL record at 00000000000000000000000000/1",
        "could not find file \"",
        "could not find file \"00000001000000020000000\"",
        "could not find file \"0000000100000002000001FF\"", /* no such segment */
        "could not find file \"0000000x0000000200000005\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_last(texts[i], -EINVAL, NULL);
}

static void assert_end(const char *output, const char *expected)
{
    struct lsn lsn = LSN_UNKNOWN;

    assert_int_equal(walend_record_end(output, &layout, &lsn), 0);
    assert_true(lsn.pos == at(expected).pos);
}

#define LINE(rmgr, length, lsn, description)                                           \
    "rmgr: " rmgr " len (rec/tot):     34/ " length ", tx:        725, lsn: " lsn      \
    ", prev 0/01526430, desc: " description "\n"

static void record_end(void **state)
{
    (void)state;
    /* As pg_last_wal_replay_lsn() said: 0/1526498. */
    assert_end(LINE("Transaction", "   34", "0/01526470", "COMMIT 2026-11-25"),
               "0/1526498");
    /* The last line counts. */
    assert_end(LINE("Heap       ", "   59", "0/01526430", "INSERT off 106")
                   LINE("Transaction", "   34", "0/01526470", "COMMIT"),
               "0/1526498");
    /* Up to the very end of a page, and over it: a header of 24 bytes comes between. */
    assert_end(LINE("Heap       ", "   16", "0/01527FF0", "INSERT"), "0/1528000");
    assert_end(LINE("Heap       ", "   34", "0/01527FF0", "INSERT"), "0/1528030");
    /* Over two pages; of 40 bytes at a segment's start. */
    assert_end(LINE("Heap       ", " 8200", "0/01527FF0", "INSERT"), "0/152A028");
    assert_end(LINE("Heap       ", "   34", "0/01FFFFF0", "INSERT"), "0/2000040");
    /* The rest of the segment belongs to it. */
    assert_end(LINE("XLOG       ", "   24", "0/01526470", "SWITCH "), "0/2000000");
}

static void record_end_of_other_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "rmgr: ",
        "rmgr: Heap len (rec/tot): 59/ 59, tx: 1, desc: lsn",
        LINE("Heap", "0", "0/01526430", "INSERT"),
        LINE("Heap", "-3", "0/01526430", "INSERT"),
        LINE("Heap", "99999999999999999999", "0/01526430", "INSERT"),
        LINE("Heap", "34", "0/01526431", "INSERT"),
        LINE("Heap", "34", "nowhere", "INSERT"),
        /* The fields of another line do not count. */
        "rmgr: Heap\nlen (rec/tot):     34/    34, lsn: 0/01526470, desc: COMMIT\n",
    };
    struct lsn lsn = {17};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(walend_record_end(texts[i], &layout, &lsn), -EINVAL);
    assert_int_equal(walend_record_end(LINE("Heap", "34", "0/01526470", "INSERT"),
                                       &(struct walend_layout){0, 0}, &lsn),
                     -EINVAL);
    assert_true(lsn.pos == 17);
}

static void timeline_of_a_segment(void **state)
{
    static const char *const names[] = {"archive_status",
                                        "00000002.history",
                                        "000000010000000000000001",
                                        "000000020000000000000001",
                                        "000000030000000000000002",
                                        "000000090000000000000001.partial",
                                        NULL};

    (void)state;
    assert_int_equal(walend_timeline(names, &layout, at("0/1526498")), 2);
    assert_int_equal(walend_timeline(names, &layout, at("0/2000000")), 3);
    assert_int_equal(walend_timeline(names, &layout, at("0/3000000")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_record),
        cmocka_unit_test(last_record_of_other_texts),
        cmocka_unit_test(record_end),
        cmocka_unit_test(record_end_of_other_texts),
        cmocka_unit_test(timeline_of_a_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
