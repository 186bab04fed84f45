/* err_test.c - errors as values. */
#include <errno.h>
#include <string.h>

#include "err.h"
#include "unit.h"

static void carries_code_text_detail_and_hint(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(err_set(&err, -ENOENT, "no file \"%s\"", "x"), -ENOENT);
    err_detail(&err, "looked in %d places", 2);
    err_hint(&err, "name it");
    err_prefix(&err, "node \"%s\"", "node1");
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "node \"node1\": no file \"x\"");
    assert_string_equal(err.detail, "looked in 2 places");
    assert_string_equal(err.hint, "name it");
}

static void setting_again_forgets_the_old_one(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    (void)err_set(&err, -EIO, "first");
    err_detail(&err, "detail");
    err_hint(&err, "hint");
    (void)err_set(&err, -EINVAL, "second");
    assert_string_equal(err.text, "second");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "text"), -EIO);
    err_detail(NULL, "detail");
    err_hint(NULL, "hint");
    err_prefix(NULL, "prefix");
}

static void long_texts_are_cut_not_overrun(void **state)
{
    struct err err = ERR_INIT;
    char text[4096];

    (void)state;
    (void)memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)err_set(&err, -EIO, "%s", text);
    err_detail(&err, "%s", text);
    err_hint(&err, "%s", text);
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_code_text_detail_and_hint),
        cmocka_unit_test(setting_again_forgets_the_old_one),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(long_texts_are_cut_not_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
