/* log.c - lines to standard error, a file, syslog or the journal.
 *
 * Logging must never stop the program: a full disk or a reader that went away costs the
 * lines, which are counted, and the next line that gets through says how many. A pipe
 * or terminal that cannot take a line at once is not waited for. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* The systemd macros would put our file and line into every entry. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "cleanup.h"
#include "conninfo.h"

/* How long a full pipe is waited for, by the first line that it does not take. */
#define WRITE_PATIENCE_MS 20

/* The one object of its kind: logging is for everybody, so it is not passed around. */
static struct {
    struct log_options options; /* its strings are ours once `owned` */
    bool owned;
    int fd; /* LOG_SINK_FILE */
    bool colour;
    bool to_journal;    /* standard error is the journal's socket */
    bool torn;          /* the last line was written in part only */
    unsigned long lost; /* lines since the last that got through */
} the_log = {
    .options = {.level = LOG_LEVEL_INFO},
    .fd = -1,
};

static const struct {
    const char *name;
    const char *colour; /* of the level's word on a terminal */
    int priority;       /* syslog's */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"DEBUG",   "\033[2m",  LOG_DEBUG  },
    [LOG_LEVEL_INFO] = {"INFO",    "\033[36m", LOG_INFO   },
    [LOG_LEVEL_NOTICE] = {"NOTICE",  "\033[32m", LOG_NOTICE },
    [LOG_LEVEL_WARNING] = {"WARNING", "\033[33m", LOG_WARNING},
    [LOG_LEVEL_ERROR] = {"ERROR",   "\033[31m", LOG_ERR    },
};

/*
 * Sinks.
 */

/* False when a pipe, socket or terminal is full and stays so: better a lost line than a
 * monitor that waits for whoever reads its log. Files are always ready. */
static bool is_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n;

    do
        n = poll(&p, 1, the_log.lost == 0 ? WRITE_PATIENCE_MS : 0);
    while (n < 0 && errno == EINTR);
    return n == 1 && (p.revents & (POLLERR | POLLNVAL)) == 0;
}

/* Returns the number of bytes written, fewer than asked for on failure. */
static size_t write_all(int fd, const char *text, size_t n)
{
    size_t done = 0;

    while (done < n && is_ready(fd)) {
        ssize_t w = write(fd, text + done, n - done);

        if (w > 0)
            done += (size_t)w;
        else if (w == 0 || errno != EINTR)
            break;
    }
    return done;
}

static void write_line(int fd, const char *line)
{
    size_t n = strlen(line);
    size_t done;

    if (the_log.torn && write_all(fd, "\n", 1) == 1)
        the_log.torn = false;
    done = the_log.torn ? 0 : write_all(fd, line, n);
    if (done == n)
        return;
    if (done > 0)
        the_log.torn = true;
    the_log.lost++;
}

static void write_journal(enum log_level level, const char *text)
{
    const struct log_options *o = &the_log.options;
    char *fields[5] = {NULL};
    struct iovec iov[5];
    int n = 0;

    fields[n++] = xasprintf("MESSAGE=%s", text);
    fields[n++] = xasprintf("PRIORITY=%d", levels[level].priority);
    fields[n++] =
        xasprintf("SYSLOG_IDENTIFIER=%s", o->ident == NULL ? "pgrmond" : o->ident);
    if (o->node_id != 0)
        fields[n++] = xasprintf("PGRMON_NODE_ID=%d", o->node_id);
    if (o->node_name != NULL)
        fields[n++] = xasprintf("PGRMON_NODE_NAME=%s", o->node_name);
    for (int i = 0; i < n; i++)
        iov[i] = (struct iovec){fields[i], strlen(fields[i])};
    if (sd_journal_sendv(iov, n) < 0)
        the_log.lost++;
    for (int i = 0; i < n; i++)
        free(fields[i]);
}

/*
 * One line.
 */

static void time_stamp(char *buf, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;

    if (localtime_r(&now, &tm) == NULL ||
        strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)snprintf(buf, size, "?");
}

/* "LEVEL: text", the word in colour on a terminal. */
static char *cli_line(enum log_level level, const char *word, const char *text)
{
    if (the_log.colour)
        return xasprintf("%s%s:\033[0m %s\n", levels[level].colour, word, text);
    return xasprintf("%s: %s\n", word, text);
}

static char *daemon_line(enum log_level level, const char *word, const char *text)
{
    bool is_level = strcmp(word, levels[level].name) == 0;
    char stamp[32];

    /* sd-daemon(3): the journal takes the priority off the front and has its own clock.
     */
    if (the_log.to_journal)
        return xasprintf("<%d>%s%s%s\n", levels[level].priority, is_level ? "" : word,
                         is_level ? "" : ": ", text);
    time_stamp(stamp, sizeof stamp);
    return xasprintf("[%s] [%s] %s\n", stamp, word, text);
}

/* `word` is the level's name, or DETAIL or HINT. */
static void emit(enum log_level level, const char *word, const char *text)
{
    bool is_level = strcmp(word, levels[level].name) == 0;
    const char *prefix = is_level ? "" : word;
    const char *colon = is_level ? "" : ": ";
    char *line CLEANUP(cleanup_free) = NULL;

    switch (the_log.options.sink) {
    case LOG_SINK_SYSLOG:
        syslog(levels[level].priority, "%s%s%s", prefix, colon, text);
        return;
    case LOG_SINK_JOURNAL:
        line = xasprintf("%s%s%s", prefix, colon, text);
        write_journal(level, line);
        return;
    case LOG_SINK_STDERR:
    case LOG_SINK_FILE:
        break;
    }
    line = the_log.options.style == LOG_STYLE_CLI ? cli_line(level, word, text)
                                                  : daemon_line(level, word, text);
    write_line(the_log.options.sink == LOG_SINK_FILE ? the_log.fd : STDERR_FILENO,
               line);
}

