/* child.c - posix_spawn, a pipe and an ev_child. */
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"

/* A longer line is logged in pieces. */
#define LINE_SIZE 1024

/* How much of the end of the output is kept for the report. */
#define TAIL_SIZE 2048

/* Between SIGTERM and SIGKILL. */
#define GRACE_S 2.

struct child {
    struct ev_loop *loop;
    ev_child exit;
    ev_io output;
    ev_timer timer; /* the deadline, then the grace; or the report of a failed start */
    pid_t pid;      /* 0: could not be started, for the reason in `error` */
    int error;
    int fd; /* the reading end of its output, -1 when it is over */
    bool timed_out;
    enum log_level output_level;
    char *name;
    child_cb *cb;
    void *arg;
    char line[LINE_SIZE]; /* the unfinished one */
    size_t n_line;
    char tail[TAIL_SIZE];
    size_t n_tail;
};

/* Variables that speak to our process and no other. A postgres that is built with
 * systemd's library would report itself as us. */
static const char *const private_variables[] = {
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"};

/*
 * Output.
 */

/* Keep the line at the end of the tail; older lines make room. */
static void keep_line(struct child *child, const char *line, size_t n)
{
    size_t need = n + 1;

    while (child->n_tail > 0 && child->n_tail + need >= sizeof child->tail) {
        char *newline = memchr(child->tail, '\n', child->n_tail);
        size_t drop =
            newline == NULL ? child->n_tail : (size_t)(newline - child->tail) + 1;

        child->n_tail -= drop;
        (void)memmove(child->tail, child->tail + drop, child->n_tail);
    }
    (void)memcpy(child->tail + child->n_tail, line, n);
    child->n_tail += n;
    child->tail[child->n_tail++] = '\n';
}

static void end_line(struct child *child)
{
    if (child->n_line == 0)
        return;
    log_msg(child->output_level, "%s: %.*s", child->name, (int)child->n_line,
            child->line);
    keep_line(child, child->line, child->n_line);
    child->n_line = 0;
}

static void take_output(struct child *child, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] == '\n' || child->n_line == sizeof child->line)
            end_line(child);
        if (data[i] != '\n' && data[i] != '\0')
            child->line[child->n_line++] = data[i];
    }
}

static void close_output(struct child *child)
{
    if (child->fd < 0)
        return;
    ev_io_stop(child->loop, &child->output);
    (void)close(child->fd);
    child->fd = -1;
}

