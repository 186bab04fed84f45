/* log_test.c - the shape of lines, what is hidden in them, and sinks that fail. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "unit.h"

static char directory[] = "/tmp/pgrmon-log-XXXXXX";
static char path[64];
static int saved_stderr;

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    (void)setenv("NO_COLOR", "1", 1);
    (void)unlink(path);
    (void)fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_close();
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    return 0;
}

/* Standard error goes to the file from here on. */
static void divert_stderr(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    assert_true(fd >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    (void)close(fd);
}

/* What is in the file; static buffer. */
static const char *content_of(const char *file)
{
    static char buf[65536];
    int fd = open(file, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf - 1);

    if (fd >= 0)
        (void)close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

static void open_log(enum log_style style, enum log_sink sink, enum log_level level)
{
    const struct log_options options = {
        .style = style, .sink = sink, .level = level, .file = path, .ident = "pgrmond"};
    struct err err = ERR_INIT;

    assert_int_equal(log_open(&options, &err), 0);
}

static void cli_lines(void **state)
{
    const struct err err = {-1, "it failed", "one\ntwo", "try again"};

    (void)state;
    divert_stderr();
    log_notice("before %s", "opening"); /* works without */
    log_debug("too quiet");
    open_log(LOG_STYLE_CLI, LOG_SINK_STDERR, LOG_LEVEL_NOTICE);
    log_info("too quiet");
    log_warning("no %d", 7);
    log_err(LOG_LEVEL_ERROR, &err);
    assert_string_equal(content_of(path), "NOTICE: before opening\n"
                                          "WARNING: no 7\n"
                                          "ERROR: it failed\n"
                                          "DETAIL: one\n"
                                          "DETAIL: two\n"
                                          "HINT: try again\n");
}

static void terse(void **state)
{
    const struct err err = {-1, "it failed", "why", "try again"};
    const struct log_options options = {.level = LOG_LEVEL_INFO, .terse = true};

    (void)state;
    divert_stderr();
    assert_int_equal(log_open(&options, NULL), 0);
    log_err(LOG_LEVEL_ERROR, &err);
    assert_string_equal(content_of(path), "ERROR: it failed\n");
}

static void daemon_lines(void **state)
{
    struct tm tm;
    const char *rest;

    (void)state;
    open_log(LOG_STYLE_DAEMON, LOG_SINK_FILE, LOG_LEVEL_INFO);
    log_notice("hello");
    log_detail(LOG_LEVEL_NOTICE, "why");
    rest = strptime(content_of(path), "[%Y-%m-%d %H:%M:%S] ", &tm);
    assert_non_null(rest);
    assert_int_equal(strncmp(rest, "[NOTICE] hello\n[", 16), 0);
    assert_non_null(strstr(rest, "] [DETAIL] why\n"));
}

static void priorities_for_the_journal(void **state)
{
    char stream[64];
    struct stat st;

    (void)state;
    divert_stderr();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    open_log(LOG_STYLE_DAEMON, LOG_SINK_STDERR, LOG_LEVEL_INFO);
    log_notice("hello");
    log_hint(LOG_LEVEL_ERROR, "do this");
    assert_string_equal(content_of(path), "<5>hello\n<3>HINT: do this\n");
    (void)setenv("JOURNAL_STREAM", "1:2", 1); /* somebody else's */
    (void)unlink(path);
    divert_stderr();
    open_log(LOG_STYLE_DAEMON, LOG_SINK_STDERR, LOG_LEVEL_INFO);
    log_notice("hello");
    assert_int_equal(content_of(path)[0], '[');
}

static void secrets_and_forgeries(void **state)
{
    const char *text;

    (void)state;
    open_log(LOG_STYLE_CLI, LOG_SINK_FILE, LOG_LEVEL_INFO);
    log_info("using \"host=a password=s3cret user=u\"");
    log_detail(LOG_LEVEL_INFO, "postgresql://u:s3cret@h/d\npassword='s3\ncret'");
    log_info("a name\nERROR: \033[2Jforged");
    text = content_of(path);
    assert_null(strstr(text, "s3cret"));
    assert_null(strstr(text, "cret'"));
    assert_non_null(strstr(text, "user=u"));
    assert_null(strstr(text, "\nERROR"));
    assert_null(strchr(text, '\033'));
}

static void rotation(void **state)
{
    char rotated[80];
    struct err err = ERR_INIT;
    struct stat st;

    (void)state;
    open_log(LOG_STYLE_CLI, LOG_SINK_FILE, LOG_LEVEL_INFO);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    log_info("one");
    (void)snprintf(rotated, sizeof rotated, "%s.1", path);
    assert_int_equal(rename(path, rotated), 0);
    log_info("two");
    assert_int_equal(log_reopen(&err), 0);
    log_info("three");
    assert_string_equal(content_of(rotated), "INFO: one\nINFO: two\n");
    assert_string_equal(content_of(path), "INFO: three\n");
    (void)unlink(rotated);
}

static void unwritable_file(void **state)
{
    const struct log_options options = {.sink = LOG_SINK_FILE, .file = "/no/such/file"};
    struct err err = ERR_INIT;

    (void)state;
    open_log(LOG_STYLE_CLI, LOG_SINK_FILE, LOG_LEVEL_INFO);
    assert_int_equal(log_open(&options, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/no/such/file"));
    assert_true(err.hint[0] != '\0');
    log_info("still here"); /* as it was */
    assert_string_equal(content_of(path), "INFO: still here\n");
}

/* /dev/full is a disk that is always full. */
static void full_disk(void **state)
{
    const struct log_options options = {
        .sink = LOG_SINK_FILE, .file = "/dev/full", .style = LOG_STYLE_DAEMON};

    (void)state;
    assert_int_equal(log_open(&options, NULL), 0);
    for (int i = 0; i < 3; i++)
        log_error("line %d", i);
}

static void reader_that_went_away(void **state)
{
    int fds[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    (void)close(fds[1]);
    open_log(LOG_STYLE_DAEMON, LOG_SINK_STDERR, LOG_LEVEL_INFO);
    (void)close(fds[0]);
    log_error("nobody reads this");
}

/* A reader that does not read: lines are lost and counted, we do not wait. */
static void stuck_reader(void **state)
{
    char buf[65536];
    const char *found = NULL;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0); /* writing blocks */
    assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 16384), 16384);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    (void)close(fds[1]);
    open_log(LOG_STYLE_CLI, LOG_SINK_STDERR, LOG_LEVEL_INFO);
    for (int i = 0; i < 100; i++)
        log_info("%0600d", i);
    while (read(fds[0], buf, sizeof buf) > 0)
        ;
    log_info("and on");
    for (size_t used = 0; used < sizeof buf - 1;) {
        ssize_t n = read(fds[0], buf + used, sizeof buf - 1 - used);

        if (n <= 0)
            break;
        used += (size_t)n;
        buf[used] = '\0';
        found = strstr(buf, "log lines could not be written\nINFO: and on\n");
    }
    assert_non_null(found);
    (void)close(fds[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cli_lines),
        TEST(terse),
        TEST(daemon_lines),
        TEST(priorities_for_the_journal),
        TEST(secrets_and_forgeries),
        TEST(rotation),
        TEST(unwritable_file),
        TEST(full_disk),
        TEST(reader_that_went_away),
        TEST(stuck_reader),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/log", directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(directory);
    return failed;
}
