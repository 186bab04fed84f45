/* waldump.c - pg_waldump as a child, twice: for the last record, then for its length.
 */
#include "waldump.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cleanup.h"
#include "mono.h"
#include "ownpg.h"

struct waldump {
    struct ev_loop *loop;
    const struct config *config;
    struct walend_layout layout;
    struct lsn start;
    struct mono deadline;
    struct child *child;
    ev_timer timer; /* an end that is known before a child was started */
    char *program;
    char *directory;   /* pg_wal */
    char timeline[16]; /* to read from */
    struct lsn end;
    const char *why;
    waldump_cb *cb;
    void *arg;
};

void waldump_cancel(struct waldump *waldump)
{
    if (waldump == NULL)
        return;
    ev_timer_stop(waldump->loop, &waldump->timer);
    child_cancel(waldump->child);
    free(waldump->program);
    free(waldump->directory);
    free(waldump);
}

static void on_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct waldump copy = *(struct waldump *)timer->data;

    (void)loop;
    (void)revents;
    waldump_cancel(timer->data);
    copy.cb(copy.arg, copy.end, copy.why);
}

/* Report from the loop. */
static void end(struct waldump *waldump, struct lsn end, const char *why)
{
    waldump->end = end;
    waldump->why = why;
    ev_timer_start(waldump->loop, &waldump->timer);
}

static void
run(struct waldump *waldump, struct lsn from, const char *option, child_cb *cb)
{
    char position[LSN_TEXT_SIZE];
    int64_t left_ms = mono_diff(waldump->deadline, mono_now());
    const char *argv[] = {waldump->program,
                          "-p",
                          waldump->directory,
                          "-t",
                          waldump->timeline,
                          "-s",
                          lsn_format(from, position),
                          option,
                          NULL};
    static const char *const env[] = {"LC_ALL=C", NULL};
    const struct child_spec spec = {.name = "pg_waldump",
                                    .argv = argv,
                                    .env = env,
                                    .deadline_ms = left_ms > 0 ? left_ms : 1,
                                    .output_level = LOG_LEVEL_DEBUG};

    waldump->child = child_run(waldump->loop, &spec, cb, waldump);
}

static void on_record(void *arg, const struct child_end *child)
{
    struct waldump *waldump = arg;
    struct lsn found;

    waldump->child = NULL;
    if (!child->started || child->timed_out ||
        walend_record_end(child->tail, &waldump->layout, &found) != 0)
        end(waldump, LSN_UNKNOWN, "pg_waldump did not show the last record");
    else
        end(waldump, lsn_max(found, waldump->start), "");
}

/* The WAL ends with a whole segment: the last record of that one is the last. */
static void before_gap(struct waldump *waldump, struct lsn gap)
{
    struct lsn from = {gap.pos > waldump->layout.segment_size
                           ? gap.pos - waldump->layout.segment_size
                           : 0};

    if (gap.pos <= waldump->start.pos)
        end(waldump, waldump->start, "");
    else
        run(waldump, lsn_max(from, waldump->start), NULL, on_record);
}

static void on_last(void *arg, const struct child_end *child)
{
    struct waldump *waldump = arg;
    struct lsn found = LSN_UNKNOWN;
    int what;

    waldump->child = NULL;
    if (!child->started || child->timed_out) {
        end(waldump, LSN_UNKNOWN, "pg_waldump did not run to its end");
        return;
    }
    what = walend_last_record(child->tail, &waldump->layout, &found);
    if (what == 0)
        run(waldump, found, "-n1", on_record);
    else if (what == WALEND_NOTHING)
        end(waldump, waldump->start, "");
    else if (what == WALEND_NO_FILE)
        before_gap(waldump, found);
    else
        end(waldump, LSN_UNKNOWN, "pg_waldump did not say where the WAL ends");
}

/* ---- the timeline to read from
 * ------------------------------------------------------ */

static uint32_t find_timeline(const struct waldump *waldump)
{
    DIR *directory = opendir(waldump->directory);
    const struct dirent *entry;
    uint32_t best = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        const char *const names[] = {entry->d_name, NULL};
        uint32_t timeline = walend_timeline(names, &waldump->layout, waldump->start);

        if (timeline > best)
            best = timeline;
    }
    if (directory != NULL)
        (void)closedir(directory);
    return best;
}

struct waldump *waldump_start(struct ev_loop *loop,
                              const struct config *config,
                              const struct walend_layout *layout,
                              struct lsn start,
                              int64_t deadline_ms,
                              waldump_cb *cb,
                              void *arg)
{
    struct waldump *waldump = xcalloc(1, sizeof *waldump);
    uint32_t timeline;

    waldump->loop = loop;
    waldump->config = config;
    waldump->layout = *layout;
    waldump->start = start;
    waldump->deadline = mono_add(mono_now(), deadline_ms);
    waldump->cb = cb;
    waldump->arg = arg;
    ev_timer_init(&waldump->timer, on_end, 0., 0.);
    waldump->timer.data = waldump;
    waldump->directory = xasprintf("%s/pg_wal", config->data_directory);
    waldump->program = ownpg_program(config, "pg_waldump");
    timeline = find_timeline(waldump);
    (void)snprintf(waldump->timeline, sizeof waldump->timeline, "%u", timeline);
    if (waldump->program == NULL)
        end(waldump, LSN_UNKNOWN, "pg_waldump is not there, set pg_bindir");
    else if (timeline == 0 && access(waldump->directory, R_OK | X_OK) != 0)
        end(waldump, LSN_UNKNOWN, "the data directory is not at hand");
    else if (timeline == 0)
        end(waldump, start, ""); /* nothing is left to be read */
    else
        run(waldump, start, "--quiet", on_last);
    return waldump;
}
