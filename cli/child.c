/* child.c - see child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mono.h"

#define TICK_MS       200
#define KILL_AFTER_MS 5000
#define LINE_BYTES    2048

/* ---- signals -------------------------------------------------------------------- */

static const int held_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define N_HELD (sizeof held_signals / sizeof *held_signals)

/* Signal handlers have no argument to find an object by. */
static volatile sig_atomic_t caught;
static struct sigaction saved[N_HELD];
static int depth;

static void on_signal(int signal_number)
{
    caught = signal_number;
}

void child_hold_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    if (depth++ > 0)
        return;
    caught = 0;
    for (size_t i = 0; i < N_HELD; i++)
        (void)sigaction(held_signals[i], &action, &saved[i]);
}

void child_release_signals(void)
{
    if (--depth > 0)
        return;
    for (size_t i = 0; i < N_HELD; i++)
        (void)sigaction(held_signals[i], &saved[i], NULL);
}

int child_interrupted(void)
{
    return caught;
}

/* ---- one run -------------------------------------------------------------------- */

struct run {
    const struct child_options *options;
    struct child_result *result;
    pid_t pid;
    int pidfd;
    int output; /* read end of its output; -1 after its end */
    pid_t guard;
    int guard_pipe; /* write end */
    struct mono deadline;
    struct mono kill_at; /* MONO_NEVER until it was asked to stop */
    char line[LINE_BYTES];
    size_t line_length;
};

_Noreturn static void become(const struct child_options *options, int output, pid_t us)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != us)
        _exit(127);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < N_HELD; i++)
        (void)signal(held_signals[i], SIG_DFL);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    if (options->pass_fd >= 0)
        (void)fcntl(options->pass_fd, F_SETFD, 0);
    for (const char *const *e = options->environment; e != NULL && *e != NULL; e++)
        (void)putenv(strdup(*e));
    (void)execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", options->argv[0], strerror(errno));
    _exit(127);
}

/* Ends the group should pgrmon die without doing it: PDEATHSIG reaches the program but
 * not its children, and pg_basebackup's WAL receiver lives on for ever without its
 * parent. A byte means that all went well, the end of file that pgrmon is gone. */
_Noreturn static void be_guard(pid_t group, int pipe_end)
{
    char byte;
    ssize_t n;

    (void)setsid();
    for (size_t i = 0; i < N_HELD; i++)
        (void)signal(held_signals[i], SIG_IGN);
    (void)dup2(pipe_end, STDIN_FILENO);
    (void)close_range(STDIN_FILENO + 1, ~0U, 0);
    do
        n = read(STDIN_FILENO, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        (void)kill(-group, SIGKILL);
    _exit(0);
}

static void start_guard(struct run *run)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    run->guard = fork();
    if (run->guard == 0) {
        (void)close(ends[1]);
        be_guard(run->pid, ends[0]);
    }
    (void)close(ends[0]);
    run->guard_pipe = ends[1];
}

static void dismiss_guard(const struct run *run)
{
    if (run->guard_pipe < 0)
        return;
    (void)!write(run->guard_pipe, "", 1);
    (void)close(run->guard_pipe);
    if (run->guard > 0)
        (void)waitpid(run->guard, NULL, 0);
}

static int start(struct run *run, struct err *err)
{
    int ends[2];
    pid_t us = getpid();

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, -errno, "could not create a pipe: %s", strerror(errno));
    run->pid = fork();
    if (run->pid == 0)
        become(run->options, ends[1], us);
    (void)close(ends[1]);
    if (run->pid < 0) {
        (void)close(ends[0]);
        return err_set(err, -errno, "could not fork: %s", strerror(errno));
    }
    (void)setpgid(run->pid, run->pid); /* whoever comes first */
    start_guard(run);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    run->output = ends[0];
    run->pidfd = pidfd_open(run->pid, 0);
    return 0;
}

