/* child.h - run a program to its end: arguments rather than a shell, its lines to a
 * callback, interruptible, with a deadline.
 *
 * The program gets a process group of its own and an empty standard input. Ctrl-C,
 * SIGTERM and SIGHUP to pgrmon while it runs end the whole group, and the caller cleans
 * up; the
 * group dies with pgrmon, should that be killed. */
#ifndef PGRMON_CHILD_H
#define PGRMON_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH */
    /* "NAME=value" to add to the environment, NULL-terminated, or NULL. No secrets: `ps
     * e` shows it. */
    const char *const *environment;
    int pass_fd;        /* a descriptor that the program keeps; -1 = none */
    int64_t timeout_ms; /* 0 = none: the caller's on_tick judges */
    /* Each line of standard output and error, without its end; "\r" ends one too. */
    void (*on_line)(void *arg, const char *line);
    /* Called five times a second; non-zero ends the program. May be NULL. */
    int (*on_tick)(void *arg);
    void *arg;
};

/* How it ended. */
struct child_result {
    int status;       /* as of waitpid() */
    bool timed_out;   /* ended by us after timeout_ms */
    bool interrupted; /* ended because of a signal to pgrmon */
    bool given_up;    /* ended because on_tick said so */
};

/* Run it. 0 with `*ret` filled, whatever the program's exit status was; -errno when it
 * could not be started. */
int child_run(const struct child_options *options,
              struct child_result *ret,
              struct err *err) PGRMON_MUST_CHECK;

/* True when the program ended by itself with exit status 0. */
bool child_succeeded(const struct child_result *result);

/* "exit status 1", "killed by signal 15 (Terminated)", "no end after 60 s" in `buf`. */
const char *child_describe(const struct child_result *result, char *buf, size_t size);

/* While held, Ctrl-C, SIGTERM and SIGHUP only set a flag. Nests. child_run() holds it
 * itself; a caller that must not stop between two steps does too. */
void child_hold_signals(void);
void child_release_signals(void);

/* The signal that came since the outermost child_hold_signals(), 0 = none. */
int child_interrupted(void);

#endif
