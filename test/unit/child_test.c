/* child_test.c - commands that succeed, fail, hang, talk too much or leave others
 * behind. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "mono.h"
#include "unit.h"

#define LONG_MS 30000

struct seen {
    int calls;
    int exit_code;
    int signal;
    bool started;
    int error;
    bool timed_out;
    char output[2048];
};

static struct ev_loop *loop;

static void on_end(void *arg, const struct child_end *end)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->exit_code = end->exit_status;
    seen->signal = end->signal;
    seen->started = end->started;
    seen->error = end->error;
    seen->timed_out = end->timed_out;
    (void)snprintf(seen->output, sizeof seen->output, "%s", end->tail);
    ev_break(loop, EVBREAK_ONE);
}

static struct seen run_spec(const struct child_spec *spec)
{
    struct seen seen = {0};

    assert_non_null(child_run(loop, spec, on_end, &seen));
    assert_int_equal(seen.calls, 0);
    ev_run(loop, 0);
    assert_int_equal(seen.calls, 1);
    return seen;
}

static struct seen run(const char *command)
{
    const struct child_spec spec = {.shell = command,
                                    .name = "test",
                                    .deadline_ms = LONG_MS,
                                    .output_level = LOG_LEVEL_DEBUG};

    return run_spec(&spec);
}

static void exit_codes(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(run("exit 0").exit_code, 0);
    assert_int_equal(run("exit 3").exit_code, 3);
    assert_int_equal(run("no-such-command-here").exit_code, 127);
    seen = run("kill -KILL $$");
    assert_int_equal(seen.exit_code, -1);
    assert_int_equal(seen.signal, SIGKILL);
    assert_false(seen.timed_out);
}

static void programs_without_a_shell(void **state)
{
    const char *const argv[] = {"printf", "%s|", "$(id)", "two words", NULL};
    const char *const missing[] = {"/no/such/program", NULL};
    struct child_spec spec = {.argv = argv, .name = "test", .deadline_ms = LONG_MS};
    struct seen seen;

    (void)state;
    assert_string_equal(run_spec(&spec).output, "$(id)|two words|\n");
    spec.argv = missing;
    seen = run_spec(&spec);
    assert_false(seen.started);
    assert_int_equal(seen.error, ENOENT);
    assert_int_equal(seen.exit_code, -1);
}

static void output_is_kept(void **state)
{
    struct seen seen;

    (void)state;
    assert_string_equal(run("echo one; echo two >&2; printf three").output,
                        "one\ntwo\nthree\n");
    assert_string_equal(run(":").output, "");
    /* More than is kept, and a line longer than one: the end is there, cut at a line.
     */
    seen = run("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done;"
               "head -c 5000 /dev/zero | tr '\\0' x; echo; echo last");
    assert_non_null(strstr(seen.output, "x\nlast\n"));
    assert_true(strlen(seen.output) < 2048);
    seen = run("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done");
    assert_non_null(strstr(seen.output, "\nline 2999\nline 3000\n"));
    assert_int_equal(strncmp(seen.output, "line ", 5), 0);
}

static void deadline_ends_the_group(void **state)
{
    struct child_spec spec = {.name = "test", .deadline_ms = 300};
    struct mono start = mono_now();
    struct seen seen;
    int pid;

    (void)state;
    spec.shell = "sleep 600 & echo $!; wait";
    seen = run_spec(&spec);
    assert_true(seen.timed_out);
    assert_int_equal(seen.signal, SIGTERM);
    assert_in_range(mono_diff(mono_now(), start), 290, LONG_MS / 2);
    pid = atoi(seen.output);
    assert_true(pid > 1);
    /* Its own child went too (or is a zombie until somebody reaps it). */
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
        char path[64], stat[256] = "";
        FILE *f;

        (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
        f = fopen(path, "r");
        if (f == NULL)
            break;
        (void)fgets(stat, sizeof stat, f);
        (void)fclose(f);
        if (strstr(stat, ") Z ") != NULL)
            break;
        assert_in_range(i, 0, 998);
        (void)ev_run(loop, EVRUN_NOWAIT);
        (void)usleep(10000);
    }
}

