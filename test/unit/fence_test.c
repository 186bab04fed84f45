/* fence_test.c - freezing, thawing and killing real PostgreSQL, and nobody else. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fence.h"
#include "pg_fixture.h"
#include "pgdata.h"
#include "unit.h"

/* More than a second of work in one implicit transaction after an insert. */
#define LONG_INSERT                                                                    \
    "insert into t values (7); select count(*) from generate_series(1, 30000000)"

static struct pg pg;
static struct fence fence;

static int setup(void **state)
{
    (void)state;
    pg_make(&pg, "a");
    fence_init(&fence, pg.data);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fence_deinit(&fence);
    pg_remove(&pg);
    return 0;
}

static enum fence_state look(void)
{
    enum fence_state state;

    assert_int_equal(fence_poll(&fence, &state, NULL), 0);
    return state;
}

/* Waits, since a busy machine may need more than one call. */
static void freeze(void)
{
    PG_WAIT(fence_freeze(&fence, 1000, NULL) == 0);
}

static void thaw(void)
{
    PG_WAIT(fence_thaw(&fence, 1000, NULL) == 0);
}

static double ms_since(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e3 +
           (double)(now.tv_nsec - start->tv_nsec) / 1e6;
}

static PGconn *connect_with_table(void)
{
    PGconn *conn = pg_connect(&pg);

    pg_exec(conn, "create table t(n int)");
    return conn;
}

static void nothing_was_ever_there(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(fence_learn(&fence, &err), 0);
    assert_int_equal(look(), FENCE_GONE);
    assert_int_equal(fence_freeze(&fence, 100, &err), FENCE_E_GONE);
    assert_int_equal(fence_thaw(&fence, 100, &err), FENCE_E_GONE);
    assert_int_equal(fence_kill(&fence, 100, &err), 0);
    assert_int_equal(fence_may_signal(&fence, &err), 0);
    assert_int_equal(fence_watch_fd(&fence), -1);
}

static void learning_is_cheap_and_sees_a_death(void **state)
{
    enum { N = 1000 };
    struct pollfd watch = {.events = POLLIN};
    struct timespec start;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(fence_learn(&fence, NULL), FENCE_E_CHANGED);
    assert_int_equal(fence_pid(&fence), pg_postmaster(&pg));
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < N; i++)
        assert_int_equal(fence_learn(&fence, NULL), 0);
    print_message("fence_learn: %.4f ms\n", ms_since(&start) / N);
    assert_int_equal(look(), FENCE_RUNNING);
    watch.fd = fence_watch_fd(&fence);
    assert_true(watch.fd >= 0);
    assert_int_equal(poll(&watch, 1, 0), 0);
    assert_int_equal(kill(fence_pid(&fence), SIGKILL), 0);
    assert_int_equal(poll(&watch, 1, PG_WAIT_MS), 1);
    assert_int_equal(fence_learn(&fence, NULL), 0); /* remembered */
    PG_WAIT(look() == FENCE_GONE);                  /* idle backends notice */
    PG_WAIT(pg_state_of(fence_pid(&fence)) == '-'); /* a zombie's file is in the way */
    pg_start(&pg, "");
    PG_WAIT(fence_learn(&fence, NULL) == FENCE_E_CHANGED);
    assert_int_equal(look(), FENCE_RUNNING);
    assert_int_not_equal(fence_watch_fd(&fence), watch.fd);
    assert_int_equal(poll(&watch, 1, 0), 1); /* the former one is still open */
}

static void frozen_acknowledges_nothing(void **state)
{
    PGconn *conn;
    struct fence other; /* of a restarted daemon */
    char *n;

    (void)state;
    pg_start(&pg, "");
    conn = connect_with_table();
    freeze();
    assert_int_equal(look(), FENCE_FROZEN);
    fence_init(&other, pg.data);
    assert_true(fence_is_frozen(&other));
    fence_deinit(&other);
    assert_int_equal(PQsendQuery(conn, "insert into t values (1)"), 1);
    assert_false(pg_answers(conn, 500));
    freeze(); /* once more does no harm */
    assert_false(pg_answers(conn, 100));
    thaw();
    assert_false(fence_is_frozen(&fence));
    assert_true(pg_succeeds(conn));
    n = pg_value(conn, "select count(*) from t");
    assert_string_equal(n, "1");
    free(n);
    PQfinish(conn);
}

