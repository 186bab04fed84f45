/* What libpq is given: hosts one at a time, our settings, nothing inherited. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgconn.h"
#include "pgconn_params.h"
#include "unit.h"

static const struct pgconn_options plain = {.application_name = "pgrmon/test"};

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("PGHOST");
    (void)unsetenv("PGHOSTADDR");
    (void)unsetenv("PGPORT");
    (void)unsetenv("PGSERVICE");
    (void)unsetenv("PGSERVICEFILE");
    (void)unsetenv("PGGSSENCMODE");
    return 0;
}

static struct pgconn_params read_params(const char *conninfo)
{
    struct pgconn_params params = PGCONN_PARAMS_NULL;
    struct err err = ERR_INIT;

    if (pgconn_params_init(&params, conninfo, &plain, &err) != 0)
        fail_msg("%s: %s (%s)", conninfo, err.text, err.detail);
    return params;
}

static void check_equal(const char *got, const char *expected)
{
    if (expected == NULL)
        assert_null(got);
    else
        assert_string_equal(got == NULL ? "(null)" : got, expected);
}

static void check_target(const struct pgconn_params *params,
                         int i,
                         const char *host,
                         const char *hostaddr,
                         const char *port,
                         bool is_name)
{
    assert_true(i < params->n_targets);
    check_equal(params->targets[i].host, host);
    check_equal(params->targets[i].hostaddr, hostaddr);
    check_equal(params->targets[i].port, port);
    assert_int_equal(params->targets[i].is_name, is_name);
}

static void check_one(const char *conninfo,
                      const char *host,
                      const char *hostaddr,
                      const char *port,
                      bool is_name)
{
    struct pgconn_params params = read_params(conninfo);

    assert_int_equal(params.n_targets, 1);
    check_target(&params, 0, host, hostaddr, port, is_name);
    pgconn_params_deinit(&params);
}

static void test_one_host(void **state)
{
    (void)state;
    check_one("host=node1 port=5433", "node1", NULL, "5433", true);
    check_one("postgresql://u:p@node1:5433/db", "node1", NULL, "5433", true);
    check_one("postgresql://[fe80::1%25lo]/db", "fe80::1%lo", NULL, "5432", false);
    check_one("host=10.0.0.1", "10.0.0.1", NULL, "5432", false);
    check_one("host=::1", "::1", NULL, "5432", false);
    check_one("host=/tmp", "/tmp", NULL, "5432", false);
    check_one("host=@abstract", "@abstract", NULL, "5432", false);
    check_one("host=node1 hostaddr=10.0.0.1", "node1", "10.0.0.1", "5432", false);
    check_one("hostaddr=10.0.0.1", NULL, "10.0.0.1", "5432", false);
    check_one("dbname=x", NULL, NULL, "5432", false);
}

static void test_several_hosts(void **state)
{
    struct pgconn_params params = read_params("host=a,/tmp,::1 port=1,2,3");

    (void)state;
    assert_int_equal(params.n_targets, 3);
    check_target(&params, 0, "a", NULL, "1", true);
    check_target(&params, 1, "/tmp", NULL, "2", false);
    check_target(&params, 2, "::1", NULL, "3", false);
    pgconn_params_deinit(&params);

    params = read_params("host=a,b hostaddr=,10.0.0.2 port=7");
    assert_int_equal(params.n_targets, 2);
    check_target(&params, 0, "a", NULL, "7", true);
    check_target(&params, 1, "b", "10.0.0.2", "7", false);
    pgconn_params_deinit(&params);
}

static void test_environment(void **state)
{
    (void)state;
    (void)setenv("PGHOST", "envhost", 1);
    (void)setenv("PGPORT", "6000", 1);
    check_one("dbname=x", "envhost", NULL, "6000", true);
    check_one("host=own", "own", NULL, "6000", true);
    (void)setenv("PGHOSTADDR", "10.9.9.9", 1);
    check_one("dbname=x", "envhost", "10.9.9.9", "6000", false);
}

static void test_service_file(void **state)
{
    char path[] = "/tmp/pgrmon-service-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)dprintf(fd, "[prod]\nhost=sa,sb\nport=7001,7002\noptions=-c geqo=off\n");
    (void)close(fd);
    (void)setenv("PGSERVICEFILE", path, 1);
    struct pgconn_params params = read_params("service=prod user=x");

    assert_int_equal(params.n_targets, 2);
    check_target(&params, 0, "sa", NULL, "7001", true);
    check_target(&params, 1, "sb", NULL, "7002", true);
    pgconn_params_deinit(&params);
    (void)unlink(path);
}

static void check_refused(const char *conninfo, const char *text)
{
    struct pgconn_params params = PGCONN_PARAMS_NULL;
    struct err err = ERR_INIT;

    assert_true(pgconn_params_init(&params, conninfo, &plain, &err) < 0);
    if (strstr(err.text, text) == NULL && strstr(err.detail, text) == NULL)
        fail_msg("\"%s\" is not in: %s (%s)", text, err.text, err.detail);
    assert_null(strstr(err.text, "s3cret"));
    assert_null(strstr(err.detail, "s3cret"));
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("host=a,b hostaddr=10.0.0.1", "2 host names do not match 1");
    check_refused("host=a,b,c port=1,2", "2 port numbers do not match 3");
    check_refused("host=a bogus=1", "");
    check_refused("host=a password='s3cret", "");
    check_refused("host=a password=x s3cret", "");
}

/* The value that libpq got for `keyword` in an attempt at the first target. */
static char *
given(const struct pgconn_params *params, const char *address, const char *keyword)
{
    PGconn *conn = pgconn_params_start(params, &params->targets[0], address);
    PQconninfoOption *list = PQconninfo(conn);
    char *value = NULL;

    for (PQconninfoOption *o = list; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0 && o->val != NULL)
            value = strdup(o->val);
    }
    PQconninfoFree(list);
    PQfinish(conn);
    return value;
}

