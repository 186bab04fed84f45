/* lockfile_test.c - postmaster.pid of servers that have ended, with real processes. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockfile.h"
#include "unit.h"

static char directory[64], path[128];

static int make_directory(void **state)
{
    (void)state;
    (void)strcpy(directory, "/tmp/lockfile_test.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/postmaster.pid", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory); /* nothing else may be left in it */
}

static void put(pid_t pid, int shm_id)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    (void)fprintf(file, "%d\n%s\n1700000000\n5432\n%s\n*\n  5432001 %d\nready\n",
                  (int)pid, directory, directory, shm_id);
    assert_int_equal(fclose(file), 0);
}

/* A child that has ended and is not waited for. */
static pid_t make_zombie(void)
{
    siginfo_t info;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    return pid;
}

static void assert_state(enum lockfile_state expected, pid_t expected_pid)
{
    pid_t pid;

    assert_int_equal(lockfile_look(directory, &pid), expected);
    assert_int_equal(pid, expected_pid);
}

static void no_file_or_no_process_is_no_obstacle(void **state)
{
    pid_t pid = make_zombie();

    (void)state;
    assert_state(LOCKFILE_FREE, 0);
    put(pid, -1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_state(LOCKFILE_FREE, pid);
    assert_int_equal(lockfile_remove(directory, NULL), -EAGAIN);
    assert_int_equal(access(path, F_OK), 0);
}

static void the_file_of_a_zombie_may_go(void **state)
{
    pid_t pid = make_zombie();

    (void)state;
    put(pid, -1);
    assert_state(LOCKFILE_ZOMBIE, pid);
    assert_int_equal(lockfile_remove(directory, NULL), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(lockfile_remove(directory, NULL), -EAGAIN);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What is in the socket directory of another server, or of another life, stays. */
static void the_lock_of_its_socket_goes_too(void **state)
{
    pid_t pid = make_zombie();
    const struct {
        pid_t pid;
        const char *owner;
        bool goes;
    } locks[] = {
        {pid, directory, true },
        {pid, "/other",  false},
        {1,   directory, false}
    };
    char lock[128];

    (void)state;
    (void)snprintf(lock, sizeof lock, "%s/.s.PGSQL.5432.lock", directory);
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        FILE *file = fopen(lock, "we");

        assert_non_null(file);
        (void)fprintf(file, "%d\n%s\n", (int)locks[i].pid, locks[i].owner);
        assert_int_equal(fclose(file), 0);
        put(pid, -1);
        assert_int_equal(lockfile_remove(directory, NULL), 0);
        assert_int_equal(access(lock, F_OK), locks[i].goes ? -1 : 0);
        (void)unlink(lock);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_living_process_holds_it(void **state)
{
    (void)state;
    put(getpid(), -1);
    assert_state(LOCKFILE_HELD, getpid());
    assert_int_equal(lockfile_remove(directory, NULL), -EAGAIN);
    assert_int_equal(access(path, F_OK), 0);
}

/* Backends that outlive their postmaster (postgres-facts 2). */
static void orphans_hold_it_by_their_shared_memory(void **state)
{
    pid_t pid = make_zombie();
    int shm_id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    void *memory;

    (void)state;
    assert_true(shm_id >= 0);
    memory = shmat(shm_id, NULL, 0);
    assert_true(memory != (void *)-1); /* NOLINT(performance-no-int-to-ptr) */
    put(pid, shm_id);
    assert_state(LOCKFILE_HELD, pid);
    assert_int_equal(lockfile_remove(directory, NULL), -EAGAIN);
    assert_int_equal(shmdt(memory), 0);
    assert_state(LOCKFILE_ZOMBIE, pid);
    assert_int_equal(shmctl(shm_id, IPC_RMID, NULL), 0);
    assert_state(LOCKFILE_ZOMBIE, pid);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_cannot_be_read_holds_it(void **state)
{
    FILE *file = fopen(path, "we");

    (void)state;
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_state(LOCKFILE_HELD, 0);
    assert_int_equal(lockfile_remove(directory, NULL), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        T(no_file_or_no_process_is_no_obstacle),   T(the_file_of_a_zombie_may_go),
        T(the_lock_of_its_socket_goes_too),        T(a_living_process_holds_it),
        T(orphans_hold_it_by_their_shared_memory), T(what_cannot_be_read_holds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
