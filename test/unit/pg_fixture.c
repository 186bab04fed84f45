/* pg_fixture.c - see pg_fixture.h. */
#include "pg_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fence.h"
#include "mono.h"
#include "pgdata.h"
#include "unit.h"

static char top[] = "/tmp/pgrmon-pg-XXXXXX";
static char bin[256];

int64_t pg_now_ms(void)
{
    return mono_now().ms;
}

void pg_nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

const char *pg_fixture_directory(void)
{
    return top;
}

static int become_postgres(void)
{
    const struct passwd *user;

    if (geteuid() != 0)
        return 0;
    user = getpwnam("postgres");
    if (user == NULL || initgroups("postgres", user->pw_gid) != 0 ||
        setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) {
        (void)fprintf(stderr, "cannot become user postgres\n");
        return 1;
    }
    /* A change of user hides /proc/self from ourselves, and leaks from the sanitizer.
     */
    (void)prctl(PR_SET_DUMPABLE, 1);
    return setenv("HOME", user->pw_dir, 1) != 0 || chdir("/") != 0;
}

/* Process 1 of a namespace: takes in orphans, and passes the test's result on. When it
 * ends, the kernel ends whatever the test has left behind. */
static _Noreturn void be_init(pid_t test)
{
    int status;
    pid_t pid;

    while ((pid = wait(&status)) != test)
        if (pid < 0 && errno != EINTR)
            _exit(1);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* What is tested stops and kills by what it finds in /proc: should it be wrong one day,
 * it must not find anybody's PostgreSQL but ours. Without the privilege (a plain user)
 * its own rules have to do. */
static void be_alone(void)
{
    pid_t pid;
    int status;

    if (geteuid() != 0 || unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC) != 0)
        return;
    pid = fork();
    if (pid > 0) {
        (void)waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, NULL) != 0)
        _exit(1);
    pid = fork();
    if (pid != 0)
        be_init(pid);
}

/* Run a program in the background of nothing: its output is in `log` below top. */
static int run(const char *const argv[])
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        char path[128];
        int fd;

        (void)snprintf(path, sizeof path, "%s/fixture.log", top);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(open("/dev/null", O_RDONLY), 0);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *program(const char *name)
{
    static char path[4][320];
    static int i;

    i = (i + 1) % 4;
    (void)snprintf(path[i], sizeof path[i], "%s/%s", bin, name);
    return path[i];
}

static int find_bin(void)
{
    glob_t found;

    if (glob("/usr/lib/postgresql/1[3-8]/bin/initdb", 0, NULL, &found) != 0) {
        (void)fprintf(stderr, "no PostgreSQL below /usr/lib/postgresql\n");
        return 1;
    }
    (void)snprintf(bin, sizeof bin, "%.200s", found.gl_pathv[found.gl_pathc - 1]);
    *strrchr(bin, '/') = '\0';
    globfree(&found);
    return 0;
}

int pg_fixture_begin(void)
{
    char template[128], conf[160];
    FILE *file;

    be_alone();
    if (become_postgres() != 0 || find_bin() != 0 || mkdtemp(top) == NULL)
        return 1;
    (void)snprintf(template, sizeof template, "%s/template", top);
    if (run((const char *[]){program("initdb"), "-D", template, "-A", "trust", "-U",
                             "postgres", "--no-sync", NULL}) != 0) {
        (void)fprintf(stderr, "initdb failed, see %s/fixture.log\n", top);
        return 1;
    }
    (void)snprintf(conf, sizeof conf, "%s/postgresql.conf", template);
    file = fopen(conf, "a");
    if (file == NULL)
        return 1;
    (void)fprintf(file, "listen_addresses = ''\nfsync = off\nshared_buffers = 4MB\n"
                        "max_connections = 30\nautovacuum = off\n");
    return fclose(file) != 0;
}

static void remove_tree(const char *path)
{
    (void)run((const char *[]){"rm", "-rf", path, NULL});
}

void pg_fixture_end(void)
{
    if (getenv("PGRMON_TEST_KEEP") == NULL)
        remove_tree(top);
}

void pg_make(struct pg *pg, const char *name)
{
    char template[128];

    (void)snprintf(template, sizeof template, "%s/template", top);
    (void)snprintf(pg->directory, sizeof pg->directory, "%s/%.30s", top, name);
    (void)snprintf(pg->data, sizeof pg->data, "%s/data", pg->directory);
    assert_int_equal(run((const char *[]){"mkdir", pg->directory, NULL}), 0);
    assert_int_equal(run((const char *[]){"cp", "-a", template, pg->data, NULL}), 0);
}

