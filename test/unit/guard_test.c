/* guard_test.c - the start guard: its files, what PostgreSQL makes of them, and which
 * settings do not go with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fence.h"
#include "guard.h"
#include "mono.h"
#include "pg_fixture.h"
#include "pgdata.h"
#include "proc.h"
#include "unit.h"

static struct pg pg;

static int setup(void **state)
{
    (void)state;
    pg_make(&pg, "a");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pg_remove(&pg);
    return 0;
}

static void armed_and_disarmed(void **state)
{
    struct err err = ERR_INIT;
    struct pgdata_info info;

    (void)state;
    assert_false(guard_is_armed(pg.data));
    assert_int_equal(guard_disarm(pg.data, &err), 0); /* nothing there */
    assert_int_equal(guard_arm(pg.data, &err), 0);
    assert_int_equal(guard_arm(pg.data, &err), 0);
    assert_true(guard_is_armed(pg.data));
    assert_int_equal(pgdata_inspect(pg.data, &info, &err), 0);
    assert_true(info.standby_signal);
    assert_int_equal(guard_disarm(pg.data, &err), 0);
    assert_false(guard_is_armed(pg.data));
    assert_int_equal(guard_arm("/no/such/directory", &err), -ENOENT);
}

static void held_and_released(void **state)
{
    struct err err = ERR_INIT;
    char *text;

    (void)state;
    assert_int_equal(guard_unhold(pg.data, &err), 0);
    assert_int_equal(guard_hold(pg.data, &err), 0);
    assert_int_equal(guard_hold(pg.data, &err), 0);
    assert_true(guard_is_held(pg.data));
    assert_int_equal(pgdata_read(pg.data, "recovery.conf", &text, &err), 0);
    assert_non_null(strstr(text, "pgrmon node release"));
    free(text);
    assert_int_equal(guard_unhold(pg.data, &err), 0);
    assert_false(guard_is_held(pg.data));
}

static void a_foreign_recovery_conf_is_left_alone(void **state)
{
    static const char theirs[] = "restore_command = 'cp /archive/%f %p'\n";
    struct err err = ERR_INIT;
    char *text;

    (void)state;
    assert_int_equal(pgdata_write(pg.data, "recovery.conf", theirs, &err), 0);
    assert_int_equal(guard_hold(pg.data, &err), GUARD_E_FOREIGN);
    assert_false(guard_is_held(pg.data));
    assert_int_equal(guard_unhold(pg.data, &err), GUARD_E_FOREIGN);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(pgdata_read(pg.data, "recovery.conf", &text, &err), 0);
    assert_string_equal(text, theirs);
    free(text);
}

/* Kill all of it, and wait until a zombie's file is out of the way. */
static void crash(void)
{
    pid_t postmaster = pg_postmaster(&pg);
    struct fence fence;

    fence_init(&fence, pg.data);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    fence_deinit(&fence);
    PG_WAIT(pg_state_of(postmaster) == '-');
}

/* Rule G1: armed while it runs, it comes back read-only after a crash. */
static void a_guarded_restart_is_read_only(void **state)
{
    PGconn *conn;
    char *in_recovery;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(guard_arm(pg.data, NULL), 0);
    conn = pg_connect(&pg);
    pg_exec(conn, "create table t(n int)"); /* it is not in the way */
    PQfinish(conn);
    crash();
    pg_start(&pg, "");
    conn = pg_connect(&pg);
    in_recovery = pg_value(conn, "select pg_is_in_recovery()");
    assert_string_equal(in_recovery, "t");
    free(in_recovery);
    pg_exec(conn, "select pg_promote()");
    assert_false(guard_is_armed(pg.data)); /* rule G3: to be written again */
    PQfinish(conn);
}

/* postgres-facts 9 */
static void a_held_server_does_not_start_and_loses_nothing(void **state)
{
    struct err err = ERR_INIT;
    PGconn *conn;
    char *n;

    (void)state;
    pg_start(&pg, "");
    conn = pg_connect(&pg);
    pg_exec(conn, "create unlogged table t as select 1 as n");
    PQfinish(conn);
    pg_stop(&pg, "fast");
    assert_int_equal(guard_hold(pg.data, &err), 0);
    assert_false(pg_can_start(&pg));
    assert_int_equal(guard_unhold(pg.data, &err), 0);
    pg_start(&pg, "");
    conn = pg_connect(&pg);
    n = pg_value(conn, "select n from t");
    assert_string_equal(n, "1");
    free(n);
    n = pg_value(conn, "select timeline_id from pg_control_checkpoint()");
    assert_string_equal(n, "1");
    free(n);
    PQfinish(conn);
}

static void a_permit_ends(void **state)
{
    struct err err = ERR_INIT;
    int64_t now = mono_now().ms;

    (void)state;
    assert_false(guard_is_permitted(pg.directory));
    assert_int_equal(guard_permit(pg.directory, now + 600000, &err), 0);
    assert_true(guard_is_permitted(pg.directory));
    assert_int_equal(guard_permit(pg.directory, now, &err), 0);
    assert_false(guard_is_permitted(pg.directory));
    assert_int_equal(guard_permit(pg.directory, now + 600000, &err), 0);
    guard_revoke(pg.directory);
    assert_false(guard_is_permitted(pg.directory));
    assert_int_equal(
        pgdata_write(pg.directory, "start-permit",
                     "00000000-0000-0000-0000-000000000000 9000000000000\n", &err),
        0);
    assert_false(guard_is_permitted(pg.directory)); /* of another boot */
}

