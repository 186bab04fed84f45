/* pidfile_test.c - one daemon per file; a dead one's file is taken over. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pidfile.h"
#include "unit.h"

static char directory[] = "/tmp/pgrmon-pidfile-XXXXXX";
static char path[64];

static long pid_in_file(void)
{
    FILE *f = fopen(path, "r");
    long pid = -1;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld", &pid), 1);
    (void)fclose(f);
    return pid;
}

static void written_and_removed(void **state)
{
    struct pidfile pidfile = PIDFILE_NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(pidfile_open(&pidfile, path, &err), 0);
    assert_int_equal(pid_in_file(), getpid());
    pidfile_close(&pidfile);
    assert_int_equal(access(path, F_OK), -1);
    pidfile_close(&pidfile); /* nothing happens */
}

static void living_holder_is_named(void **state)
{
    struct pidfile pidfile = PIDFILE_NULL, other = PIDFILE_NULL;
    struct err err = ERR_INIT;
    char pid[16];

    (void)state;
    assert_int_equal(pidfile_open(&pidfile, path, &err), 0);
    assert_int_equal(pidfile_open(&other, path, &err), -EEXIST);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_non_null(strstr(err.detail, pid));
    assert_true(err.hint[0] != '\0');
    assert_int_equal(pid_in_file(), getpid()); /* untouched */
    pidfile_close(&other);
    assert_int_equal(access(path, F_OK), 0);
    pidfile_close(&pidfile);
}

static void dead_holder_is_replaced(void **state)
{
    struct pidfile pidfile = PIDFILE_NULL;
    struct err err = ERR_INIT;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        if (pidfile_open(&pidfile, path, &err) != 0)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(pid_in_file(), pid);
    assert_int_equal(pidfile_open(&pidfile, path, &err), 0);
    assert_int_equal(pid_in_file(), getpid());
    pidfile_close(&pidfile);
}

static void longer_content_is_overwritten(void **state)
{
    struct pidfile pidfile = PIDFILE_NULL;
    struct err err = ERR_INIT;
    struct stat st;
    FILE *f = fopen(path, "w");

    (void)state;
    assert_non_null(f);
    (void)fprintf(f, "%0100d\n", 0);
    (void)fclose(f);
    assert_int_equal(pidfile_open(&pidfile, path, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 20);
    pidfile_close(&pidfile);
}

static void unwritable_place(void **state)
{
    struct pidfile pidfile = PIDFILE_NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(pidfile_open(&pidfile, "/no/such/dir/x.pid", &err), -ENOENT);
    assert_non_null(strstr(err.text, "/no/such/dir/x.pid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_removed),
        cmocka_unit_test(living_holder_is_named),
        cmocka_unit_test(dead_holder_is_replaced),
        cmocka_unit_test(longer_content_is_overwritten),
        cmocka_unit_test(unwritable_place),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/x.pid", directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(directory);
    return failed;
}
