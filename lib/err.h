/* err.h - an error as a value: a code, what happened, why, and what to do next. */
#ifndef PGRMON_ERR_H
#define PGRMON_ERR_H

#define PGRMON_MUST_CHECK         __attribute__((warn_unused_result))
#define PGRMON_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/*
 * The convention of every function in pgrmon that can fail (after dbus-broker):
 *   0          success
 *   negative   -errno: fatal for the operation, forwarded unchanged by callers
 *   positive   a condition that the function's own header names; its caller handles it
 * The text is filled where the failure happens, may be prefixed on the way up, and is
 * printed once, by whoever ends the operation (cli/main.c, daemon/).
 * Texts are lower case without a full stop; `hint` holds the exact next command.
 * A text that does not fit is cut. Secrets never go in: see conninfo_redact().
 */
struct err {
    int code;          /* what was returned, 0 when nothing failed */
    char text[512];    /* "could not connect to node \"node1\" (ID: 1)" */
    char detail[1024]; /* may be empty, may hold several lines */
    char hint[512];    /* may be empty */
};

#define ERR_INIT                                                                       \
    {                                                                                  \
        0                                                                              \
    }

/* Fill `err` (which may be NULL) with a code and a text, clearing detail and hint.
 * Returns `code`, so that failing is one statement. */
int err_set(struct err *err, int code, const char *fmt, ...) PGRMON_PRINTF(3, 4);

/* Add the DETAIL; replaces an earlier one. `err` may be NULL. */
void err_detail(struct err *err, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* Add the HINT; replaces an earlier one. `err` may be NULL. */
void err_hint(struct err *err, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* Put "fmt: " before the text that is already there. `err` may be NULL. */
void err_prefix(struct err *err, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* Out of memory: says so on standard error and aborts. The only such place. */
_Noreturn void err_out_of_memory(void);

/* Allocation that cannot fail (calls err_out_of_memory); free() releases. */
void *xcalloc(unsigned long n, unsigned long size);
char *xstrdup(const char *text);
char *xasprintf(const char *fmt, ...) PGRMON_PRINTF(1, 2);

#endif
