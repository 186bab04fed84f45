/* precheck_test.c - a list of findings becomes an exit code and one error. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "exit_code.h"
#include "log.h"
#include "precheck.h"
#include "unit.h"

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static void nothing_against_it(void **state)
{
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(precheck_report(&list, "x", false, &err), 0);
    precheck_add(&list, PRECHECK_OK, "fine %d", 1);
    precheck_add(&list, PRECHECK_WARN, "hm");
    precheck_detail(&list, "why");
    precheck_fail_unless(&list, true, EXIT_CODE_BASEBACKUP, "forced");
    assert_int_equal(precheck_report(&list, "x", true, &err), 0);
    assert_string_equal(err.text, "");
}

static void one_failure_is_the_error(void **state)
{
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    struct err err = ERR_INIT;

    (void)state;
    precheck_add(&list, PRECHECK_OK, "fine");
    precheck_fail(&list, EXIT_CODE_DB_CONN, "no %s", "way");
    precheck_detail(&list, "first");
    precheck_detail(&list, "the reason");
    precheck_hint(&list, "do %d", 2);
    precheck_add(&list, PRECHECK_OK, "fine too");
    assert_int_equal(precheck_report(&list, "x", false, &err), EXIT_CODE_DB_CONN);
    assert_string_equal(err.text, "no way");
    assert_string_equal(err.detail, "the reason");
    assert_string_equal(err.hint, "do 2");
}

static void of_several_the_first_decides(void **state)
{
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    struct err err = ERR_INIT, cause = ERR_INIT;

    (void)state;
    (void)err_set(&cause, -EIO, "cause");
    err_hint(&cause, "its hint");
    log_set_level(LOG_LEVEL_ERROR);
    precheck_fail_err(&list, EXIT_CODE_BASEBACKUP, &cause);
    assert_string_equal(list.items[0].hint, "its hint");
    assert_null(list.items[0].detail);
    precheck_fail_unless(&list, false, EXIT_CODE_BAD_CONFIG, "another");
    assert_int_equal(precheck_report(&list, "standby clone", false, &err),
                     EXIT_CODE_BASEBACKUP);
    assert_string_equal(err.text, "2 prerequisites for \"standby clone\" are not met");
    assert_true(err.hint[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_against_it),
        cmocka_unit_test(one_failure_is_the_error),
        cmocka_unit_test(of_several_the_first_decides),
    };

    return cmocka_run_group_tests(tests, quiet, NULL);
}
