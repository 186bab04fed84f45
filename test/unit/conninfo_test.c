/* conninfo_test.c - connection strings: read, change, compare, hide secrets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "unit.h"

static void checks_by_libpq(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(conninfo_check("", &err), 0);
    assert_int_equal(conninfo_check("host=a port=1 options='-c x=y'", &err), 0);
    assert_int_equal(conninfo_check("postgresql://u:p@h:5432/d?sslmode=require", &err),
                     0);
    assert_int_equal(conninfo_check("hots=a", &err), -EINVAL);
    assert_non_null(strstr(err.text, "hots"));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(conninfo_check("host", NULL), -EINVAL);
}

/* libpq names what it cannot parse; that may be the second word of a password. */
static void errors_name_no_part_of_a_password(void **state)
{
    static const char *const bad[] = {
        "host=a password=two SECRET",
        "password=a SECRET=b",
        "password = 'SECRET",
        "postgresql://u:p%zzSECRET@h/",
        "postgresql://u:SECRET@h/?x=y",
        "postgresql://u:p@h:1x/?pass%77ord=SECRET&SECRET",
    };
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(conninfo_check(bad[i], &err), -EINVAL);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "SECRET"));
    }
}

static void gets_what_is_written(void **state)
{
    static const char info[] = "host=a user='x y' password='q\\'r' port=''";
    char *host CLEANUP(cleanup_free) = conninfo_get(info, "host");
    char *user CLEANUP(cleanup_free) = conninfo_get(info, "user");
    char *password CLEANUP(cleanup_free) = conninfo_get(info, "password");
    char *uri CLEANUP(cleanup_free) = conninfo_get("postgresql://u@h1,h2/d", "host");

    (void)state;
    assert_string_equal(host, "a");
    assert_string_equal(user, "x y");
    assert_string_equal(password, "q'r");
    assert_string_equal(uri, "h1,h2");
    assert_null(conninfo_get(info, "port"));
    assert_null(conninfo_get(info, "dbname"));
    assert_null(conninfo_get(info, "nonsense"));
    assert_null(conninfo_get("host", "host"));
    assert_true(conninfo_has_secret(info));
    assert_true(conninfo_has_secret("sslpassword=x"));
    assert_false(conninfo_has_secret("host=password"));
}

static void builds_with_changes(void **state)
{
    static const struct conninfo_change changes[] = {
        {"application_name", "it's \\ a name"},
        {"dbname",           "replication"   },
        {"password",         NULL            },
    };
    struct err err = ERR_INIT;
    char *text CLEANUP(cleanup_free) = NULL, *name CLEANUP(cleanup_free) = NULL;
    char *password CLEANUP(cleanup_free) = NULL, *port CLEANUP(cleanup_free) = NULL;
    char *none;

    (void)state;
    assert_int_equal(conninfo_build(&text, "postgresql://u:s@h:77/d", changes, 3, &err),
                     0);
    name = conninfo_get(text, "application_name");
    assert_string_equal(name, "it's \\ a name");
    port = conninfo_get(text, "port");
    assert_string_equal(port, "77");
    password = conninfo_get(text, "password");
    assert_null(password);
    assert_non_null(strstr(text, "dbname=replication"));
    assert_int_equal(conninfo_build(&none, "host", NULL, 0, &err), -EINVAL);
    assert_int_equal(
        conninfo_build(&none, "", &(struct conninfo_change){"bad", "x"}, 1, &err),
        -EINVAL);
}

static void params_for_libpq(void **state)
{
    static const struct conninfo_change changes[] = {
        {"connect_timeout", "2" },
        {"host",            "b" },
        {"user",            NULL}
    };
    struct conninfo_params params = CONNINFO_PARAMS_NULL;
    struct err err = ERR_INIT;
    int seen = 0;

    (void)state;
    assert_int_equal(
        conninfo_params_init(&params, "host=a user=u password=s", changes, 3, &err), 0);
    for (size_t i = 0; i < params.n; i++) {
        seen += strcmp(params.keywords[i], "host") == 0 &&
                strcmp(params.values[i], "b") == 0;
        seen += strcmp(params.keywords[i], "connect_timeout") == 0;
        seen += strcmp(params.keywords[i], "password") == 0;
        assert_string_not_equal(params.keywords[i], "user");
    }
    assert_int_equal(seen, 3);
    assert_null(params.keywords[params.n]);
    assert_null(params.values[params.n]);
    conninfo_params_deinit(&params);
    conninfo_params_deinit(&params);
    assert_int_equal(conninfo_params_init(&params, "x", NULL, 0, &err), -EINVAL);
    conninfo_params_deinit(&params);
}

