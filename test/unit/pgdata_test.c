/* pgdata_test.c - data directories, without a server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "pgdata.h"
#include "unit.h"

static char directory[64];

static void put(const char *name, const void *content, size_t size)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static int make_directory(void **state)
{
    (void)state;
    (void)strcpy(directory, "/tmp/pgdata_test.XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static void make_server(void)
{
    const uint64_t control[2] = {UINT64_C(7300000000000000001), 1300};
    char path[128];

    put_text("PG_VERSION", "15\n");
    (void)snprintf(path, sizeof path, "%s/global", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    put("global/pg_control", control, sizeof control);
}

static void assert_kind(const char *path, enum pgdata_kind kind)
{
    struct pgdata_info info;

    assert_int_equal(pgdata_inspect(path, &info, NULL), 0);
    assert_int_equal(info.kind, kind);
}

static void kinds(void **state)
{
    char path[128];

    (void)state;
    assert_kind("/nonexistent/data", PGDATA_ABSENT);
    assert_kind(directory, PGDATA_EMPTY);
    (void)snprintf(path, sizeof path, "%s/lost+found", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_kind(directory, PGDATA_EMPTY);
    put_text("PG_VERSION", "15\n");
    assert_kind(directory, PGDATA_OTHER);
    (void)snprintf(path, sizeof path, "%s/PG_VERSION", directory);
    assert_kind(path, PGDATA_NO_DIRECTORY);
}

static void server_directory(void **state)
{
    struct pgdata_info info;

    (void)state;
    make_server();
    put_text("standby.signal", "");
    assert_int_equal(pgdata_inspect(directory, &info, NULL), 0);
    assert_int_equal(info.kind, PGDATA_SERVER);
    assert_int_equal(info.major_version, 15);
    assert_true(info.system_identifier == UINT64_C(7300000000000000001));
    assert_true(info.standby_signal);
    assert_int_equal(info.owner, geteuid());
}

static void postmaster_file(void **state)
{
    struct pgdata_postmaster pm;

    (void)state;
    assert_int_equal(pgdata_read_postmaster(directory, &pm, NULL), -ENOENT);
    put_text("postmaster.pid",
             "1234\n/d\n1700000000\n5433\n/run/pg\n*\n   5433001    32771\nstandby \n");
    assert_int_equal(pgdata_read_postmaster(directory, &pm, NULL), 0);
    assert_int_equal(pm.pid, 1234);
    assert_int_equal(pm.port, 5433);
    assert_string_equal(pm.socket_directory, "/run/pg");
    assert_string_equal(pm.listen_address, "*");
    assert_int_equal(pm.shm_id, 32771);
    assert_string_equal(pm.status, "standby");
    put_text("postmaster.pid", "-77\n/d\n");
    assert_int_equal(pgdata_read_postmaster(directory, &pm, NULL), 0);
    assert_int_equal(pm.pid, 77);
    assert_int_equal(pm.shm_id, -1);
    put_text("postmaster.pid", "");
    assert_int_equal(pgdata_read_postmaster(directory, &pm, NULL), -EINVAL);
}

/* A pid that belongs to another program by now is a leftover. */
static void leftover_pid_file(void **state)
{
    char text[128];
    pid_t pid = 99;

    (void)state;
    assert_int_equal(pgdata_in_use(directory, &pid), PGDATA_IDLE);
    assert_int_equal(pid, 0);
    (void)snprintf(text, sizeof text, "%d\n%s\n", (int)getpid(), directory);
    put_text("postmaster.pid", text);
    assert_int_equal(pgdata_in_use(directory, NULL), PGDATA_IDLE);
}

static void written_files(void **state)
{
    char *text CLEANUP(cleanup_free) = NULL;
    struct stat st;
    char path[128];

    (void)state;
    put_text("f", "old");
    assert_int_equal(pgdata_write(directory, "f", "new\n", NULL), 0);
    assert_int_equal(pgdata_read(directory, "f", &text, NULL), 0);
    assert_string_equal(text, "new\n");
    (void)snprintf(path, sizeof path, "%s/f", directory);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pgdata_write("/nonexistent", "f", "x", NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(server_directory, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(postmaster_file, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(leftover_pid_file, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(written_files, make_directory,
                                        remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
