/* schema_test.c - the embedded texts, and the way through upgrades. */
#include <string.h>

#include "queries.h"
#include "schema.h"
#include "unit.h"

static const struct sql_upgrade list[] = {
    {1, 2, "one"  },
    {2, 3, "two"  },
    {3, 4, "three"},
    {0, 0, NULL   },
};

static void text_is_whole(void **state)
{
    const char *text = schema_create_text();

    (void)state;
    assert_non_null(strstr(text, "CREATE SCHEMA pgrmon;"));
    assert_non_null(strstr(text, "FUNCTION pgrmon.record_promotion("));
    assert_non_null(strstr(text, "CREATE VIEW pgrmon.history"));
    assert_null(strchr(text, '@'));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void way_is_found(void **state)
{
    const struct sql_upgrade *step = schema_upgrades_in(list, 2, 4);

    (void)state;
    assert_string_equal(step[0].text, "two");
    assert_string_equal(step[1].text, "three");
    assert_null(step[2].text);
}

static void present_version_needs_no_step(void **state)
{
    (void)state;
    assert_null(schema_upgrades_in(list, 4, 4)->text);
    assert_null(schema_upgrades(QUERY_SCHEMA_VERSION)->text);
}

static void no_way(void **state)
{
    (void)state;
    assert_null(schema_upgrades_in(list, 5, 4)); /* newer than this program */
    assert_null(schema_upgrades_in(list, 0, 4)); /* never existed */
    assert_null(schema_upgrades_in(list, 1, 5)); /* a step is missing */
    assert_null(schema_upgrades(QUERY_SCHEMA_VERSION + 1));
}

/* Every version ever released leads to the present one. */
static void embedded_list_is_a_chain(void **state)
{
    (void)state;
    for (int from = 1; from <= QUERY_SCHEMA_VERSION; from++)
        assert_non_null(schema_upgrades(from));
    for (const struct sql_upgrade *step = sql_upgrades; step->text != NULL; step++)
        assert_int_equal(step->to, step->from + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_whole),
        cmocka_unit_test(way_is_found),
        cmocka_unit_test(present_version_needs_no_step),
        cmocka_unit_test(no_way),
        cmocka_unit_test(embedded_list_is_a_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