static void deaf_commands_are_killed(void **state)
{
    struct child_spec spec = {
        .shell = "trap '' TERM; while :; do sleep 0.05; done",
        .name = "test",
        .deadline_ms = 200,
    };
    struct seen seen = run_spec(&spec);

    (void)state;
    assert_true(seen.timed_out);
    assert_int_equal(seen.signal, SIGKILL);
}

static void who_is_left_behind_is_not_waited_for(void **state)
{
    struct mono start = mono_now();
    struct seen seen = run("sleep 600 & echo $!");

    (void)state;
    assert_int_equal(seen.exit_code, 0);
    assert_in_range(mono_diff(mono_now(), start), 0, LONG_MS / 2);
    /* It lives on, as a server that was started should. */
    assert_int_equal(kill(atoi(seen.output), 0), 0);
    (void)kill(atoi(seen.output), SIGKILL);
}

static void nothing_of_ours_is_inherited(void **state)
{
    int fd = open("/dev/null", O_RDONLY); /* without close-on-exec, on purpose */
    const char *const env[] = {"PGRMON_EVENT=a b", "HOME=/other", NULL};
    struct child_spec spec = {.name = "test", .deadline_ms = LONG_MS, .env = env};
    struct seen seen;
    sigset_t set, old;
    unsigned long long blocked, ignored;

    (void)state;
    (void)setenv("NOTIFY_SOCKET", "/run/x", 1);
    (void)setenv("KEPT", "yes", 1);
    spec.shell = "echo \"$PGRMON_EVENT|$HOME|$KEPT|$NOTIFY_SOCKET|\"; cat";
    assert_string_equal(run_spec(&spec).output, "a b|/other|yes||\n");
    (void)unsetenv("NOTIFY_SOCKET");

    spec.shell = "ls /proc/self/fd | wc -l"; /* 0, 1, 2 and ls's own */
    assert_string_equal(run_spec(&spec).output, "4\n");

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, &old);
    spec.shell = "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'";
    seen = run_spec(&spec);
    assert_int_equal(
        sscanf(seen.output, "SigBlk:%llx\nSigIgn:%llx", &blocked, &ignored), 2);
    assert_int_equal(blocked, 0);
    /* Of 32 and 33, glibc's own, posix_spawn() has its own opinion. */
    assert_int_equal(ignored & 0x7fffffff, 0);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    (void)close(fd);
}

static void cancelled_commands_are_not_heard_of(void **state)
{
    const char *const missing[] = {"/no/such/program", NULL};
    const struct child_spec hangs = {.shell = "sleep 600", .name = "test"};
    const struct child_spec fails = {.argv = missing, .name = "test"};
    struct seen seen = {0};

    (void)state;
    child_cancel(child_run(loop, &hangs, on_end, &seen));
    child_cancel(child_run(loop, &fails, on_end, &seen));
    assert_int_equal(run(":").exit_code, 0);
    assert_int_equal(seen.calls, 0);
    child_cancel(NULL);
}

static void many_at_once(void **state)
{
    struct seen seen[10] = {{0}};
    int done = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        char command[32];
        struct child_spec spec = {
            .shell = command, .name = "test", .deadline_ms = LONG_MS};

        (void)snprintf(command, sizeof command, "exit %d", i);
        assert_non_null(child_run(loop, &spec, on_end, &seen[i]));
    }
    while (done < 10) {
        ev_run(loop, EVRUN_ONCE);
        done = 0;
        for (int i = 0; i < 10; i++)
            done += seen[i].calls;
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(seen[i].exit_code, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(programs_without_a_shell),
        cmocka_unit_test(output_is_kept),
        cmocka_unit_test(deadline_ends_the_group),
        cmocka_unit_test(deaf_commands_are_killed),
        cmocka_unit_test(who_is_left_behind_is_not_waited_for),
        cmocka_unit_test(nothing_of_ours_is_inherited),
        cmocka_unit_test(cancelled_commands_are_not_heard_of),
        cmocka_unit_test(many_at_once),
    };
    int failed;

    loop = ev_default_loop(EVFLAG_AUTO);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ev_loop_destroy(loop);
    return failed;
}
