/* lsn_test.c - reading and writing WAL positions. */
#include <errno.h>

#include "lsn.h"
#include "unit.h"

static void reads_what_postgresql_writes(void **state)
{
    struct lsn lsn = LSN_UNKNOWN;

    (void)state;
    assert_int_equal(lsn_parse("16/B374D848", &lsn), 0);
    assert_true(lsn.pos == UINT64_C(0x16B374D848));
    assert_int_equal(lsn_parse("FFFFFFFF/FFFFFFFF", &lsn), 0);
    assert_true(lsn.pos == UINT64_MAX);
    assert_int_equal(lsn_parse("0/0", &lsn), 0);
    assert_false(lsn_known(lsn));
}

static void refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",     "/",    "1",     "1/",    "/1",   "x/1",         "1/g",        " 1/1",
        "1/1 ", "-1/1", "1/1/1", "0x1/1", "+1/1", "123456789/0", "0/123456789"};
    struct lsn lsn = {7};

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(lsn_parse(bad[i], &lsn), -EINVAL);
        assert_int_equal(lsn.pos, 7);
    }
}

static void writes_what_it_reads(void **state)
{
    static const char *const texts[] = {"0/0", "0/1", "1/0", "16/B374D848",
                                        "FFFFFFFF/FFFFFFFF"};
    char buf[LSN_TEXT_SIZE];
    struct lsn lsn;

    (void)state;
    for (size_t i = 0; i < N_OF(texts); i++) {
        assert_int_equal(lsn_parse(texts[i], &lsn), 0);
        assert_string_equal(lsn_format(lsn, buf), texts[i]);
    }
}

static void compares(void **state)
{
    struct lsn low = {1}, high = {UINT64_C(1) << 40};

    (void)state;
    assert_true(lsn_cmp(low, high) < 0);
    assert_true(lsn_cmp(high, low) > 0);
    assert_int_equal(lsn_cmp(low, low), 0);
    assert_true(lsn_max(low, high).pos == high.pos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_postgresql_writes),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(compares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
