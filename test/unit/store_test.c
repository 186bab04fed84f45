/* store_test.c - saves in order, from a disk that is slow, broken and whole again.
 *
 * A FIFO in the place of the file that is written aside holds the writer up for as long
 * as the test likes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "store.h"
#include "unit.h"

#define LONG_S 30.

static struct ev_loop *loop;
static struct store *store;
static char directory[] = "/tmp/pgrmon-store-XXXXXX";
static char state_path[64], aside_path[64], log_path[64];

static struct {
    int n;
    uint32_t ids[64];
    bool ok[64];
    int n_awaited;
} seen;

static void on_saved(void *arg, uint32_t id, bool ok)
{
    assert_ptr_equal(arg, &seen);
    seen.ids[seen.n] = id;
    seen.ok[seen.n++] = ok;
    if (seen.n == seen.n_awaited)
        ev_break(loop, EVBREAK_ALL);
}

/* The term says which save it was. */
static void save(uint32_t term)
{
    const struct state state = {
        .node_id = 2, .durable = {.incarnation = 1, .term = term}
    };

    store_save(store, &state, term, on_saved, &seen);
}

static void on_deadline(struct ev_loop *l, ev_timer *timer, int revents)
{
    (void)timer;
    (void)revents;
    ev_break(l, EVBREAK_ALL);
}

/* Run the loop until there were `n` callbacks in all. */
static void await(int n)
{
    ev_timer deadline;

    seen.n_awaited = n;
    ev_timer_init(&deadline, on_deadline, LONG_S, 0.);
    ev_timer_start(loop, &deadline);
    if (seen.n < n)
        (void)ev_run(loop, 0);
    ev_timer_stop(loop, &deadline);
    assert_int_equal(seen.n, n);
}

static int64_t term_in_file(void)
{
    struct state state CLEANUP(state_free) = STATE_INIT;

    assert_int_equal(state_load(directory, 2, 0, &state, NULL), 0);
    return state.durable.term;
}

static int begin(void **state)
{
    (void)state;
    seen.n = 0;
    loop = ev_loop_new(EVFLAG_AUTO);
    store = store_new(loop, directory, NULL);
    return loop == NULL || store == NULL;
}

static int end(void **state)
{
    (void)state;
    store_free(store);
    ev_loop_destroy(loop);
    (void)unlink(state_path);
    (void)unlink(aside_path);
    (void)rmdir(aside_path);
    return 0;
}

static void saved_from_the_loop(void **state)
{
    (void)state;
    save(7);
    assert_int_equal(seen.n, 0);
    assert_int_equal(store_n_pending(store), 1);
    await(1);
    assert_int_equal(seen.ids[0], 7);
    assert_true(seen.ok[0]);
    assert_int_equal(term_in_file(), 7);
    assert_int_equal(store_n_pending(store), 0);
}

static void each_once_and_in_order(void **state)
{
    (void)state;
    for (uint32_t term = 1; term <= 50; term++) {
        save(term);
        if (term % 7 == 0)
            (void)ev_run(loop, EVRUN_NOWAIT);
    }
    await(50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(seen.ids[i], i + 1);
        assert_true(seen.ok[i]);
    }
    assert_int_equal(term_in_file(), 50);
    (void)ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(seen.n, 50);
}

/* What is told is on disk by then, whatever is written after it. */
static void on_first(void *arg, uint32_t id, bool ok)
{
    assert_true(ok);
    assert_true(term_in_file() >= id);
    on_saved(arg, id, ok);
    if (id < 20) {
        const struct state state = {
            .node_id = 2, .durable = {.incarnation = 1, .term = id + 1}
        };

        store_save(store, &state, id + 1, on_first, arg);
    }
}

static void callback_may_save_again(void **state)
{
    const struct state first = {
        .node_id = 2, .durable = {.incarnation = 1, .term = 1}
    };

    (void)state;
    store_save(store, &first, 1, on_first, &seen);
    await(20);
    assert_int_equal(term_in_file(), 20);
}

/* ---- a slow disk ----------------------------------------------------------------- */

/* How often the file was replaced since inotify_add_watch(). */
static int n_replaced(int fd)
{
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t size = read(fd, buf, sizeof buf);
    int n = 0;

    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const void *)(buf + at);

        n += strcmp(event->name, STATE_FILE_NAME) == 0;
        at += (ssize_t)sizeof *event + event->len;
    }
    return n;
}

/* Have the writer hang with save 1, which is larger than a pipe: it is past taking it.
 * Returns what to close to let it go. */