static void half_frozen_is_told(void **state)
{
    PGconn *conn;
    char *pid;

    (void)state;
    pg_start(&pg, "");
    conn = pg_connect(&pg);
    pid = pg_value(conn, "select pg_backend_pid()");
    freeze();
    assert_int_equal(kill(atoi(pid), SIGCONT), 0);
    PG_WAIT(look() == FENCE_HALF_FROZEN);
    freeze();
    assert_int_equal(look(), FENCE_FROZEN);
    free(pid);
    PQfinish(conn);
}

static void times_of_sixteen_processes(void **state)
{
    PGconn *conns[11];
    struct timespec start;
    size_t n;

    (void)state;
    pg_start(&pg, "");
    for (size_t i = 0; i < N_OF(conns); i++) {
        conns[i] = pg_connect(&pg);
        assert_int_equal(PQsendQuery(conns[i], "select count(*) from "
                                               "generate_series(1, 100000000)"),
                         1);
    }
    assert_int_equal(look(), FENCE_RUNNING);
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    freeze();
    print_message("freeze: %.1f ms", ms_since(&start));
    n = fence.n_known;
    assert_true(n >= 15);
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    thaw();
    print_message(", thaw: %.1f ms", ms_since(&start));
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    print_message(", kill with proof: %.1f ms, %zu processes\n", ms_since(&start), n);
    for (size_t i = 0; i < N_OF(conns); i++)
        PQfinish(conns[i]);
}

static void orphans_acknowledge_nothing_after_the_proof(void **state)
{
    PGconn *conn, *other;
    char *pid;

    (void)state;
    pg_start(&pg, "");
    conn = connect_with_table();
    other = pg_connect(&pg);
    pid = pg_value(conn, "select pg_backend_pid()");
    assert_int_equal(fence_learn(&fence, NULL), FENCE_E_CHANGED);
    assert_int_equal(PQsendQuery(conn, LONG_INSERT), 1);
    free(pg_value(other, "select 1"));
    assert_int_equal(kill(pg_postmaster(&pg), SIGKILL), 0);
    PG_WAIT(pg_state_of(fence_pid(&fence)) == '-' ||
            pg_state_of(fence_pid(&fence)) == 'Z');
    assert_int_equal(look(), FENCE_ORPHANS);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(look(), FENCE_GONE);
    assert_true(pg_state_of(atoi(pid)) == '-' || pg_state_of(atoi(pid)) == 'Z');
    assert_false(pg_succeeds(conn));
    free(pid);
    PQfinish(conn);
    PQfinish(other);
}

/* A daemon that was started after the postmaster's death knows no program, only what
 * postmaster.pid says. */
static void orphans_of_a_postmaster_never_seen(void **state)
{
    PGconn *conn;
    pid_t postmaster;

    (void)state;
    pg_start(&pg, "");
    conn = connect_with_table();
    postmaster = pg_postmaster(&pg);
    assert_int_equal(PQsendQuery(conn, LONG_INSERT), 1);
    assert_int_equal(kill(postmaster, SIGKILL), 0);
    PG_WAIT(pg_state_of(postmaster) == '-' || pg_state_of(postmaster) == 'Z');
    assert_int_equal(look(), FENCE_ORPHANS);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(look(), FENCE_GONE);
    assert_false(pg_succeeds(conn));
    PQfinish(conn);
}

/* After restart_after_crash the segment is another one. */
static void survives_a_crash_restart(void **state)
{
    PGconn *conn;
    char *pid;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(fence_learn(&fence, NULL), FENCE_E_CHANGED);
    conn = pg_connect(&pg);
    pid = pg_value(conn, "select pg_backend_pid()");
    assert_int_equal(kill(atoi(pid), SIGKILL), 0);
    free(pid);
    PQfinish(conn);
    PG_WAIT(fence_learn(&fence, NULL) == 0 && fence.n_segments == 2);
    assert_int_equal(look(), FENCE_RUNNING);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(look(), FENCE_GONE);
}