/* Read what is there, but leave the loop its turn: at most `n_reads` pieces. */
static void read_output(struct child *child, int n_reads)
{
    char data[4096];
    ssize_t n;

    for (; n_reads > 0 && child->fd >= 0; n_reads--) {
        n = read(child->fd, data, sizeof data);
        if (n > 0) {
            take_output(child, data, (size_t)n);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_output(child);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_output(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    read_output(io->data, 4);
}

/*
 * The end.
 */

static void release(struct child *child)
{
    ev_child_stop(child->loop, &child->exit);
    ev_timer_stop(child->loop, &child->timer);
    close_output(child);
    free(child->name);
    free(child);
}

/* Also right after the leader was reaped: its pid stays in use while the group has
 * members, and is not given out again within the same turn of the loop when it has
 * none. */
static void kill_group(const struct child *child, int signal)
{
    if (child->pid > 0)
        (void)kill(-child->pid, signal);
}

/* Tell the end. The handle is gone when the callback runs. */
static void report(struct child *child, struct child_end *end)
{
    child_cb *cb = child->cb;
    void *arg = child->arg;
    char tail[TAIL_SIZE];

    (void)memcpy(tail, child->tail, child->n_tail);
    tail[child->n_tail] = '\0';
    end->tail = tail;
    end->timed_out = child->timed_out;
    end->error = child->error;
    release(child);
    cb(arg, end);
}

static void on_end(struct ev_loop *loop, ev_child *watcher, int revents)
{
    struct child *child = watcher->data;
    struct child_end end = {.started = true, .exit_status = -1};
    int status = watcher->rstatus;

    (void)loop;
    (void)revents;
    if (child->timed_out)
        kill_group(child, SIGKILL); /* those of the group that outlived it */
    read_output(child, 64);         /* a pipe holds 64 KiB: all that it said */
    end_line(child);
    if (WIFEXITED(status))
        end.exit_status = WEXITSTATUS(status);
    else if (WIFSIGNALED(status))
        end.signal = WTERMSIG(status);
    report(child, &end);
}

static void start_timer(struct child *child, double seconds)
{
    ev_timer_stop(child->loop, &child->timer);
    ev_now_update(child->loop);
    ev_timer_set(&child->timer, seconds, 0.);
    ev_timer_start(child->loop, &child->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct child *child = timer->data;
    struct child_end end = {.exit_status = -1};

    (void)loop;
    (void)revents;
    if (child->pid == 0) {
        report(child, &end);
        return;
    }
    if (child->timed_out) {
        kill_group(child, SIGKILL);
        return;
    }
    child->timed_out = true;
    kill_group(child, SIGTERM);
    kill_group(child, SIGCONT); /* a stopped one would not hear it */
    start_timer(child, GRACE_S);
}

void child_cancel(struct child *child)
{
    if (child == NULL)
        return;
    kill_group(child, SIGKILL); /* the default loop reaps whom nobody waits for */
    release(child);
}

/*
 * The beginning.
 */

static bool is_private(const char *variable)
{
    for (size_t i = 0; i < sizeof private_variables / sizeof private_variables[0];
         i++) {
        size_t n = strlen(private_variables[i]);

        if (strncmp(variable, private_variables[i], n) == 0 && variable[n] == '=')
            return true;
    }
    return false;
}

/* True when `variable` ("NAME=value") is set by the list as well. */
static bool is_replaced(const char *variable, const char *const *list)
{
    size_t n = strcspn(variable, "=") + 1;

    for (; list != NULL && *list != NULL; list++) {
        if (strncmp(variable, *list, n) == 0)
            return true;
    }
    return false;
}

/* Our environment without what is private, and `more`. Free the array only. */
static char **make_env(const char *const *more)
{
    size_t n = 0;
    char **env;

    for (char **v = environ; *v != NULL; v++)
        n++;
    for (const char *const *v = more; v != NULL && *v != NULL; v++)
        n++;
    env = xcalloc(n + 1, sizeof *env);
    n = 0;
    for (char **v = environ; *v != NULL; v++) {
        if (!is_private(*v) && !is_replaced(*v, more))
            env[n++] = *v;
    }
    /* posix_spawn() takes char *const *, and changes nothing. */
    if (more != NULL) {
        for (const char *const *v = more; *v != NULL; v++)
            (void)memcpy(&env[n++], v, sizeof *v);
    }
    return env;
}

static int spawn(pid_t *ret_pid, const struct child_spec *spec, int output)
{
    static const char *const shell_argv[] = {"/bin/sh", "-c", NULL, NULL};
    const char *argv_of_shell[4];
    char *const *argv;
    char **env CLEANUP(cleanup_free) = make_env(spec->env);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    int r;

    (void)memcpy(argv_of_shell, shell_argv, sizeof shell_argv);
    argv_of_shell[2] = spec->shell;
    (void)memcpy(
        &argv, &(const char *const *){spec->argv != NULL ? spec->argv : argv_of_shell},
        sizeof argv); /* posix_spawn's const, again */

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, output, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, output, 2);
    (void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                                    POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)sigemptyset(&set);
    (void)posix_spawnattr_setsigmask(&attributes, &set);
    (void)sigfillset(&set);
    (void)posix_spawnattr_setsigdefault(&attributes, &set);
    r = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Returns the reading end of its output, or -errno. */
static int start(pid_t *ret_pid, const struct child_spec *spec)
{
    int fds[2];
    int r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    r = spawn(ret_pid, spec, fds[1]);
    (void)close(fds[1]);
    if (r < 0) {
        (void)close(fds[0]);
        return r;
    }
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK); /* our end only; theirs blocks */
    return fds[0];
}

struct child *
child_run(struct ev_loop *loop, const struct child_spec *spec, child_cb *cb, void *arg)
{
    struct child *child = xcalloc(1, sizeof *child);

    assert((spec->argv == NULL) != (spec->shell == NULL));
    child->loop = loop;
    child->output_level = spec->output_level;
    child->name = xstrdup(spec->name);
    child->cb = cb;
    child->arg = arg;
    ev_init(&child->exit, on_end);
    ev_init(&child->output, on_output);
    ev_init(&child->timer, on_timer);
    child->exit.data = child->output.data = child->timer.data = child;
    child->fd = start(&child->pid, spec);
    if (child->fd < 0) {
        child->error = -child->fd;
        child->pid = 0;
        start_timer(child, 0.);
        return child;
    }
    /* Its end cannot be missed: the loop reaps nobody before it runs again. */
    ev_child_set(&child->exit, child->pid, 0);
    ev_child_start(loop, &child->exit);
    ev_io_set(&child->output, child->fd, EV_READ);
    ev_io_start(loop, &child->output);
    if (spec->deadline_ms > 0)
        start_timer(child, (double)spec->deadline_ms / 1000.);
    return child;
}
