/* pgconn_test.c - sessions with a server that misbehaves, in each way told apart. */
#include <arpa/inet.h>
#include <locale.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_dns.h"
#include "fake_pg.h"
#include "mono.h"
#include "pgconn.h"
#include "pgconn_verdict.h"
#include "resolve.h"
#include "unit.h"

/* Nothing here should ever take as long. */
#define LONG_MS 30000

struct seen {
    int calls;
    enum reach reach;
    char sqlstate[SQLSTATE_SIZE];
    char message[1024];
    char value[64];
    bool closed; /* pgconn_is_closed() in the callback */
    bool frees;  /* the callback frees the session */
};

static struct ev_loop *loop;
static struct resolve *resolve;
static struct pgconn *conn;
static struct fake_pg pg;

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("PGSSLMODE");
    loop = ev_loop_new(EVFLAG_AUTO);
    resolve = resolve_new(loop);
    conn = pgconn_new(loop, resolve);
    fake_pg_init(&pg, loop, FAKE_PG_SERVES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pgconn_free(conn);
    fake_pg_deinit(&pg);
    resolve_free(resolve);
    ev_loop_destroy(loop);
    return 0;
}

static void on_answer(struct pgconn *c, void *arg, const struct pgconn_answer *answer)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->reach = answer->reach;
    seen->closed = pgconn_is_closed(c);
    (void)snprintf(seen->sqlstate, sizeof seen->sqlstate, "%s", answer->sqlstate);
    (void)snprintf(seen->message, sizeof seen->message, "%s", answer->message);
    if (answer->result != NULL && PQntuples(answer->result) > 0)
        (void)snprintf(seen->value, sizeof seen->value, "%s",
                       PQgetvalue(answer->result, 0, 0));
    if (seen->frees) {
        pgconn_free(c);
        conn = NULL;
    }
    ev_break(loop, EVBREAK_ONE);
}

static struct seen
connect_with(const char *conninfo, int64_t deadline_ms, bool verbose_errors)
{
    const struct pgconn_options options = {.verbose_errors = verbose_errors};
    struct seen seen = {0};

    pgconn_connect(conn, conninfo, &options, deadline_ms, on_answer, &seen);
    assert_int_equal(seen.calls, 0); /* never from inside the call */
    assert_false(pgconn_is_closed(conn));
    ev_run(loop, 0);
    assert_int_equal(seen.calls, 1);
    assert_null(strstr(seen.message, "s3cret"));
    return seen;
}

static void connect_well(void)
{
    struct seen seen = connect_with(pg.conninfo, LONG_MS, false);

    if (seen.reach != REACH_OK)
        fail_msg("%s: %s", reach_name(seen.reach), seen.message);
    assert_true(pgconn_is_idle(conn));
}

static struct seen query(int64_t deadline_ms)
{
    const char *params[] = {"1"};
    struct seen seen = {0};

    pgconn_query(conn, "SELECT $1", 1, params, deadline_ms, on_answer, &seen);
    assert_int_equal(seen.calls, 0);
    ev_run(loop, 0);
    assert_int_equal(seen.calls, 1);
    return seen;
}

static void check(const struct seen *seen, enum reach reach, const char *sqlstate)
{
    if (seen->reach != reach || strcmp(seen->sqlstate, sqlstate) != 0)
        fail_msg("%s [%s] instead of %s [%s]: %s", reach_name(seen->reach),
                 seen->sqlstate, reach_name(reach), sqlstate, seen->message);
}

/* A port of the loopback on which nobody listens. */
static int closed_port(void)
{
    struct fake_pg other;
    int port;

    fake_pg_init(&other, loop, FAKE_PG_SILENT);
    port = other.port;
    fake_pg_deinit(&other);
    return port;
}

/*
 * Connecting.
 */

static void test_connect(void **state)
{
    (void)state;
    assert_true(pgconn_is_closed(conn));
    connect_well();
    assert_int_equal(pgconn_server_version(conn), 150020);
    assert_false(pgconn_is_pooled(conn));
    pgconn_close(conn);
    assert_true(pgconn_is_closed(conn));
    connect_well();
}