static void another_cluster_is_never_touched(void **state)
{
    struct pg second;
    PGconn *conn;
    pid_t postmaster;
    char *one;

    (void)state;
    pg_make(&second, "b");
    pg_start(&pg, "-c logging_collector=on");
    pg_start(&second, "-c logging_collector=on");
    conn = pg_connect(&second);
    postmaster = pg_postmaster(&second);
    freeze();
    one = pg_value(conn, "select count(*) from generate_series(1, 1000)");
    free(one);
    assert_int_not_equal(pg_state_of(postmaster), 'T');
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    pg_exec(conn, "create table alive(n int)"); /* no restart behind our back */
    assert_int_equal(pg_postmaster(&second), postmaster);
    PQfinish(conn);
    pg_remove(&second);
}

/* Orphans and a server that was started in their place cannot be at the same time, but
 * a new server may come while the proof is still being looked for. */
static void a_new_server_is_not_killed_by_an_old_kill(void **state)
{
    PGconn *conn;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    PG_WAIT(pg_state_of(fence_pid(&fence)) == '-');
    pg_start(&pg, "-c logging_collector=on");
    conn = pg_connect(&pg);
    assert_int_equal(fence_kill_poll(&fence, NULL), 0);
    pg_exec(conn, "select 1");
    assert_int_equal(fence_learn(&fence, NULL), FENCE_E_CHANGED);
    PQfinish(conn);
}