static int try_start(const struct pg *pg, const char *options)
{
    char all[512], log[128];

    (void)snprintf(all, sizeof all, "-k %s %s", pg->directory, options);
    (void)snprintf(log, sizeof log, "%s/log", pg->directory);
    return run((const char *[]){program("pg_ctl"), "-D", pg->data, "-l", log, "-o", all,
                                "-t", "60", "-w", "start", NULL});
}

void pg_start(const struct pg *pg, const char *options)
{
    assert_int_equal(try_start(pg, options), 0);
}

bool pg_can_start(const struct pg *pg)
{
    return try_start(pg, "") == 0;
}

static bool is_ready(const struct pg *pg)
{
    struct pgdata_postmaster pm;

    return pgdata_read_postmaster(pg->data, &pm, NULL) == 0 &&
           strcmp(pm.status, "ready") == 0;
}

pid_t pg_start_child(const struct pg *pg)
{
    pid_t pid = pg_spawn("/", (const char *[]){program("postgres"), "-D", pg->data,
                                               "-k", pg->directory, NULL});

    PG_WAIT(is_ready(pg));
    return pid;
}

pid_t pg_start_beside(const struct pg *pg, const char *command)
{
    char line[800];
    pid_t pid;

    (void)snprintf(line, sizeof line, "%s & exec %s -D %s -k %s", command,
                   program("postgres"), pg->data, pg->directory);
    pid = pg_spawn("/", (const char *[]){"sh", "-c", line, NULL});
    PG_WAIT(is_ready(pg));
    return pid;
}

void pg_stop(const struct pg *pg, const char *mode)
{
    assert_int_equal(run((const char *[]){program("pg_ctl"), "-D", pg->data, "-m", mode,
                                          "-t", "60", "-w", "stop", NULL}),
                     0);
}

void pg_remove(struct pg *pg)
{
    struct fence fence;

    if (pg->data[0] == '\0')
        return;
    fence_init(&fence, pg->data);
    (void)!fence_kill(&fence, PG_WAIT_MS, NULL);
    fence_deinit(&fence);
    remove_tree(pg->directory);
    *pg = (struct pg){.data = ""};
}

PGconn *pg_connect(const struct pg *pg)
{
    const char *const keywords[] = {"host", "user", "dbname", NULL};
    const char *const values[] = {pg->directory, "postgres", "postgres", NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 0);

    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

void pg_exec(PGconn *conn, const char *sql)
{
    free(pg_value(conn, sql));
}

char *pg_value(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    char *value;

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    value = xstrdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

bool pg_answers(PGconn *conn, int ms)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

    return poll(&fd, 1, ms) > 0;
}

bool pg_succeeds(PGconn *conn)
{
    bool ok = true;
    PGresult *result;

    if (!pg_answers(conn, PG_WAIT_MS))
        return false;
    while ((result = PQgetResult(conn)) != NULL) {
        ExecStatusType status = PQresultStatus(result);

        ok = ok && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
        PQclear(result);
    }
    return ok;
}

pid_t pg_postmaster(const struct pg *pg)
{
    struct pgdata_postmaster pm;

    return pgdata_read_postmaster(pg->data, &pm, NULL) == 0 ? pm.pid : 0;
}

char pg_state_of(pid_t pid)
{
    struct proc proc;

    return proc_read(pid, &proc) ? proc.state : '-';
}

pid_t pg_spawn(const char *directory, const char *const argv[])
{
    char path[32];
    pid_t pid = fork();
    ssize_t n;

    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        for (int fd = 0; fd <= 2; fd++)
            (void)dup2(null, fd);
        if (chdir(directory) == 0)
            (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    do { /* until it is what it shall be */
        char self[32] = "", its[32] = "";
        int a = open("/proc/self/comm", O_RDONLY), b = open(path, O_RDONLY);

        n = read(a, self, sizeof self);
        n = n > 0 ? read(b, its, sizeof its) : n;
        (void)close(a);
        (void)close(b);
        if (n <= 0 || strcmp(self, its) != 0)
            break;
        pg_nap();
    } while (n > 0);
    return pid;
}

static bool has_line(pid_t pid, const char *line)
{
    char path[32], text[512];
    int fd;
    ssize_t n;

    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    for (ssize_t i = 0; i < n - 1; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    return strcmp(text, line) == 0;
}

struct search {
    const char *line;
    pid_t found;
};

static void look_at(pid_t pid, void *arg)
{
    struct search *search = arg;

    if (has_line(pid, search->line))
        search->found = pid;
}

pid_t pg_find(const char *line)
{
    struct search search = {.line = line};

    (void)proc_each(geteuid(), look_at, &search);
    return search.found;
}