static void check_given(const char *conninfo,
                        const char *address,
                        const char *keyword,
                        const char *expected)
{
    struct pgconn_params params = read_params(conninfo);
    char *got = given(&params, address, keyword);

    check_equal(got, expected);
    free(got);
    pgconn_params_deinit(&params);
}

static void test_name_stays_beside_address(void **state)
{
    (void)state;
    check_given("host=node1 port=1 sslmode=verify-full", "127.0.0.1", "host", "node1");
    check_given("host=node1 port=1", "127.0.0.1", "hostaddr", "127.0.0.1");
    check_given("host=node1,node2 port=1,2", "127.0.0.1", "port", "1");
}

static void test_settings(void **state)
{
    const char *c = "hostaddr=127.0.0.1 port=1 application_name=other replication=yes"
                    " target_session_attrs=any keepalives_idle=77";

    (void)state;
    check_given(c, NULL, "application_name", "pgrmon/test");
    check_given(c, NULL, "client_encoding", "UTF8");
    check_given(c, NULL, "replication", NULL);
    check_given(c, NULL, "target_session_attrs", "any");
    check_given(c, NULL, "keepalives_idle", "77");
    check_given(c, NULL, "keepalives_interval", "1");
    check_given(c, NULL, "tcp_user_timeout", "2000");
    check_given(c, NULL, "gssencmode", "disable");
    (void)setenv("PGGSSENCMODE", "prefer", 1);
    check_given(c, NULL, "gssencmode", "prefer");
}

static void test_server_options(void **state)
{
    const struct pgconn_options slow = {.statement_timeout_ms = 1234,
                                        .replication = true};
    struct pgconn_params params = PGCONN_PARAMS_NULL;
    char *options, *replication, *name;

    (void)state;
    assert_int_equal(
        pgconn_params_init(
            &params,
            "hostaddr=127.0.0.1 port=1 options='-c search_path=evil -c geqo=off'",
            &slow, NULL),
        0);
    options = given(&params, NULL, "options");
    /* The user's first: of two the server takes the last. */
    assert_int_equal(strncmp(options, "-c search_path=evil -c geqo=off ", 32), 0);
    assert_non_null(strstr(options, " -c search_path=pg_catalog,pg_temp"));
    assert_non_null(strstr(options, " -c statement_timeout=1234"));
    assert_non_null(strstr(options, " -c lock_timeout=1234"));
    assert_non_null(strstr(options, " -c synchronous_commit=local"));
    assert_non_null(strstr(options, " -c tcp_keepalives_idle=1"));
    replication = given(&params, NULL, "replication");
    assert_string_equal(replication, "database");
    name = given(&params, NULL, "application_name");
    assert_string_equal(name, "pgrmon");
    free(options);
    free(replication);
    free(name);
    pgconn_params_deinit(&params);
    pgconn_params_deinit(&params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_host, setup),
        cmocka_unit_test_setup(test_several_hosts, setup),
        cmocka_unit_test_setup(test_environment, setup),
        cmocka_unit_test_setup(test_service_file, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_name_stays_beside_address, setup),
        cmocka_unit_test_setup(test_settings, setup),
        cmocka_unit_test_setup(test_server_options, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
