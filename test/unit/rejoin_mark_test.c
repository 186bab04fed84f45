/* rejoin_mark_test.c - lock, mark, brake and record of `node rejoin`. What pg_rewind
 * and PostgreSQL make of them is tried in test/integration/test_rejoin.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard.h"
#include "pgdata.h"
#include "rejoin_mark.h"
#include "unit.h"

static char directory[64];

static int setup(void **state)
{
    (void)state;
    (void)strcpy(directory, "/tmp/rejoin_mark_XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {REJOIN_MARK_NAME, "recovery.conf",
                                        REJOIN_LOCK_NAME, REJOIN_RECORD_NAME};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory); /* nothing else is left */
}

static mode_t kind(const char *name)
{
    char path[128];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return lstat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static void one_at_a_time(void **state)
{
    struct err err = ERR_INIT;
    int fd = -1, other = -1;

    (void)state;
    assert_int_equal(rejoin_may_start(directory, directory, &err), 0);
    assert_int_equal(rejoin_lock(directory, &fd, &err), 0);
    assert_int_equal(rejoin_lock(directory, &other, &err), REJOIN_E_BUSY);
    assert_int_equal(rejoin_may_start(directory, directory, &err), REJOIN_E_BUSY);
    (void)close(fd);
    assert_int_equal(rejoin_may_start(directory, directory, &err), 0);
}

static void the_mark_keeps_postgresql_down(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(rejoin_mark(directory, false, &err), 0);
    assert_true(rejoin_is_marked(directory));
    assert_true(kind(REJOIN_MARK_NAME) == S_IFIFO && kind("recovery.conf") == S_IFIFO);
    assert_int_equal(rejoin_may_start(directory, directory, &err), REJOIN_E_UNFINISHED);
    assert_non_null(strstr(err.hint, "pgrmon node rejoin"));
    /* Nobody who looks at the guard waits at the FIFO, or takes it for his. */
    assert_false(guard_is_held(directory));
    assert_int_equal(guard_unhold(directory, &err), GUARD_E_FOREIGN);
    assert_int_equal(rejoin_mark(directory, false, &err), 0);
    assert_int_equal(rejoin_unmark(directory, &err), 0);
    assert_int_equal(rejoin_may_start(directory, directory, &err), 0);
    assert_int_equal(kind("recovery.conf"), 0);
}

/* pg_rewind would wait for ever to write the leader's recovery.conf into a FIFO. */
static void a_leader_with_a_brake(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(rejoin_mark(directory, true, &err), 0);
    assert_true(kind(REJOIN_MARK_NAME) == S_IFIFO && kind("recovery.conf") == S_IFREG);
    assert_int_equal(rejoin_mark(directory, false, &err), 0);
    assert_true(kind("recovery.conf") == S_IFIFO);
}

static void own_brake_is_replaced_and_a_foreign_one_is_not(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(guard_hold(directory, &err), 0);
    assert_int_equal(rejoin_mark(directory, false, &err), 0);
    assert_true(kind("recovery.conf") == S_IFIFO);
    assert_int_equal(rejoin_unmark(directory, &err), 0);
    assert_int_equal(pgdata_write(directory, "recovery.conf", "mine\n", &err), 0);
    assert_int_equal(rejoin_mark(directory, false, &err), REJOIN_E_FOREIGN);
    assert_false(rejoin_is_marked(directory));
    assert_true(kind("recovery.conf") == S_IFREG);
}

static void the_record_comes_back(void **state)
{
    struct rejoin_record record = {.leader_id = 2, .term = 7, .kept = "/a b/c"};
    struct rejoin_record read;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(rejoin_record_read(directory, &read), REJOIN_E_MISSING);
    assert_int_equal(rejoin_record_write(directory, &record, &err), 0);
    assert_int_equal(rejoin_record_read(directory, &read), 0);
    assert_int_equal(read.leader_id, 2);
    assert_int_equal(read.term, 7);
    assert_string_equal(read.kept, "/a b/c");
    assert_true(rejoin_record_is_of_this_boot(&read));
    read.boot[0] = read.boot[0] == '0' ? '1' : '0';
    assert_false(rejoin_record_is_of_this_boot(&read));
    assert_int_equal(pgdata_write(directory, REJOIN_RECORD_NAME, "leader = 2\n", &err),
                     0);
    assert_int_equal(rejoin_record_read(directory, &read), REJOIN_E_MISSING);
    rejoin_record_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_mark_keeps_postgresql_down, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_leader_with_a_brake, setup, teardown),
        cmocka_unit_test_setup_teardown(own_brake_is_replaced_and_a_foreign_one_is_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_record_comes_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
