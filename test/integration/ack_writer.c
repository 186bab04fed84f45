/* ack_writer.c - a client that writes down each commit that was acknowledged to it,
 * for acks.py.
 *
 *     ack_writer [--burn SECONDS] [--every MS] FILE NAME CONNINFO
 *
 * It inserts (NAME, 1), (NAME, 2), ... into public.ack, a row a commit, for ever, and
 * connects again whenever it lost its session. A number is never tried twice: the
 * outcome of a commit without an answer is unknown. It has no deadline for a statement
 * (a frozen server is waited for), as many clients have none. With --burn each insert
 * stands in one simple query with a statement that uses the processor for so long:
 * one implicit transaction, which the server can acknowledge long after its postmaster
 * died (postgres-facts 2).
 *
 * One line is one write(2), so that what is known survives a SIGKILL. Times are
 * nanoseconds of CLOCK_BOOTTIME, `at` the server's clock_timestamp(), nanoseconds of
 * CLOCK_REALTIME:
 *
 *     connected TIME SERVER_PID HOST PORT
 *     sent TIME NUMBER                        (with --burn only)
 *     acked TIME NUMBER SENT AT
 *     refused TIME NUMBER SQLSTATE            (a change of it only)
 *     unreachable TIME TEXT                   (a change of it only)
 *     lost TIME NUMBER SQLSTATE TEXT          (the session ended; NUMBER is unknown) */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000

static int file;
static double burn_secs;
static long pause_ms = 5;
static char last_trouble[512];

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static void rest(void)
{
    struct timespec pause = {.tv_sec = pause_ms / 1000,
                             .tv_nsec = pause_ms % 1000 * NS_PER_MS};

    nanosleep(&pause, NULL);
}

static void put(const char *line)
{
    size_t n = strlen(line);

    if (write(file, line, n) != (ssize_t)n)
        abort(); /* a disk that is full makes a test that proves nothing */
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
    char line[640];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    line[strcspn(line, "\n")] = '\0';
    strcat(line, "\n");
    put(line);
}

/* Trouble that repeats every few milliseconds is noted once. */
static void trouble(const char *what, int64_t number, const char *text)
{
    char line[sizeof(last_trouble)];

    snprintf(line, sizeof(line), "%s %s", what, text);
    if (strcmp(line, last_trouble) == 0)
        return;
    strcpy(last_trouble, line);
    if (number > 0)
        note("%s %" PRId64 " %" PRId64 " %s", what, now_ns(), number, text);
    else
        note("%s %" PRId64 " %s", what, now_ns(), text);
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static PGconn *connect_once(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK) {
        trouble("unreachable", 0, PQerrorMessage(conn));
        PQfinish(conn);
        return NULL;
    }
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    last_trouble[0] = '\0';
    note("connected %" PRId64 " %d %s %s", now_ns(), PQbackendPID(conn), PQhost(conn),
         PQport(conn));
    return conn;
}

static void build(char *text, size_t size, const char *name, int64_t number)
{
    int n = snprintf(text, size,
                     "insert into public.ack values ('%s', %" PRId64 ") returning "
                     "(extract(epoch from clock_timestamp()) * 1000000000)::int8",
                     name, number);

    if (burn_secs > 0)
        snprintf(text + n, size - (size_t)n,
                 "; do $$ declare till timestamptz := clock_timestamp() + '%g s'; "
                 "begin while clock_timestamp() < till loop end loop; end $$",
                 burn_secs);
}

/* The first result has the row; that all ended well is known at the end only. */
static PGresult *run(PGconn *conn, const char *text, char at[static 32])
{
    PGresult *last = NULL;

    strcpy(at, "0");
    if (PQsendQuery(conn, text) != 1)
        return NULL;
    for (PGresult *res; (res = PQgetResult(conn)) != NULL;) {
        if (PQresultStatus(res) == PGRES_TUPLES_OK)
            snprintf(at, 32, "%s", PQgetvalue(res, 0, 0));
        PQclear(last);
        last = res;
        if (PQstatus(conn) != CONNECTION_OK)
            break;
    }
    return last;
}

static bool succeeded(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* false: the session is lost. */
static bool insert(PGconn *conn, const char *name, int64_t number)
{
    char text[512], at[32];
    int64_t sent = now_ns(), acked;
    const char *state;
    PGresult *res;

    build(text, sizeof(text), name, number);
    if (burn_secs > 0)
        note("sent %" PRId64 " %" PRId64, sent, number);
    res = run(conn, text, at);
    acked = now_ns();
    state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (state == NULL)
        state = "-----";
    if (PQstatus(conn) != CONNECTION_OK) {
        note("lost %" PRId64 " %" PRId64 " %s %s", acked, number, state,
             PQerrorMessage(conn));
    } else if (succeeded(res)) {
        note("acked %" PRId64 " %" PRId64 " %" PRId64 " %s", acked, number, sent, at);
        last_trouble[0] = '\0';
    } else {
        trouble("refused", number, state);
    }
    PQclear(res);
    return PQstatus(conn) == CONNECTION_OK;
}

static void write_for_ever(const char *name, const char *conninfo)
{
    PGconn *conn = NULL;

    for (int64_t number = 0;; rest()) {
        if (conn == NULL)
            conn = connect_once(conninfo);
        if (conn != NULL && !insert(conn, name, ++number)) {
            PQfinish(conn);
            conn = NULL;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"burn",  required_argument, NULL, 'b'},
        {"every", required_argument, NULL, 'e'},
        {NULL,    0,                 NULL, 0  },
    };

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'b')
            burn_secs = strtod(optarg, NULL);
        else if (c == 'e')
            pause_ms = strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (argc - optind != 3)
        return 2;
    file = open(argv[optind], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        fprintf(stderr, "ack_writer: %s: %s\n", argv[optind], strerror(errno));
        return 1;
    }
    write_for_ever(argv[optind + 1], argv[optind + 2]);
}