static void test_sqlstate_in_any_language(void **state)
{
    static const struct {
        const char *sqlstate;
        enum reach reach;
    } rows[] = {
        {"57P03", REACH_STARTING},
        {"57P01", REACH_STARTING},
        {"53300", REACH_REJECTED},
        {"28P01", REACH_REJECTED},
        {"28000", REACH_REJECTED},
        {"3D000", REACH_REJECTED},
        {"42501", REACH_REJECTED},
    };

    (void)state;
    pg.mode = FAKE_PG_REFUSES;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct seen seen;

        pg.sqlstate = rows[i].sqlstate;
        seen = connect_with(pg.conninfo, LONG_MS, false);
        check(&seen, rows[i].reach, rows[i].sqlstate);
        assert_null(strstr(seen.message, "Passwort"));
        seen = connect_with(pg.conninfo, LONG_MS, true);
        check(&seen, rows[i].reach, rows[i].sqlstate);
        assert_non_null(strstr(seen.message, "das Passwort ist leider falsch"));
        assert_null(strchr(seen.message, '\t'));
    }
}

static void test_refused(void **state)
{
    char conninfo[64];
    struct seen seen;

    (void)state;
    (void)snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d", closed_port());
    seen = connect_with(conninfo, LONG_MS, false);
    check(&seen, REACH_REFUSED, "");
    assert_non_null(strstr(seen.message, "Connection refused"));
    assert_null(strchr(seen.message, '\n'));
}

static void test_refused_in_a_foreign_locale(void **state)
{
    (void)state;
    (void)setenv("LANGUAGE", "de", 1);
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        skip();
    test_refused(state);
    (void)setlocale(LC_ALL, "C");
}

static void test_no_socket_file(void **state)
{
    char directory[] = "/tmp/pgrmon-pgconn-XXXXXX";
    char conninfo[128];
    struct seen seen;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(conninfo, sizeof conninfo, "host=%s port=5999", directory);
    seen = connect_with(conninfo, LONG_MS, false);
    check(&seen, REACH_REFUSED, "");
    (void)rmdir(directory);
}

static void test_silent(void **state)
{
    struct mono start = mono_now();
    struct seen seen;

    (void)state;
    pg.mode = FAKE_PG_SILENT;
    seen = connect_with(pg.conninfo, 300, false);
    check(&seen, REACH_SILENT, "");
    assert_in_range(mono_diff(mono_now(), start), 290, LONG_MS / 2);
    assert_non_null(strstr(seen.message, "no answer in time"));
}

/* A hung postmaster: the kernel completes connections until the queue is full. */
static void test_full_queue_of_a_socket(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/pgrmon-pgconn-XXXXXX";
    char conninfo[128];
    struct seen seen;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int filler = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/.s.PGSQL.5999", directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&a, sizeof a), 0);
    (void)snprintf(conninfo, sizeof conninfo, "host=%s port=5999", directory);
    seen = connect_with(conninfo, 300, false);
    check(&seen, REACH_SILENT, "");
    (void)close(filler);
    (void)close(fd);
    (void)unlink(a.sun_path);
    (void)rmdir(directory);
}

static void test_not_postgresql(void **state)
{
    struct seen seen;

    (void)state;
    pg.mode = FAKE_PG_FOREIGN;
    seen = connect_with(pg.conninfo, LONG_MS, false);
    check(&seen, REACH_REFUSED, "");
    pg.mode = FAKE_PG_HANGS_UP;
    seen = connect_with(pg.conninfo, LONG_MS, false);
    check(&seen, REACH_REFUSED, "");
}

static void test_tls_is_no_death(void **state)
{
    char conninfo[256];
    struct seen seen;

    (void)state;
    (void)snprintf(conninfo, sizeof conninfo, "%s sslmode=require", pg.conninfo);
    seen = connect_with(conninfo, LONG_MS, false);
    check(&seen, REACH_REJECTED, ""); /* "server does not support SSL" */
}

static void test_unusable_conninfo(void **state)
{
    static const char *const bad[] = {
        "host=127.0.0.1 bogus=1",
        "host=127.0.0.1 password=x s3cret",
        "host=127.0.0.1 password='s3cret",
        "postgresql://u:s3cret@127.0.0.1:x/",
        "host=a,b port=1,2,3",
        "host=127.0.0.1 port=70000",
        "service=no-such-service",
        "host=127.0.0.1 sslmode=bogus",
    };

    (void)state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        struct seen seen = connect_with(bad[i], LONG_MS, false);

        check(&seen, REACH_UNUSABLE, "");
        assert_true(strlen(seen.message) > 0);
    }
}

