/* child.h - external commands, run beside the loop and never waited for.
 *
 * Each child leads a process group of its own, reads /dev/null, inherits no descriptor
 * but its output pipe, has default signal dispositions, and is ended at its deadline:
 * SIGTERM to the group, SIGKILL two seconds later. Its output goes to the log line by
 * line. What it leaves running (a server) is not waited for, and loses the pipe.
 * Variables that let a process speak to systemd in our name (NOTIFY_SOCKET ...) are
 * taken away. */
#ifndef PGRMOND_CHILD_H
#define PGRMOND_CHILD_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "log.h"

struct child;

/* How a child ended. Valid during the callback. */
struct child_end {
    bool started;     /* false: it could not even be started, see `error` */
    bool timed_out;   /* ended by its deadline */
    int exit_status;  /* 0..255; -1 when a signal ended it */
    int signal;       /* that ended it, 0 = none */
    int error;        /* errno when it could not be started */
    const char *tail; /* the end of its output, bounded; "" when it said nothing */
};

typedef void child_cb(void *arg, const struct child_end *end);

/* What to run: either `argv` (no shell) or `shell` (by /bin/sh -c). */
struct child_spec {
    const char *name;            /* for log lines: "promote_command" */
    const char *const *argv;     /* NULL-terminated, or NULL */
    const char *shell;           /* or NULL */
    const char *const *env;      /* "NAME=value" added to the environment, or NULL */
    int64_t deadline_ms;         /* 0 = none */
    enum log_level output_level; /* of its output lines */
};

/* Start it; everything in `spec` is copied. The callback is called exactly once, from
 * the loop, also when the start failed; the handle is gone afterwards. Never NULL.
 * `loop` must be the default loop (libev watches children only there). */
struct child *
child_run(struct ev_loop *loop, const struct child_spec *spec, child_cb *cb, void *arg);

/* Forget it: its group is ended now, its callback not called. NULL is fine. */
void child_cancel(struct child *child);

#endif
