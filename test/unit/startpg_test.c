/* startpg_test.c - the command line of last time. The rest needs a server: it is in
 * test/integration/test_traps.py. */
#include <stdlib.h>

#include "pgstart.h"
#include "unit.h"

static void options_of_last_time(void **state)
{
    char *options = pgstart_options_of(
        "/usr/lib/postgresql/15/bin/postgres \"-D\" \"/var/lib/postgresql/15/main\" "
        "\"-c\" \"config_file=/etc/postgresql/15/main/postgresql.conf\"\n");

    (void)state;
    assert_string_equal(options, "\"-D\" \"/var/lib/postgresql/15/main\" \"-c\" "
                                 "\"config_file=/etc/postgresql/15/main/"
                                 "postgresql.conf\"");
    free(options);
}

static void private_options_are_not_taken_over(void **state)
{
    char *options = pgstart_options_of("/bin/postgres \"-D\" \"/data\" "
                                       PGSTART_PRIVATE_WORDS
                                       " \"-c\" \"listen_addresses=\"\n");

    (void)state;
    assert_string_equal(options, "\"-D\" \"/data\"");
    free(options);
}

static void other_texts_are_none(void **state)
{
    static const char *const texts[] = {"", "postgres", "postgres \"", "postgres \"-D",
                                        "postgres \"-D\" extra\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_null(pgstart_options_of(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_last_time),
        cmocka_unit_test(private_options_are_not_taken_over),
        cmocka_unit_test(other_texts_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