static void test_silent_host_leaves_time_for_the_next(void **state)
{
    struct fake_pg silent;
    char conninfo[128];
    struct seen seen;

    (void)state;
    fake_pg_init(&silent, loop, FAKE_PG_SILENT);
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=127.0.0.1,127.0.0.1,127.0.0.1 port=%d,%d,%d", closed_port(),
                   silent.port, pg.port);
    seen = connect_with(conninfo, 2000, false);
    check(&seen, REACH_OK, "");
    assert_int_equal(silent.n_connections, 1);
    fake_pg_deinit(&silent);
}

static void test_best_of_several_failures(void **state)
{
    struct fake_pg silent;
    char conninfo[128];
    struct seen seen;

    (void)state;
    fake_pg_init(&silent, loop, FAKE_PG_SILENT);
    pg.mode = FAKE_PG_REFUSES;
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=127.0.0.1,127.0.0.1,127.0.0.1 port=%d,%d,%d", silent.port,
                   pg.port, closed_port());
    seen = connect_with(conninfo, 600, false);
    check(&seen, REACH_STARTING, "57P03");
    assert_non_null(strstr(seen.message, "no answer in time"));
    assert_non_null(strstr(seen.message, "Connection refused"));
    /* A rejection ends the search. */
    pg.sqlstate = "28P01";
    silent.n_connections = 0;
    (void)snprintf(conninfo, sizeof conninfo, "host=127.0.0.1,127.0.0.1 port=%d,%d",
                   pg.port, silent.port);
    seen = connect_with(conninfo, LONG_MS, false);
    check(&seen, REACH_REJECTED, "28P01");
    assert_int_equal(silent.n_connections, 0);
    fake_pg_deinit(&silent);
}

static void test_names(void **state)
{
    struct fake_dns dns;
    char conninfo[64];
    struct seen seen;

    (void)state;
    fake_dns_init(&dns, loop);
    resolve_set_servers(resolve, dns.servers);
    (void)snprintf(conninfo, sizeof conninfo, "host=db.test port=%d", pg.port);
    /* 127.0.0.1 listens, 127.0.0.2 refuses; whichever comes first. */
    seen = connect_with(conninfo, LONG_MS, false);
    check(&seen, REACH_OK, "");
    pgconn_close(conn);

    dns.silent = true; /* the address is remembered */
    seen = connect_with(conninfo, 1500, false);
    check(&seen, REACH_OK, "");
    pgconn_close(conn);

    seen = connect_with("host=other.test", 600, false);
    check(&seen, REACH_UNKNOWN, "");
    assert_non_null(strstr(seen.message, "no name server answered"));

    dns.silent = false;
    seen = connect_with("host=nosuch.test", LONG_MS, false);
    check(&seen, REACH_SILENT, "");
    assert_non_null(strstr(seen.message, "\"nosuch.test\" does not exist"));
    fake_dns_deinit(&dns);
}

static void test_pooler(void **state)
{
    (void)state;
    pg.pid = 99;
    connect_well();
    assert_true(pgconn_is_pooled(conn));
}

static void test_close_while_connecting(void **state)
{
    const struct pgconn_options options = {0};
    struct seen seen = {0};

    (void)state;
    pg.mode = FAKE_PG_SILENT;
    pgconn_connect(conn, pg.conninfo, &options, 100, on_answer, &seen);
    (void)ev_run(loop, EVRUN_ONCE);
    pgconn_close(conn);
    pgconn_connect(conn, "bogus", &options, 100, on_answer, &seen);
    pgconn_close(conn); /* an answer was waiting */
    pg.mode = FAKE_PG_SERVES;
    connect_well();
    assert_int_equal(seen.calls, 0);
}

/*
 * Statements.
 */

static void test_query(void **state)
{
    struct seen seen;

    (void)state;
    connect_well();
    seen = query(LONG_MS);
    check(&seen, REACH_OK, "");
    assert_string_equal(seen.value, "ok");
    assert_string_equal(seen.message, "");
    assert_true(pgconn_is_idle(conn));
}