static void bystanders_are_never_touched(void **state)
{
    static const char *const sleeper[] = {"sleep", "1000", NULL};
    static const char *const liar[] = {"bash", "-c",
                                       "exec -a 'postgres: liar' sleep 1000", NULL};
    pid_t pids[2];

    (void)state;
    pg_start(&pg, "");
    pids[0] = pg_spawn(pg.data, sleeper);
    pids[1] = pg_spawn(pg.data, liar);
    freeze();
    for (size_t i = 0; i < N_OF(pids); i++)
        assert_int_not_equal(pg_state_of(pids[i]), 'T');
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    for (size_t i = 0; i < N_OF(pids); i++) {
        char now = pg_state_of(pids[i]);

        assert_true(now == 'S' || now == 'R' || now == 'D');
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
}

/* As in a container whose entry point runs `pgrmond & exec postgres`. */
static void a_program_adopted_by_the_postmaster_is_none_of_it(void **state)
{
    pid_t pid, beside;
    struct proc proc;

    (void)state;
    pid = pg_start_beside(&pg, "sleep 314.159");
    PG_WAIT((beside = pg_find("sleep 314.159")) != 0);
    assert_true(proc_read(beside, &proc));
    assert_int_equal(proc.parent, pid);
    freeze();
    assert_int_equal(pg_state_of(pid), 'T');
    assert_int_not_equal(pg_state_of(beside), 'T');
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(pg_find("sleep 314.159"), beside);
    assert_int_equal(kill(beside, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The file of a server that died with its host, whose pid somebody else has by now. */
static void a_stale_file_points_to_nobody(void **state)
{
    static const char *const sleeper[] = {"sleep", "1000", NULL};
    struct err err = ERR_INIT;
    pid_t pid = pg_spawn(pg.data, sleeper);
    char *text = xasprintf("%d\n%s\n1\n5432\n%s\n\n  1 32767\nready\n", (int)pid,
                           pg.data, pg.directory);

    (void)state;
    assert_int_equal(pgdata_write(pg.data, "postmaster.pid", text, &err), 0);
    assert_int_equal(fence_learn(&fence, &err), 0);
    assert_int_equal(fence_freeze(&fence, 1000, &err), FENCE_E_GONE);
    assert_int_equal(fence_kill(&fence, 1000, &err), 0);
    assert_int_equal(pg_state_of(pid), 'S');
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(text);
}

/* Whoever is attached counts, although we do not see that it belongs to the server. */
static void the_proof_waits_for_the_shared_memory(void **state)
{
    struct pgdata_postmaster pm;
    struct err err = ERR_INIT;
    void *address;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(pgdata_read_postmaster(pg.data, &pm, &err), 0);
    address = shmat(pm.shm_id, NULL, SHM_RDONLY);
    assert_ptr_not_equal(address, (void *)-1);
    assert_int_equal(fence_kill_begin(&fence, &err), 0);
    PG_WAIT(fence_kill_poll(&fence, &err) == FENCE_E_WORKING &&
            strstr(err.text, "attached") != NULL);
    assert_int_equal(look(), FENCE_ORPHANS);
    assert_int_equal(fence_kill_poll(&fence, &err), FENCE_E_WORKING);
    assert_int_equal(shmdt(address), 0);
    assert_int_equal(fence_kill_poll(&fence, &err), 0);
    assert_int_equal(look(), FENCE_GONE);
}

/* Its processes are known; where they were started from does not matter any more. */
static void a_renamed_directory_does_not_hide_it(void **state)
{
    char *moved = xasprintf("%s.moved", pg.data);

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(look(), FENCE_RUNNING);
    assert_int_equal(rename(pg.data, moved), 0);
    freeze();
    assert_int_equal(look(), FENCE_FROZEN);
    assert_int_equal(mkdir(pg.data, 0700), 0); /* another one in its place */
    assert_int_equal(look(), FENCE_FROZEN);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(look(), FENCE_GONE);
    free(moved);
}

static void archive_command_is_stopped_and_killed(void **state)
{
    PGconn *conn;
    pid_t child;

    (void)state;
    pg_start(&pg, "-c archive_mode=on -c archive_command='sleep 271.8281; false'");
    conn = connect_with_table();
    pg_exec(conn, "select pg_switch_wal()");
    PG_WAIT((child = pg_find("sleep 271.8281")) != 0);
    freeze();
    assert_int_equal(pg_state_of(child), 'T');
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(pg_find("sleep 271.8281"), 0);
    PQfinish(conn);
}

static void zombie_counts_as_gone(void **state)
{
    pid_t pid;
    bool clean = true;

    (void)state;
    pid = pg_start_child(&pg);
    assert_int_equal(look(), FENCE_RUNNING);
    assert_int_equal(fence_kill(&fence, PG_WAIT_MS, NULL), 0);
    assert_int_equal(pg_state_of(pid), 'Z');
    assert_int_equal(look(), FENCE_GONE);
    assert_int_equal(fence_was_clean(pg.data, &clean, NULL), 0);
    assert_false(clean);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void clean_and_unclean_ends(void **state)
{
    struct err err = ERR_INIT;
    bool clean = true;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(fence_was_clean(pg.data, &clean, &err), 0);
    assert_false(clean);
    pg_stop(&pg, "fast");
    assert_int_equal(fence_was_clean(pg.data, &clean, &err), 0);
    assert_true(clean);
    assert_int_equal(fence_was_clean(pg_fixture_directory(), &clean, &err), -ENOENT);
}

static void invisible_server_is_reported(void **state)
{
    struct err err = ERR_INIT;
    char *text, *moved;

    (void)state;
    pg_start(&pg, "");
    assert_int_equal(fence_may_signal(&fence, &err), 0);
    assert_int_equal(pgdata_read(pg.data, "postmaster.pid", &text, &err), 0);
    moved = xasprintf("%d%s", 4000000, strchr(text, '\n'));
    fence_deinit(&fence);
    fence_init(&fence, pg.data);
    assert_int_equal(pgdata_write(pg.data, "postmaster.pid", moved, &err), 0);
    assert_int_equal(fence_may_signal(&fence, &err), FENCE_E_HIDDEN);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(pgdata_write(pg.data, "postmaster.pid", text, &err), 0);
    assert_int_equal(fence_may_signal(&fence, &err), 0);
    free(text);
    free(moved);
}

int main(void)
{
#define REAL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        REAL(nothing_was_ever_there),
        REAL(learning_is_cheap_and_sees_a_death),
        REAL(frozen_acknowledges_nothing),
        REAL(half_frozen_is_told),
        REAL(times_of_sixteen_processes),
        REAL(orphans_acknowledge_nothing_after_the_proof),
        REAL(orphans_of_a_postmaster_never_seen),
        REAL(survives_a_crash_restart),
        REAL(another_cluster_is_never_touched),
        REAL(a_new_server_is_not_killed_by_an_old_kill),
        REAL(bystanders_are_never_touched),
        REAL(a_program_adopted_by_the_postmaster_is_none_of_it),
        REAL(a_stale_file_points_to_nobody),
        REAL(the_proof_waits_for_the_shared_memory),
        REAL(a_renamed_directory_does_not_hide_it),
        REAL(archive_command_is_stopped_and_killed),
        REAL(zombie_counts_as_gone),
        REAL(clean_and_unclean_ends),
        REAL(invisible_server_is_reported),
    };
    int failed;

    if (pg_fixture_begin() != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_end();
    return failed;
}
