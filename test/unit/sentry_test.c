/* sentry_test.c - the sentry fences real PostgreSQL whatever becomes of its daemon. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "fence.h"
#include "guard.h"
#include "pg_fixture.h"
#include "pgdata.h"
#include "sentry.h"
#include "unit.h"

#define BEAT_MS 100

static struct pg pg;
static struct fence fence;
static char state_directory[160];
static pid_t extra; /* a daemon or a stranger that the test started */

static const char *state_file(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", state_directory, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    pg_make(&pg, "a");
    pg_start(&pg, "");
    (void)snprintf(state_directory, sizeof state_directory, "%s/state", pg.directory);
    if (mkdir(state_directory, 0700) != 0)
        return 1;
    fence_init(&fence, pg.data);
    extra = 0;
    return fence_learn(&fence, NULL) == FENCE_E_CHANGED ? 0 : 1;
}

static void end_extra(void)
{
    if (extra == 0)
        return;
    (void)kill(extra, SIGKILL);
    (void)waitpid(extra, NULL, 0);
    extra = 0;
}

static int teardown(void **state)
{
    (void)state;
    end_extra();
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

static struct sentry *start(struct sentry_report *ret_former)
{
    const struct sentry_settings settings = {
        .state_directory = state_directory,
        .data_directory = pg.data,
        .beat_ms = BEAT_MS,
    };
    struct sentry *sentry = NULL;
    struct err err = ERR_INIT;

    if (sentry_start(&sentry, &settings, ret_former, &err) != 0)
        fail_msg("%s", err.text);
    PG_WAIT(sentry_alive(sentry));
    return sentry;
}

static struct sentry_orders orders_in(int64_t freeze_ms, int64_t kill_ms)
{
    return (struct sentry_orders){
        .freeze_at = mono_add(mono_now(), freeze_ms),
        .kill_at = mono_add(mono_now(), kill_ms),
        .guard = SENTRY_GUARD_READ_ONLY,
    };
}

static bool has_ended(int pid)
{
    char state = pg_state_of(pid);

    return state == '-' || state == 'Z';
}

static void stop(struct sentry *sentry)
{
    int pid = sentry_pid(sentry);

    sentry_stop(sentry);
    PG_WAIT(has_ended(pid));
    (void)waitpid(pid, NULL, WNOHANG);
}

/* A daemon of its own process, which starts a sentry, gives it orders, and does nothing
 * more. The sentry's pid. */
static int daemon_with(const struct sentry_orders *orders)
{
    int fds[2], pid = 0;

    assert_int_equal(pipe(fds), 0);
    extra = fork();
    assert_true(extra >= 0);
    if (extra == 0) {
        struct sentry *sentry = start(NULL);
        int sentry_of_ours = sentry_pid(sentry);

        if (orders != NULL)
            (void)!sentry_order(sentry, orders); /* may be at work already: busy */
        if (write(fds[1], &sentry_of_ours, sizeof pid) != sizeof pid)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &pid, sizeof pid), sizeof pid);
    (void)close(fds[0]);
    return pid;
}

static bool deed_is(const char *did)
{
    char *text CLEANUP(cleanup_free) = NULL;
    int64_t at, late;
    char word[16];

    if (pgdata_read(state_directory, "sentry.deed", &text, NULL) != 0 ||
        sscanf(text, "%*s %15s %" SCNd64 " %" SCNd64, word, &at, &late) != 3 ||
        strcmp(word, did) != 0)
        return false;
    print_message("%s %" PRId64 " ms after the deadline, the work included\n", did,
                  late);
    return true;
}