static void test_failed_query_keeps_the_session(void **state)
{
    struct seen seen;

    (void)state;
    connect_well();
    pg.reply = FAKE_PG_ERROR;
    pg.sqlstate = "42P01";
    seen = query(LONG_MS);
    check(&seen, REACH_FAILED, "42P01");
    assert_true(pgconn_is_idle(conn));
    pg.reply = FAKE_PG_ROW;
    seen = query(LONG_MS);
    check(&seen, REACH_OK, "");
}

static void test_late_answer_closes(void **state)
{
    struct seen seen;

    (void)state;
    connect_well();
    pg.reply = FAKE_PG_NOTHING;
    seen = query(200);
    check(&seen, REACH_SILENT, "");
    assert_true(seen.closed);
    assert_int_equal(pg.n_statements, 1);
    /* Without a session the answer comes all the same. */
    seen = query(LONG_MS);
    check(&seen, REACH_REFUSED, "");
    assert_int_equal(pg.n_statements, 1);
}

static void test_session_ended_in_a_query(void **state)
{
    struct seen seen;

    (void)state;
    connect_well();
    pg.reply = FAKE_PG_FATAL;
    pg.sqlstate = "57P01";
    seen = query(LONG_MS);
    check(&seen, REACH_REFUSED, "57P01");
    assert_true(seen.closed);

    connect_well();
    pg.reply = FAKE_PG_CUT; /* a row and no end: that is no success */
    seen = query(LONG_MS);
    check(&seen, REACH_REFUSED, "");
    assert_true(seen.closed);

    connect_well();
    pg.reply = FAKE_PG_COPY;
    seen = query(LONG_MS);
    assert_int_not_equal(seen.reach, REACH_OK);
    assert_true(seen.closed);
}

static void test_callback_may_free(void **state)
{
    struct seen seen = {.frees = true};

    (void)state;
    connect_well();
    pgconn_query(conn, "SELECT 1", 0, NULL, LONG_MS, on_answer, &seen);
    ev_run(loop, 0);
    assert_string_equal(seen.value, "ok");
    assert_null(conn);
}

/* postgres-facts 11: the FATAL comes as a notice and proves nothing. */
static void test_loss(void **state)
{
    struct seen loss = {0};

    (void)state;
    pgconn_on_loss(conn, on_answer, &loss);
    connect_well();
    fake_pg_send_fatal(&pg, "57P01");
    for (int i = 0; i < 3; i++)
        (void)ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(loss.calls, 0);
    assert_true(pgconn_is_idle(conn));
    fake_pg_hang_up(&pg);
    ev_run(loop, 0);
    assert_int_equal(loss.calls, 1);
    check(&loss, REACH_REFUSED, "57P01");
    assert_true(loss.closed);
    assert_non_null(strstr(loss.message, "das Passwort")); /* the notice's text */

    connect_well(); /* and again, without a word this time */
    fake_pg_hang_up(&pg);
    ev_run(loop, 0);
    assert_int_equal(loss.calls, 2);
    check(&loss, REACH_REFUSED, "");
}

struct notified {
    int calls;
    char text[64];
};

static void on_notify(void *arg, const char *channel, const char *payload)
{
    struct notified *n = arg;

    n->calls++;
    (void)snprintf(n->text, sizeof n->text, "%s=%s", channel, payload);
    ev_break(loop, EVBREAK_ONE);
}

static void test_notify(void **state)
{
    struct notified n = {0};

    (void)state;
    pgconn_on_notify(conn, on_notify, &n);
    connect_well();
    fake_pg_send_notify(&pg, "pgrmon", "request 7");
    ev_run(loop, 0);
    assert_int_equal(n.calls, 1);
    assert_string_equal(n.text, "pgrmon=request 7");
}

static void test_release(void **state)
{
    PGconn *raw;

    (void)state;
    connect_well();
    raw = pgconn_raw(conn);
    assert_ptr_equal(pgconn_release(conn), raw);
    assert_true(pgconn_is_closed(conn));
    assert_null(pgconn_raw(conn));
    assert_int_equal(PQstatus(raw), CONNECTION_OK);
    assert_int_equal(PQisnonblocking(raw), 0);
    PQfinish(raw);
}