static void stop(struct run *run)
{
    if (run->kill_at.ms != MONO_NEVER.ms)
        return;
    (void)kill(-run->pid, SIGTERM);
    run->kill_at = mono_add(mono_now(), KILL_AFTER_MS);
}

static void end_line(struct run *run)
{
    run->line[run->line_length] = '\0';
    if (run->line_length > 0 && run->options->on_line != NULL)
        run->options->on_line(run->options->arg, run->line);
    run->line_length = 0;
}

static void read_output(struct run *run)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(run->output, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] == '\n' || buf[i] == '\r')
                end_line(run);
            else if (run->line_length < sizeof run->line - 1)
                run->line[run->line_length++] = buf[i];
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        (void)close(run->output);
        run->output = -1;
    }
}

static void judge(struct run *run)
{
    const struct child_options *options = run->options;

    if (child_interrupted() != 0) {
        run->result->interrupted = true;
        stop(run);
    }
    if (mono_reached(run->deadline, mono_now())) {
        run->result->timed_out = true;
        stop(run);
    }
    if (options->on_tick != NULL && run->kill_at.ms == MONO_NEVER.ms &&
        options->on_tick(options->arg) != 0) {
        run->result->given_up = true;
        stop(run);
    }
    if (mono_reached(run->kill_at, mono_now()))
        (void)kill(-run->pid, SIGKILL);
}

static void attend(struct run *run)
{
    struct mono next_tick = mono_now();

    for (;;) {
        struct pollfd fds[2] = {
            {run->output, POLLIN, 0},
            {run->pidfd,  POLLIN, 0}
        };

        (void)poll(fds, 2, TICK_MS);
        if (run->output >= 0)
            read_output(run);
        if (waitpid(run->pid, &run->result->status, WNOHANG) == run->pid)
            break;
        if (mono_reached(next_tick, mono_now()) || child_interrupted() != 0) {
            judge(run);
            next_tick = mono_add(mono_now(), TICK_MS);
        }
    }
    if (run->output >= 0)
        read_output(run);
    end_line(run);
}

int child_run(const struct child_options *options,
              struct child_result *ret,
              struct err *err)
{
    struct run run = {.options = options,
                      .result = ret,
                      .pidfd = -1,
                      .output = -1,
                      .guard_pipe = -1,
                      .deadline = MONO_NEVER,
                      .kill_at = MONO_NEVER};
    int rc;

    *ret = (struct child_result){0};
    if (options->timeout_ms > 0)
        run.deadline = mono_add(mono_now(), options->timeout_ms);
    child_hold_signals();
    rc = start(&run, err);
    if (rc == 0) {
        attend(&run);
        /* What it left behind in its group, such as pg_basebackup's WAL receiver. */
        if (!child_succeeded(ret))
            (void)kill(-run.pid, SIGKILL);
        dismiss_guard(&run);
    }
    if (run.output >= 0)
        (void)close(run.output);
    if (run.pidfd >= 0)
        (void)close(run.pidfd);
    child_release_signals();
    return rc;
}

bool child_succeeded(const struct child_result *result)
{
    return WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0 &&
           !result->interrupted && !result->timed_out && !result->given_up;
}

const char *child_describe(const struct child_result *result, char *buf, size_t size)
{
    if (result->interrupted)
        (void)snprintf(buf, size, "interrupted by a signal");
    else if (result->timed_out)
        (void)snprintf(buf, size, "did not end in time");
    else if (result->given_up)
        (void)snprintf(buf, size, "ended because it made no progress");
    else if (WIFSIGNALED(result->status))
        (void)snprintf(buf, size, "killed by signal %d (%s)", WTERMSIG(result->status),
                       strsignal(WTERMSIG(result->status)));
    else if (WIFEXITED(result->status) && WEXITSTATUS(result->status) == 127)
        (void)snprintf(buf, size, "program not found or not executable");
    else
        (void)snprintf(buf, size, "exit status %d", WEXITSTATUS(result->status));
    return buf;
}