static void compares_by_meaning(void **state)
{
    (void)state;
    assert_true(conninfo_equal("host=a port=1", "port='1'  host = a"));
    assert_true(
        conninfo_equal("postgresql://u@a:1/d", "dbname=d user=u host=a port=1"));
    assert_false(conninfo_equal("host=a", "host=b"));
    assert_false(conninfo_equal("host=a", "host=a port=1"));
    assert_false(conninfo_equal("host=a port=1", "host=a"));
    assert_true(conninfo_equal("not one", "not one"));
    assert_false(conninfo_equal("not one", "host=a"));
}

static const struct {
    const char *text;
    const char *redacted;
} redactions[] = {
    {"host=a port=1",                                              "host=a port=1"                       },
    {"host=a password=SECRET port=1",                              "host=a password=*** port=1"          },
    {"password = SECRET port=1",                                   "password = *** port=1"               },
    {"password='two SECRET' port=1",                               "password=*** port=1"                 },
    {"password='it\\'s SECRET' port=1",                            "password=*** port=1"                 },
    {"password=a\\ SECRET port=1",                                 "password=*** port=1"                 },
    {"sslpassword=SECRET",                                         "sslpassword=***"                     },
    {"PGPASSWORD=SECRET psql",                                     "PGPASSWORD=*** psql"                 },
    {"user='x'password=SECRET",                                    "user='x'password=***"                },
    {"password='' host=a",                                         "password=*** host=a"                 },
    {"password='unfinished SECRET",                                "password=***"                        },
    {"primary_conninfo = 'host=a password=''two SECRET'' port=1'",
     "primary_conninfo = 'host=a password=*** port=1'"                                                   },
    {"'password=\\'two SECRET\\' port=1'",                         "'password=*** port=1'"               },
    {"primary_conninfo = 'password='' SECRET'' port=1'",
     "primary_conninfo = 'password=*** port=1'"                                                          },
    {"postgresql://u:SECRET@h/d",                                  "postgresql://u:***@h/d"              },
    {"postgres://u:SEC@RET@h/d",                                   "postgres://u:***@h/d"                },
    {"postgresql://u:two SECRET@h/d",                              "postgresql://u:***@h/d"              },
    {"postgresql://u:SECRET@h/?password=@SECRET&port=1",           "postgresql://u:***"                  },
    {"postgresql://u@h:5432/d",                                    "postgresql://u@h:5432/d"             },
    {"postgresql://h/d?password=SECRET&port=1",                    "postgresql://h/d?password=***&port=1"},
    {"postgresql://h/d?password=two SECRET&port=1",
     "postgresql://h/d?password=***&port=1"                                                              },
    {"postgresql://h/?a=b&pass%77ord=SECRET",                      "postgresql://h/?a=b&pass%77ord=***"  },
    {"could not use \"postgresql://u:SECRET@h/d\": no route",
     "could not use \"postgresql://u:***@h/d\": no route"                                                },
    {"ALTER ROLE x PASSWORD 'SECRET'",                             "ALTER ROLE x PASSWORD ***"           },
    {"password authentication failed for user \"x\"",
     "password authentication failed for user \"x\""                                                     },
    {"use_primary_conninfo_password = yes",                        "use_primary_conninfo_password = yes" },
    {"passfile=/a host=password",                                  "passfile=/a host=password"           },
    {"",                                                           ""                                    },
    {NULL,                                                         ""                                    },
};

static void hides_passwords_wherever_they_are(void **state)
{
    char small[] = "password=x y";

    (void)state;
    for (size_t i = 0; i < N_OF(redactions); i++) {
        char *text CLEANUP(cleanup_free) = conninfo_redact(redactions[i].text);

        assert_string_equal(text, redactions[i].redacted);
    }
    conninfo_redact_buf(small, sizeof small);
    assert_string_equal(small, "password=***");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_by_libpq),
        cmocka_unit_test(errors_name_no_part_of_a_password),
        cmocka_unit_test(gets_what_is_written),
        cmocka_unit_test(builds_with_changes),
        cmocka_unit_test(params_for_libpq),
        cmocka_unit_test(compares_by_meaning),
        cmocka_unit_test(hides_passwords_wherever_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