static void test_tidy(void **state)
{
    char *text = pgconn_tidy("a: FATAL:  28000: no entry\nLOCATION:  x, auth.c:1\n"
                             "a: FATAL:  28000: no entry\n\tIs it there?\n\n");

    (void)state;
    assert_string_equal(text, "a: FATAL:  28000: no entry");
    free(text);
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *message;
        ConnStatusType stage;
        enum reach reach;
        const char *sqlstate;
    } rows[] = {
  /* The first code of a line counts, what follows is prose; of lines, the last.
  */
        {"failed: FATAL:  28000: x:  57P03: y\n",                               CONNECTION_AWAITING_RESPONSE,
         REACH_REJECTED,                                                                                                      "28000"},
        {"failed: FATAL:  57P03\nfailed: FATAL:  53300\n",                      CONNECTION_AWAITING_RESPONSE,
         REACH_REJECTED,                                                                                                      "53300"},
 /* Our own need says nothing about the server. */
        {"failed: Too many open files",                                         CONNECTION_NEEDED,            REACH_UNKNOWN,  ""     },
        {"could not open certificate file \"x\": No such file or directory",
         CONNECTION_SSL_STARTUP,                                                                              REACH_REJECTED, ""     },
        {"private key file \"x\" has group or world access; Permission denied",
         CONNECTION_SSL_STARTUP,                                                                              REACH_REJECTED, ""     },
 /* Routes: unreachable, blackhole, prohibit; a firewall. */
        {"failed: No route to host",                                            CONNECTION_STARTED,           REACH_SILENT,   ""     },
        {"failed: Invalid argument",                                            CONNECTION_NEEDED,            REACH_SILENT,   ""     },
        {"failed: Permission denied",                                           CONNECTION_NEEDED,            REACH_SILENT,   ""     },
        {"failed: Operation not permitted",                                     CONNECTION_NEEDED,            REACH_SILENT,   ""     },
        {"failed: Connection timed out",                                        CONNECTION_STARTED,           REACH_SILENT,   ""     },
        {"on socket \"/x/.s.PGSQL.5432\" failed: Permission denied",            CONNECTION_NEEDED,
         REACH_UNUSABLE,                                                                                                      ""     },
        {"invalid sslmode value: \"bogus\"",                                    CONNECTION_NEEDED,            REACH_UNUSABLE, ""     },
 /* A postmaster that died with us in its queue. */
        {"could not receive data: Connection reset by peer",
         CONNECTION_AWAITING_RESPONSE,                                                                        REACH_REFUSED,  ""     },
        {"SSL SYSCALL error: EOF detected",                                     CONNECTION_SSL_STARTUP,       REACH_REFUSED,  ""     },
        {"SSL error: certificate verify failed",                                CONNECTION_SSL_STARTUP,       REACH_REJECTED,
         ""                                                                                                                          },
        {"fe_sendauth: no password supplied",                                   CONNECTION_AWAITING_RESPONSE,
         REACH_REJECTED,                                                                                                      ""     },
    };

    (void)state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct seen seen = {0};

        seen.reach = pgconn_verdict(rows[i].message, rows[i].stage, seen.sqlstate);
        (void)snprintf(seen.message, sizeof seen.message, "%s", rows[i].message);
        check(&seen, rows[i].reach, rows[i].sqlstate);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connect),
        TEST(test_sqlstate_in_any_language),
        TEST(test_refused),
        TEST(test_refused_in_a_foreign_locale),
        TEST(test_no_socket_file),
        TEST(test_silent),
        TEST(test_full_queue_of_a_socket),
        TEST(test_not_postgresql),
        TEST(test_tls_is_no_death),
        TEST(test_unusable_conninfo),
        TEST(test_silent_host_leaves_time_for_the_next),
        TEST(test_best_of_several_failures),
        TEST(test_names),
        TEST(test_pooler),
        TEST(test_close_while_connecting),
        TEST(test_query),
        TEST(test_failed_query_keeps_the_session),
        TEST(test_late_answer_closes),
        TEST(test_session_ended_in_a_query),
        TEST(test_callback_may_free),
        TEST(test_loss),
        TEST(test_notify),
        TEST(test_release),
        cmocka_unit_test(test_tidy),
        cmocka_unit_test(test_verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
