/* Names, and above all name servers that do not answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_dns.h"
#include "mono.h"
#include "resolve.h"
#include "unit.h"

struct seen {
    struct ev_loop *loop;
    int calls;
    int code;
    int n;
    char first[64];
    bool remembered;
    char message[256];
};

static struct ev_loop *loop;
static struct resolve *resolve;
static struct fake_dns dns;

static int setup(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    resolve = resolve_new(loop);
    fake_dns_init(&dns, loop);
    resolve_set_servers(resolve, dns.servers);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_dns_deinit(&dns);
    resolve_free(resolve);
    ev_loop_destroy(loop);
    return 0;
}

static void on_answer(void *arg, const struct resolve_answer *answer)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->code = answer->code;
    seen->n = answer->n_addresses;
    seen->remembered = answer->remembered;
    (void)snprintf(seen->first, sizeof seen->first, "%s",
                   answer->n_addresses > 0 ? answer->addresses[0] : "");
    (void)snprintf(seen->message, sizeof seen->message, "%s", answer->message);
    ev_break(loop, EVBREAK_ONE);
}

static struct seen look_up(const char *host, int64_t deadline_ms)
{
    struct seen seen = {0};

    (void)resolve_start(resolve, host, deadline_ms, on_answer, &seen);
    assert_int_equal(seen.calls, 0); /* never from inside the call */
    ev_run(loop, 0);
    assert_int_equal(seen.calls, 1);
    return seen;
}

static void test_numeric_needs_no_server(void **state)
{
    (void)state;
    dns.silent = true;
    assert_true(resolve_is_numeric("10.0.0.1"));
    assert_true(resolve_is_numeric("::1"));
    assert_true(resolve_is_numeric("fe80::1%lo"));
    assert_false(resolve_is_numeric("node1"));
    assert_string_equal(look_up("10.0.0.1", 5000).first, "10.0.0.1");
    assert_string_equal(look_up("::1", 5000).first, "::1");
    assert_int_equal(dns.n_questions, 0);
}

static void test_hosts_file(void **state)
{
    struct seen seen;

    (void)state;
    dns.silent = true;
    seen = look_up("localhost", 5000);
    assert_int_equal(seen.code, 0);
    assert_true(seen.n >= 1);
}

static void test_name(void **state)
{
    struct seen seen;

    (void)state;
    seen = look_up("db.test", 5000);
    assert_int_equal(seen.code, 0);
    assert_int_equal(seen.n, 2);
    assert_int_equal(strncmp(seen.first, "127.0.0.", 8), 0);
    assert_string_equal(seen.message, "");
}

static void test_unknown_name(void **state)
{
    struct seen seen;

    (void)state;
    seen = look_up("nosuch.test", 5000);
    assert_int_equal(seen.code, -ENOENT);
    assert_string_equal(seen.message, "host name \"nosuch.test\" does not exist");
}

/* The widest gap between two beats of the loop. */
struct beat {
    ev_timer timer;
    struct mono last;
    int64_t widest_ms;
};

static void on_beat(struct ev_loop *l, ev_timer *timer, int revents)
{
    struct beat *beat = (struct beat *)timer;
    struct mono now = mono_now();

    (void)l;
    (void)revents;
    if (mono_diff(now, beat->last) > beat->widest_ms)
        beat->widest_ms = mono_diff(now, beat->last);
    beat->last = now;
}

static void test_silent_server_does_not_stop_the_loop(void **state)
{
    struct beat beat = {.last = mono_now()};
    struct mono start = mono_now();
    struct seen seen;

    (void)state;
    dns.silent = true;
    ev_timer_init(&beat.timer, on_beat, 0.01, 0.01);
    ev_timer_start(loop, &beat.timer);
    seen = look_up("db.test", 2000);
    ev_timer_stop(loop, &beat.timer);
    assert_int_equal(seen.code, -ETIMEDOUT);
    assert_true(dns.n_questions > 0);
    assert_in_range(mono_diff(mono_now(), start), 0, 10000);
    /* The lookup took seconds; nobody else waited for it. */
    assert_in_range(beat.widest_ms, 0, 1000);
}

static void test_last_answer_is_remembered(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(look_up("db.test", 5000).code, 0);
    dns.silent = true;
    seen = look_up("DB.test", 300);
    assert_int_equal(seen.code, 0);
    assert_true(seen.remembered);
    assert_int_equal(seen.n, 2);
    assert_int_equal(look_up("other.test", 300).code, -ETIMEDOUT);
}

static void test_cancel(void **state)
{
    struct seen seen = {0};
    struct resolve_lookup *lookup;

    (void)state;
    dns.silent = true;
    lookup = resolve_start(resolve, "db.test", 100, on_answer, &seen);
    (void)ev_run(loop, EVRUN_NOWAIT);
    resolve_cancel(lookup);
    (void)look_up("10.0.0.1", 100);
    (void)look_up("db.test", 300); /* longer than the cancelled one would have been */
    assert_int_equal(seen.calls, 0);
    resolve_cancel(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numeric_needs_no_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_server_does_not_stop_the_loop,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_answer_is_remembered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