static void fences_although_the_daemon_is_stopped(void **state)
{
    struct sentry_orders orders = orders_in(1000, 3000);
    PGconn *conn = pg_connect(&pg);
    int sentry = daemon_with(&orders);

    (void)state;
    assert_int_equal(kill(extra, SIGSTOP), 0);
    pg_exec(conn, "create table t(n int)");
    PG_WAIT(look() == FENCE_FROZEN);
    assert_true(mono_reached(orders.freeze_at, mono_now()));
    assert_int_equal(PQsendQuery(conn, "insert into t values (1)"), 1);
    PG_WAIT(deed_is("frozen"));
    PG_WAIT(look() == FENCE_GONE);
    assert_true(mono_reached(orders.kill_at, mono_now()));
    PG_WAIT(deed_is("killed"));
    assert_false(pg_succeeds(conn));
    assert_true(guard_is_armed(pg.data));
    assert_false(has_ended(sentry)); /* it has to report yet */
    PQfinish(conn);
}

static void fences_although_the_daemon_is_dead(void **state)
{
    struct sentry_orders orders = orders_in(700, 1400);
    int sentry;

    (void)state;
    orders.guard = SENTRY_GUARD_HOLD;
    sentry = daemon_with(&orders);
    end_extra();
    PG_WAIT(look() == FENCE_GONE);
    assert_true(mono_reached(orders.kill_at, mono_now()));
    PG_WAIT(has_ended(sentry)); /* nothing is left to guard */
    assert_true(deed_is("killed"));
    assert_true(guard_is_held(pg.data));
    assert_false(guard_is_armed(pg.data));
}

static void somebody_elses_thaw_is_undone(void **state)
{
    struct sentry_orders orders = orders_in(0, 600000);
    struct sentry *sentry = start(NULL);

    (void)state;
    (void)!sentry_order(sentry, &orders);
    PG_WAIT(look() == FENCE_FROZEN);
    assert_int_equal(kill(fence_pid(&fence), SIGCONT), 0);
    PG_WAIT(pg_state_of(fence_pid(&fence)) != 'T' || look() == FENCE_FROZEN);
    PG_WAIT(look() == FENCE_FROZEN);
    orders = SENTRY_STAND_DOWN;
    PG_WAIT(sentry_order(sentry, &orders) == 0);
    assert_int_equal(fence_thaw(&fence, PG_WAIT_MS, NULL), 0);
    stop(sentry);
    assert_int_equal(look(), FENCE_RUNNING);
}

/* Orders that are moved in time, at every phase of the sentry's waking up: after the
 * order is accepted and the thaw is done, nothing is frozen any more. */
static void moved_deadlines_never_freeze_after_the_thaw(void **state)
{
    struct sentry *sentry = start(NULL);
    int frozen = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sentry_orders orders = orders_in(2, 600000);
        int64_t until = mono_now().ms + i % 5;

        (void)!sentry_order(sentry, &orders);
        while (mono_now().ms < until)
            ;
        orders = SENTRY_STAND_DOWN;
        PG_WAIT(sentry_order(sentry, &orders) == 0);
        frozen += fence_is_frozen(&fence);
        assert_int_equal(fence_thaw(&fence, PG_WAIT_MS, NULL), 0);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(look(), FENCE_RUNNING);
            pg_nap();
        }
    }
    print_message("frozen in %d of 300\n", frozen);
    assert_true(frozen > 0);
    stop(sentry);
}

static void a_lease_that_is_renewed_is_left_alone(void **state)
{
    struct sentry *sentry = start(NULL);
    int64_t end = mono_now().ms + 1500;

    (void)state;
    while (mono_now().ms < end) {
        struct sentry_orders orders = orders_in(60000, 120000);

        assert_int_equal(sentry_order(sentry, &orders), 0);
        assert_int_equal(sentry_did(sentry).did, SENTRY_DID_NOTHING);
        assert_true(sentry_alive(sentry));
        pg_nap();
    }
    assert_int_equal(look(), FENCE_RUNNING);
    stop(sentry);
}