/* ---- settings ------------------------------------------------------------------- */

static const struct guard_setting sound[] = {
    {"wal_level",                "replica", NULL },
    {"hot_standby",              "on",      NULL },
    {"max_connections",          "100",     "200"},
    {"recovery_target_timeline", "latest",  NULL },
    {"recovery_target",          "",        NULL },
    {"port",                     "5432",    NULL },
    {"restore_command",          "",        NULL },
    {"primary_conninfo",         NULL,      NULL },
};

static int check_one(struct guard_setting setting, struct err *err)
{
    struct guard_setting settings[N_OF(sound) + 1];

    settings[0] = setting; /* the first one of a name counts */
    memcpy(settings + 1, sound, sizeof sound);
    *err = (struct err)ERR_INIT;
    return guard_check(settings, N_OF(settings), "host=node1 port=5433 user=pgrmon",
                       err);
}

static void settings_that_do_not_go_with_a_guard(void **state)
{
    static const struct guard_setting bad[] = {
        {"recovery_target",           "immediate",                   NULL            },
        {"recovery_target_lsn",       "",                            "0/3000000"     },
        {"recovery_target_name",      "before",                      NULL            },
        {"recovery_target_time",      "2026-01-01",                  NULL            },
        {"recovery_target_xid",       "700",                         NULL            },
        {"recovery_target_timeline",  "3",                           NULL            },
        {"wal_level",                 "minimal",                     NULL            },
        {"wal_level",                 "replica",                     "minimal"       },
        {"hot_standby",               "off",                         NULL            },
        {"hot_standby",               "on",                          "false"         },
        {"max_connections",           "100",                         "99"            },
        {"max_wal_senders",           "10",                          "5"             },
        {"max_worker_processes",      "8",                           "4"             },
        {"max_prepared_transactions", "10",                          "0"             },
        {"max_locks_per_transaction", "64",                          "32"            },
        {"primary_conninfo",          "host=NODE1 port=5433 user=x", NULL            },
        {"primary_conninfo",          "host=/run/postgresql user=x", NULL            },
        {"primary_conninfo",          "host=127.0.0.1 port=5432",    NULL            },
        {"primary_conninfo",          "host=node9",                  "host=localhost"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        if (check_one(bad[i], &err) != GUARD_E_REFUSED)
            fail_msg("accepted: %s = %s, %s", bad[i].name, bad[i].value,
                     bad[i].next != NULL ? bad[i].next : "-");
        assert_non_null(strstr(err.text, bad[i].name));
        assert_true(err.detail[0] != '\0' && err.hint[0] != '\0');
    }
}

static void settings_that_do(void **state)
{
    static const struct guard_setting good[] = {
        {"recovery_target",          "immediate",            ""       },
        {"recovery_target_timeline", "current",              NULL     },
        {"wal_level",                "minimal",              "replica"},
        {"hot_standby",              "off",                  "on"     },
        {"max_connections",          "100",                  "100"    },
        {"max_connections",          NULL,                   NULL     },
        {"primary_conninfo",         "host=node2 port=5433", NULL     },
        {"primary_conninfo",         "host=node1 port=5434", NULL     },
        {"primary_conninfo",         "host=node1",           ""       },
        {"something_else",           "minimal",              NULL     },
    };
    struct err err;

    (void)state;
    assert_int_equal(guard_check(NULL, 0, NULL, &err), 0);
    for (size_t i = 0; i < N_OF(good); i++)
        if (check_one(good[i], &err) != 0)
            fail_msg("refused: %s = %s", good[i].name, good[i].value);
    assert_int_equal(
        check_one((struct guard_setting){"restore_command", "cp x %p", NULL}, &err),
        GUARD_E_SLOW);
}

static void no_secret_in_a_reason(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(
        check_one((struct guard_setting){"primary_conninfo",
                                         "host=node1 port=5433 password=geheim", NULL},
                  &err),
        GUARD_E_REFUSED);
    assert_null(strstr(err.text, "geheim"));
    assert_null(strstr(err.detail, "geheim"));
    assert_null(strstr(err.hint, "geheim"));
}

int main(void)
{
#define REAL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        REAL(armed_and_disarmed),
        REAL(held_and_released),
        REAL(a_foreign_recovery_conf_is_left_alone),
        REAL(a_guarded_restart_is_read_only),
        REAL(a_held_server_does_not_start_and_loses_nothing),
        REAL(a_permit_ends),
        cmocka_unit_test(settings_that_do_not_go_with_a_guard),
        cmocka_unit_test(settings_that_do),
        cmocka_unit_test(no_secret_in_a_reason),
    };
    int failed;

    if (pg_fixture_begin() != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_end();
    return failed;
}
