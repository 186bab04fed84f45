/* node_guard_test.c - the commands `node guard` and `node release` on real data
 * directories. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "guard.h"
#include "mono.h"
#include "pg_fixture.h"
#include "state.h"
#include "unit.h"

static struct pg pg;
static struct cmd_context context;
static char state_file[200];

static int setup(void **state)
{
    char *directory;

    (void)state;
    pg_make(&pg, "a");
    directory = xasprintf("%s/state", pg.directory);
    (void)snprintf(state_file, sizeof state_file, "%s/" GUARD_STATE_FILE, directory);
    context = (struct cmd_context){
        .config =
            {
                     .data_directory = pg.data,
                     .state_directory = directory,
                     .start_guard = CONFIG_GUARD_READ_ONLY,
                     },
    };
    return mkdir(directory, 0700);
}

static int teardown(void **state)
{
    (void)state;
    free(context.config.state_directory);
    pg_remove(&pg);
    return 0;
}

/* The daemon's mark; the descriptor, as the daemon would hold it. */
static int manage(void)
{
    int fd = open(state_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    return fd;
}

static int guard(void)
{
    struct err err = ERR_INIT;

    return cmd_node_guard.run(&context, &err);
}

static int release(void)
{
    struct err err = ERR_INIT;
    int code = cmd_node_release.run(&context, &err);

    assert_true(code == 0 || (err.detail[0] != '\0' && err.hint[0] != '\0'));
    return code;
}

static bool guarded(void)
{
    return guard_is_armed(pg.data) || guard_is_held(pg.data);
}

static void only_a_managed_node_is_guarded(void **state)
{
    (void)state;
    assert_int_equal(guard(), 0);
    assert_false(guarded());
    assert_int_equal(close(manage()), 0);
    context.line.dry_run = true;
    assert_int_equal(guard(), 0);
    assert_false(guarded());
    context.line.dry_run = false;
    assert_int_equal(guard(), 0);
    assert_true(guard_is_armed(pg.data));
}

static void off_is_off(void **state)
{
    (void)state;
    assert_int_equal(close(manage()), 0);
    context.config.start_guard = CONFIG_GUARD_OFF;
    assert_int_equal(guard(), 0);
    assert_false(guarded());
}

static void the_leaders_own_start_is_let_through(void **state)
{
    const char *directory = context.config.state_directory;

    (void)state;
    assert_int_equal(close(manage()), 0);
    assert_int_equal(guard_permit(directory, mono_now().ms + 600000, NULL), 0);
    assert_int_equal(guard(), 0);
    assert_false(guarded());
    guard_revoke(directory);
    assert_int_equal(guard(), 0);
    assert_true(guarded());
}

static void a_standby_is_not_held(void **state)
{
    (void)state;
    assert_int_equal(close(manage()), 0);
    context.config.start_guard = CONFIG_GUARD_HOLD;
    assert_int_equal(guard_arm(pg.data, NULL), 0);
    assert_int_equal(guard(), 0);
    assert_false(guard_is_held(pg.data));
    assert_int_equal(guard_disarm(pg.data, NULL), 0);
    assert_int_equal(guard(), 0);
    assert_true(guard_is_held(pg.data));
    assert_false(guard_is_armed(pg.data));
}

static void no_data_directory_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(close(manage()), 0);
    context.config.data_directory = pg.directory;
    assert_int_equal(guard(), EXIT_CODE_BAD_CONFIG);
}

static void released_is_writable_again(void **state)
{
    PGconn *conn;

    (void)state;
    assert_int_equal(release(), 0); /* nothing there */
    assert_int_equal(guard_arm(pg.data, NULL), 0);
    assert_int_equal(guard_hold(pg.data, NULL), 0);
    context.line.dry_run = true;
    assert_int_equal(release(), 0);
    assert_true(guard_is_armed(pg.data) && guard_is_held(pg.data));
    context.line.dry_run = false;
    assert_int_equal(release(), 0);
    assert_false(guarded());
    pg_start(&pg, "");
    conn = pg_connect(&pg);
    pg_exec(conn, "create table t(n int)");
    PQfinish(conn);
}

static void refused_while_the_daemon_runs(void **state)
{
    int fd, managed = manage();
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(guard_arm(pg.data, NULL), 0);
    assert_int_equal(state_lock(context.config.state_directory, &fd, &err), 0);
    assert_int_equal(release(), EXIT_CODE_BAD_CONFIG);
    assert_true(guarded());
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(managed), 0);
    assert_int_equal(release(), 0);
    assert_false(guarded());
}

/* The same file is what makes a standby one. */
static void refused_where_it_may_be_a_standby(void **state)
{
    (void)state;
    pg_start(&pg, ""); /* initdb's own WAL is of level minimal */
    pg_stop(&pg, "fast");
    assert_int_equal(guard_arm(pg.data, NULL), 0);
    pg_start(&pg, "");
    assert_int_equal(release(), EXIT_CODE_BAD_CONFIG);
    pg_stop(&pg, "fast");
    assert_int_equal(release(), EXIT_CODE_BAD_CONFIG);
    assert_true(guarded());
    context.line.force = true;
    assert_int_equal(release(), 0);
    assert_false(guarded());
}

int main(void)
{
#define REAL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        REAL(only_a_managed_node_is_guarded),
        REAL(off_is_off),
        REAL(the_leaders_own_start_is_let_through),
        REAL(a_standby_is_not_held),
        REAL(no_data_directory_is_an_error),
        REAL(released_is_writable_again),
        REAL(refused_while_the_daemon_runs),
        REAL(refused_where_it_may_be_a_standby),
    };
    int failed;

    if (pg_fixture_begin() != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_end();
    return failed;
}
