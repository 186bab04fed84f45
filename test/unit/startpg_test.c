/* startpg_test.c - the command line of last time. The rest needs a server: it is in
 * test/integration/test_traps.py. */
#include <stdlib.h>

#include "startpg.h"
#include "unit.h"

static void options_of_last_time(void **state)
{
    char *options = startpg_options(
        "/usr/lib/postgresql/15/bin/postgres \"-D\" \"/var/lib/postgresql/15/main\" "
        "\"-c\" \"config_file=/etc/postgresql/15/main/postgresql.conf\"\n");

    (void)state;
    assert_string_equal(options, "\"-D\" \"/var/lib/postgresql/15/main\" \"-c\" "
                                 "\"config_file=/etc/postgresql/15/main/"
                                 "postgresql.conf\"");
    free(options);
}

static void other_texts_are_none(void **state)
{
    static const char *const texts[] = {"", "postgres", "postgres \"", "postgres \"-D",
                                        "postgres \"-D\" extra\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_null(startpg_options(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_last_time),
        cmocka_unit_test(other_texts_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
