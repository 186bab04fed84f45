/* log.h - one line per fact, to where the operator wants it.
 *
 * The library itself returns errors and never logs; daemon/ and cli/ do. Two shapes:
 *   CLI     NOTICE: text              on standard error, DETAIL: and HINT: below it
 *   daemon  [2026-01-31 12:34:56] [NOTICE] text     to stderr, a file, syslog or
 * journald Every text passes one redaction: what looks like password=... or a URI's
 * password is replaced before it leaves the process. */
#ifndef PGRMON_LOG_H
#define PGRMON_LOG_H

#include <stdbool.h>

#include "err.h"

/* repmgr's levels, in order of weight. ALERT, CRIT and EMERG in a setting mean ERROR.
 */
enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
};

enum log_style {
    LOG_STYLE_CLI,    /* "LEVEL: text" */
    LOG_STYLE_DAEMON, /* time stamp and [LEVEL]; "<5>text" under systemd */
};

/* Where lines go. */
enum log_sink {
    LOG_SINK_STDERR,
    LOG_SINK_FILE,
    LOG_SINK_SYSLOG,
    LOG_SINK_JOURNAL, /* sd_journal_send with PGRMON_NODE_ID, PGRMON_NODE_NAME */
};

struct log_options {
    enum log_style style;
    enum log_sink sink;
    enum log_level level;  /* lines below it are dropped */
    const char *file;      /* LOG_SINK_FILE: path, opened for append, mode 0600 */
    int syslog_facility;   /* LOG_SINK_SYSLOG: LOG_LOCAL0 and so on */
    const char *ident;     /* program name */
    int node_id;           /* journal field; 0 when unknown */
    const char *node_name; /* journal field; may be NULL */
    bool terse;            /* CLI: no DETAIL and HINT lines (-t) */
};

/* Start logging as `options` say; strings are copied. Before the first call everything
 * goes to standard error in CLI style at INFO. Returns 0, or -errno when the file
 * cannot be opened (logging then stays as it was). */
int log_open(const struct log_options *options, struct err *err) PGRMON_MUST_CHECK;

/* Close and open the file again, for SIGHUP after a rotation. No effect on other sinks.
 * On failure the old file stays in use. */
int log_reopen(struct err *err) PGRMON_MUST_CHECK;

/* A level by its name, in any case; false when there is none of that name. */
bool log_level_parse(const char *name, enum log_level *ret_level);

/* Change the level at run time (SIGHUP). */
void log_set_level(enum log_level level);

/* True when a line of `level` would be written. */
bool log_enabled(enum log_level level);

/* Flush and close; standard error in CLI style again afterwards. */
void log_close(void);

/* One line. */
void log_msg(enum log_level level, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* DETAIL and HINT lines of the line before; they share its level. A text of several
 * lines is written as several DETAIL lines. */
void log_detail(enum log_level level, const char *fmt, ...) PGRMON_PRINTF(2, 3);
void log_hint(enum log_level level, const char *fmt, ...) PGRMON_PRINTF(2, 3);

/* Text, detail and hint of `err` at `level`. */
void log_err(enum log_level level, const struct err *err);

#define log_debug(...)   log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)    log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_notice(...)  log_msg(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_msg(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