static int hold_writer(void)
{
    struct state state CLEANUP(state_free) = {
        .node_id = 2, .durable = {.incarnation = 1, .term = 1},
             .nodes = {.n = 1               }
    };
    struct node_record *node = state.nodes.v;
    struct pollfd pipe;

    *node = (struct node_record){.id = 1, .name = "n", .role = CORE_ROLE_PRIMARY};
    node->conninfo = xcalloc(500001, 1);
    (void)memset(node->conninfo, 'x', 500000);
    assert_int_equal(mkfifo(aside_path, 0600), 0);
    pipe = (struct pollfd){.fd = open(aside_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                           .events = POLLIN};
    assert_true(pipe.fd >= 0);
    store_save(store, &state, 1, on_saved, &seen);
    assert_int_equal(poll(&pipe, 1, (int)LONG_S * 1000), 1);
    return pipe.fd;
}

static void on_tick(struct ev_loop *l, ev_timer *timer, int revents)
{
    int *n = timer->data;

    (void)revents;
    if (++*n == 5)
        ev_break(l, EVBREAK_ALL);
}

/* Five turns of a short timer: it would not come to that if saving blocked. */
static void assert_loop_goes_on(void)
{
    int n_ticks = 0;
    ev_timer tick;

    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    tick.data = &n_ticks;
    ev_timer_start(loop, &tick);
    (void)ev_run(loop, 0);
    ev_timer_stop(loop, &tick);
    assert_int_equal(n_ticks, 5);
}

static void one_write_for_all_that_wait(void **state)
{
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int pipe = hold_writer();

    (void)state;
    assert_true(inotify_add_watch(watch, directory, IN_MOVED_TO) >= 0);
    save(2);
    save(3);
    save(4);
    assert_loop_goes_on();
    assert_int_equal(seen.n, 0);
    (void)close(pipe);
    await(4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen.ids[i], i + 1);
        assert_int_equal(seen.ok[i], i > 0); /* the first was cut off */
    }
    assert_int_equal(term_in_file(), 4);
    assert_int_equal(n_replaced(watch), 1);
    (void)close(watch);
}

/* What was given is on disk when the store is gone. */
static void free_waits_for_the_disk(void **state)
{
    int pipe = hold_writer();

    (void)state;
    save(2);
    save(3);
    (void)close(pipe);
    store_free(store);
    store = NULL;
    assert_int_equal(term_in_file(), 3);
    assert_int_equal(seen.n, 0);
}

/* ---- a broken disk --------------------------------------------------------------- */

static int lines_in_log(const char *words)
{
    FILE *f = fopen(log_path, "re");
    char line[1024];
    int n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        n += strstr(line, words) != NULL;
    (void)fclose(f);
    return n;
}

static void failure_is_reported_and_said_once(void **state)
{
    const struct log_options options = {
        .style = LOG_STYLE_DAEMON, .sink = LOG_SINK_FILE, .file = log_path};

    (void)state;
    assert_int_equal(log_open(&options, NULL), 0);
    save(1);
    await(1);
    assert_int_equal(mkdir(aside_path, 0700), 0); /* root can write anywhere else */
    for (uint32_t term = 2; term <= 4; term++) {
        save(term);
        await((int)term);
        assert_false(seen.ok[term - 1]);
    }
    assert_int_equal(term_in_file(), 1);
    assert_int_equal(rmdir(aside_path), 0);
    save(5);
    await(5);
    assert_true(seen.ok[4]);
    assert_int_equal(term_in_file(), 5);
    log_close();
    assert_int_equal(lines_in_log("could not create"), 1);
    assert_int_equal(lines_in_log("can be written again"), 1);
    (void)unlink(log_path);
}

static void directory_is_gone_and_back(void **state)
{
    (void)state;
    assert_int_equal(rmdir(directory), 0);
    save(1);
    await(1);
    assert_false(seen.ok[0]);
    assert_int_equal(mkdir(directory, 0700), 0);
    save(2);
    await(2);
    assert_true(seen.ok[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(saved_from_the_loop, begin, end),
        cmocka_unit_test_setup_teardown(each_once_and_in_order, begin, end),
        cmocka_unit_test_setup_teardown(callback_may_save_again, begin, end),
        cmocka_unit_test_setup_teardown(one_write_for_all_that_wait, begin, end),
        cmocka_unit_test_setup_teardown(free_waits_for_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(failure_is_reported_and_said_once, begin, end),
        cmocka_unit_test_setup_teardown(directory_is_gone_and_back, begin, end),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(state_path, sizeof state_path, "%s/state", directory);
    (void)snprintf(aside_path, sizeof aside_path, "%s/state.pgrmon", directory);
    (void)snprintf(log_path, sizeof log_path, "%s.log", directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(directory);
    return failed;
}