static void a_kill_is_reported_and_told_once(void **state)
{
    struct sentry_orders orders = orders_in(0, 0);
    struct sentry *sentry = start(NULL);
    struct sentry_report report;

    (void)state;
    (void)!sentry_order(sentry, &orders);
    PG_WAIT(sentry_did(sentry).did == SENTRY_DID_KILL);
    assert_int_equal(look(), FENCE_GONE);
    report = sentry_did(sentry);
    assert_true(report.ran);
    assert_true(report.guarded);
    assert_string_equal(report.text, "");
    print_message("memory locked: %d, real time: %d, protected from OOM: %d\n",
                  report.memory_locked, report.realtime, report.oom_protected);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(report.memory_locked);
#endif
    orders = SENTRY_STAND_DOWN;
    assert_int_equal(sentry_order(sentry, &orders), SENTRY_E_KILLED);
    PG_WAIT(sentry_order(sentry, &orders) == 0);
    PG_WAIT(sentry_did(sentry).did == SENTRY_DID_NOTHING);
    stop(sentry);
}

/* Orders that come while it kills must not make it forget that it did. */
static void a_kill_is_told_although_orders_came_meanwhile(void **state)
{
    struct sentry_orders orders = orders_in(0, 0);
    struct sentry *sentry = start(NULL);
    struct pgdata_postmaster pm;
    struct mono end;
    void *address;

    (void)state;
    assert_int_equal(pgdata_read_postmaster(pg.data, &pm, NULL), 0);
    address = shmat(pm.shm_id, NULL, SHM_RDONLY); /* keeps the proof waiting */
    assert_ptr_not_equal(address, (void *)-1);
    (void)!sentry_order(sentry, &orders);
    PG_WAIT(strstr(sentry_did(sentry).text, "attached") != NULL);
    orders = SENTRY_STAND_DOWN;
    assert_int_equal(sentry_order(sentry, &orders), SENTRY_E_BUSY);
    assert_int_equal(shmdt(address), 0);
    PG_WAIT(sentry_did(sentry).did == SENTRY_DID_KILL);
    end = mono_add(sentry_did(sentry).at, 5 * BEAT_MS); /* it reads the orders again */
    PG_WAIT(mono_reached(end, mono_now()));
    assert_int_equal(sentry_order(sentry, &orders), SENTRY_E_KILLED);
    PG_WAIT(sentry_order(sentry, &orders) == 0);
    stop(sentry);
}

static void a_new_daemon_takes_over(void **state)
{
    struct sentry_orders orders = orders_in(4000, 600000);
    struct sentry_report former;
    struct sentry *sentry;
    int first = daemon_with(&orders);

    (void)state;
    end_extra();
    assert_false(has_ended(first));
    sentry = start(&former);
    assert_int_equal(former.did, SENTRY_DID_NOTHING);
    assert_int_not_equal(sentry_pid(sentry), first);
    PG_WAIT(has_ended(first));
    /* the deadlines have not moved by that */
    PG_WAIT(sentry_did(sentry).did == SENTRY_DID_FREEZE);
    assert_true(mono_reached(orders.freeze_at, sentry_did(sentry).at));
    assert_int_equal(look(), FENCE_FROZEN);
    orders = SENTRY_STAND_DOWN;
    PG_WAIT(sentry_order(sentry, &orders) == 0);
    assert_int_equal(fence_thaw(&fence, PG_WAIT_MS, NULL), 0);
    stop(sentry);
    assert_int_equal(look(), FENCE_RUNNING);
}

static void a_stopped_former_is_killed(void **state)
{
    struct sentry_orders orders = orders_in(600000, 600000);
    struct sentry *sentry;
    int first = daemon_with(&orders);

    (void)state;
    end_extra();
    assert_int_equal(kill(first, SIGSTOP), 0);
    sentry = start(NULL);
    PG_WAIT(has_ended(first));
    assert_true(sentry_alive(sentry));
    stop(sentry);
}

static void the_deeds_of_a_dead_one_are_known(void **state)
{
    struct sentry_orders orders = orders_in(0, 100);
    struct sentry_report former;
    struct sentry *sentry;
    int first = daemon_with(&orders);

    (void)state;
    end_extra();
    PG_WAIT(has_ended(first));
    sentry = start(&former);
    assert_int_equal(former.did, SENTRY_DID_KILL);
    assert_true(former.ran);
    assert_true(former.guarded);
    assert_true(mono_reached(orders.kill_at, former.at));
    stop(sentry);
    sentry = start(&former); /* told once */
    assert_int_equal(former.did, SENTRY_DID_NOTHING);
    stop(sentry);
}