/* If lines were lost, try to say so first. */
static void confess(void)
{
    unsigned long lost = the_log.lost;
    char *text CLEANUP(cleanup_free) = NULL;

    if (lost == 0)
        return;
    text = xasprintf("%lu log lines could not be written", lost);
    emit(LOG_LEVEL_WARNING, levels[LOG_LEVEL_WARNING].name, text);
    the_log.lost = the_log.lost == lost ? 0 : lost; /* done, or not yet */
}

/* Nobody can forge a line of its own, or move the cursor of who reads. */
static void strip_control(char *text)
{
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == '\177')
            *p = ' ';
    }
}

static void put(enum log_level level, const char *word, const char *raw)
{
    char *text CLEANUP(cleanup_free) = conninfo_redact(raw);
    int saved_errno = errno;

    strip_control(text);
    confess();
    emit(level, word, text);
    errno = saved_errno;
}

/* A text of several lines as several lines with the same word. */
static void put_lines(enum log_level level, const char *word, const char *raw)
{
    char *text CLEANUP(cleanup_free) = conninfo_redact(raw); /* before it is cut up */
    char *rest = text;
    const char *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            put(level, word, line);
    }
}

static char *format(const char *fmt, va_list args)
    __attribute__((format(printf, 1, 0)));

static char *format(const char *fmt, va_list args)
{
    char *text;

    if (vasprintf(&text, fmt, args) < 0)
        err_out_of_memory();
    return text;
}

/*
 * Opening and closing.
 */

/* sd-daemon(3): JOURNAL_STREAM names the device and inode of the journal's socket. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
        return false;
    return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool stderr_wants_colour(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) == 1 && (no == NULL || no[0] == '\0') &&
           term != NULL && strcmp(term, "dumb") != 0;
}

static int open_file(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd >= 0)
        return fd;
    fd = -errno;
    (void)err_set(err, fd, "could not open log file \"%s\"", path);
    err_detail(err, "%s", strerror(-fd));
    err_hint(err, "check \"log_file\" and the permissions of its directory");
    return fd;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

/* cleanup_free() without the attribute, for strings that are const to everybody else.
 */
static void release(const char **text)
{
    cleanup_free(text);
    *text = NULL;
}

void log_close(void)
{
    if (the_log.options.sink == LOG_SINK_SYSLOG)
        closelog();
    if (the_log.fd >= 0)
        (void)close(the_log.fd);
    if (the_log.owned) {
        release(&the_log.options.file);
        release(&the_log.options.ident);
        release(&the_log.options.node_name);
    }
    (void)memset(&the_log, 0, sizeof the_log);
    the_log.options.level = LOG_LEVEL_INFO;
    the_log.fd = -1;
}

int log_open(const struct log_options *options, struct err *err)
{
    struct log_options own = *options;
    int fd = -1;

    if (options->sink == LOG_SINK_FILE) {
        fd = open_file(options->file, err);
        if (fd < 0)
            return fd;
    }
    /* Copied before the old ones go: they may be the same. */
    own.file = copy(options->file);
    own.ident = copy(options->ident);
    own.node_name = copy(options->node_name);
    log_close();
    the_log.options = own;
    the_log.owned = true;
    the_log.fd = fd;
    if (own.style == LOG_STYLE_CLI) {
        the_log.colour = own.sink == LOG_SINK_STDERR && stderr_wants_colour();
    } else {
        the_log.to_journal = own.sink == LOG_SINK_STDERR && stderr_is_journal();
        /* A daemon outlives whoever reads its standard error. */
        (void)signal(SIGPIPE, SIG_IGN);
    }
    if (own.sink == LOG_SINK_SYSLOG)
        openlog(own.ident, LOG_PID | LOG_NDELAY, own.syslog_facility);
    return 0;
}

int log_reopen(struct err *err)
{
    int fd;

    if (the_log.options.sink != LOG_SINK_FILE)
        return 0;
    fd = open_file(the_log.options.file, err);
    if (fd < 0)
        return fd;
    (void)close(the_log.fd);
    the_log.fd = fd;
    the_log.torn = false;
    return 0;
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcasecmp(name, levels[i].name) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

void log_set_level(enum log_level level)
{
    the_log.options.level = level;
}

bool log_enabled(enum log_level level)
{
    return level >= the_log.options.level;
}

/*
 * Interface.
 */

void log_msg(enum log_level level, const char *fmt, ...)
{
    char *text CLEANUP(cleanup_free) = NULL;
    va_list args;

    if (!log_enabled(level))
        return;
    va_start(args, fmt);
    text = format(fmt, args);
    va_end(args);
    put(level, levels[level].name, text);
}

static bool wants_more(enum log_level level)
{
    return log_enabled(level) && !the_log.options.terse;
}

void log_detail(enum log_level level, const char *fmt, ...)
{
    char *text CLEANUP(cleanup_free) = NULL;
    va_list args;

    if (!wants_more(level))
        return;
    va_start(args, fmt);
    text = format(fmt, args);
    va_end(args);
    put_lines(level, "DETAIL", text);
}

void log_hint(enum log_level level, const char *fmt, ...)
{
    char *text CLEANUP(cleanup_free) = NULL;
    va_list args;

    if (!wants_more(level))
        return;
    va_start(args, fmt);
    text = format(fmt, args);
    va_end(args);
    put_lines(level, "HINT", text);
}

void log_err(enum log_level level, const struct err *err)
{
    log_msg(level, "%s", err->text);
    if (err->detail[0] != '\0')
        log_detail(level, "%s", err->detail);
    if (err->hint[0] != '\0')
        log_hint(level, "%s", err->hint);
}
