/* precheck.h - the preconditions of a command, as a list: gathered first, told by one
 * function, so that --dry-run and the real run cannot differ. */
#ifndef PGRMON_PRECHECK_H
#define PGRMON_PRECHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum precheck_level {
    PRECHECK_OK,     /* holds; told by --dry-run only */
    PRECHECK_NOTICE, /* holds, and worth telling always */
    PRECHECK_WARN,   /* the command works, something else may not */
    PRECHECK_FAIL,   /* the command cannot work */
};

struct precheck_item {
    enum precheck_level level;
    int exit_code; /* PRECHECK_FAIL only */
    char *text;
    char *detail; /* NULL or owned */
    char *hint;   /* NULL or owned */
};

struct precheck {
    struct precheck_item *items;
    size_t n;
    size_t n_failed;
    int exit_code; /* of the first failure, else 0 */
};

#define PRECHECK_INIT                                                                  \
    {                                                                                  \
        0                                                                              \
    }

/* Release; also as a cleanup attribute. */
void precheck_deinit(struct precheck *list);

/* Append a finding that is no failure. */
void precheck_add(struct precheck *list,
                  enum precheck_level level,
                  const char *fmt,
                  ...) PGRMON_PRINTF(3, 4);

/* Append a failure; the command will end with `exit_code`. */
void precheck_fail(struct precheck *list, int exit_code, const char *fmt, ...)
    PGRMON_PRINTF(3, 4);

/* A failure that is a warning when the user said --force. */
void precheck_fail_unless(struct precheck *list,
                          bool force,
                          int exit_code,
                          const char *fmt,
                          ...) PGRMON_PRINTF(4, 5);

/* Append the failure that `err` describes. */
void precheck_fail_err(struct precheck *list, int exit_code, const struct err *err);

/* DETAIL and HINT of the last finding. */
void precheck_detail(struct precheck *list, const char *fmt, ...) PGRMON_PRINTF(2, 3);
void precheck_hint(struct precheck *list, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* Tell all of it to the log. Returns 0 when `command` ("standby clone") may go on, else
 * the exit code with `err` filled: with the failure itself if there is one, else with
 * their number, and the failures are told before. */
int precheck_report(const struct precheck *list,
                    const char *command,
                    bool dry_run,
                    struct err *err) PGRMON_MUST_CHECK;

#endif