static void a_stale_file_harms_nobody(void **state)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    char boot[PROC_BOOT_ID_SIZE];
    struct sentry *sentry;
    struct proc stranger;
    FILE *file;

    (void)state;
    extra = pg_spawn("/", argv);
    assert_true(proc_read(extra, &stranger));
    proc_boot_id(boot);
    file = fopen(state_file("sentry"), "w");
    assert_non_null(file);
    (void)fprintf(file, "%s %d %" PRIu64 "\n", boot, (int)extra, stranger.start);
    assert_int_equal(fclose(file), 0);
    sentry = start(NULL);
    for (int i = 0; i < 5 * BEAT_MS / 2; i++)
        pg_nap();
    assert_int_equal(pg_state_of(extra), 'S');
    stop(sentry);
}

static void it_ends_with_a_daemon_that_ordered_nothing(void **state)
{
    int first = daemon_with(NULL);

    (void)state;
    end_extra();
    PG_WAIT(has_ended(first));
    assert_int_equal(look(), FENCE_RUNNING);
}

static void it_ends_with_a_daemon_when_told_to_keep(void **state)
{
    struct sentry_orders orders = orders_in(2000, 2000);
    int first;

    (void)state;
    orders.keep = true;
    first = daemon_with(&orders);
    end_extra();
    PG_WAIT(has_ended(first));
    while (!mono_reached(mono_add(orders.kill_at, 3 * BEAT_MS), mono_now()))
        pg_nap();
    assert_int_equal(look(), FENCE_RUNNING);
}

static void its_loss_is_noticed(void **state)
{
    struct sentry *sentry = start(NULL);
    struct err err = ERR_INIT;
    int pid = sentry_pid(sentry);

    (void)state;
    assert_int_equal(kill(pid, SIGTERM), 0); /* of no concern to it */
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_not_equal(getpgid(pid), getpgid(0));
    assert_true(sentry_alive(sentry));
    assert_int_equal(kill(pid, SIGSTOP), 0);
    PG_WAIT(sentry_check(sentry, &err) == SENTRY_E_LOST);
    assert_int_equal(kill(pid, SIGCONT), 0);
    PG_WAIT(sentry_check(sentry, &err) == 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    PG_WAIT(sentry_check(sentry, &err) == SENTRY_E_LOST);
    assert_non_null(strstr(err.text, "has ended"));
    stop(sentry);
}

static void no_lock_of_the_daemon_outlives_it(void **state)
{
    int fd = open(state_file("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct sentry *sentry;
    int other;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    sentry = start(NULL);
    assert_int_equal(close(fd), 0);
    other = open(state_file("lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(close(other), 0);
    stop(sentry);
}

int main(void)
{
#define REAL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        REAL(fences_although_the_daemon_is_stopped),
        REAL(fences_although_the_daemon_is_dead),
        REAL(somebody_elses_thaw_is_undone),
        REAL(moved_deadlines_never_freeze_after_the_thaw),
        REAL(a_lease_that_is_renewed_is_left_alone),
        REAL(a_kill_is_reported_and_told_once),
        REAL(a_kill_is_told_although_orders_came_meanwhile),
        REAL(a_new_daemon_takes_over),
        REAL(a_stopped_former_is_killed),
        REAL(the_deeds_of_a_dead_one_are_known),
        REAL(a_stale_file_harms_nobody),
        REAL(it_ends_with_a_daemon_that_ordered_nothing),
        REAL(it_ends_with_a_daemon_when_told_to_keep),
        REAL(its_loss_is_noticed),
        REAL(no_lock_of_the_daemon_outlives_it),
    };
    int failed;

    if (pg_fixture_begin() != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_end();
    return failed;
}
