/* progress.c - see progress.h. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define TERMINAL_EVERY_MS 200
#define LOG_EVERY_MS      5000

void progress_init(struct progress *progress, struct mono now)
{
    *progress = (struct progress){
        .terminal = isatty(STDERR_FILENO) == 1,
        .changed = now,
        .next = now,
    };
    if (!progress->terminal)
        progress->next = mono_add(now, LOG_EVERY_MS);
}

void progress_set(struct progress *progress,
                  int64_t done_kb,
                  int64_t total_kb,
                  struct mono now)
{
    if (progress->begin.ms == 0 && done_kb > 0) {
        progress->begin = now;
        progress->begin_kb = done_kb;
    }
    if (done_kb != progress->done_kb)
        progress->changed = now;
    progress->done_kb = done_kb;
    progress->total_kb = total_kb;
}

/* "1.2 GB" */
static const char *size_text(int64_t kb, char buf[static 24])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)kb;
    size_t unit = 0;

    while (value >= 1024 && unit < 3) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(buf, 24, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buf;
}

static const char *duration_text(int64_t seconds, char buf[static 32])
{
    if (seconds >= 3600)
        (void)snprintf(buf, 32, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
                       seconds / 60 % 60);
    else if (seconds >= 60)
        (void)snprintf(buf, 32, "%" PRId64 " min %" PRId64 " s", seconds / 60,
                       seconds % 60);
    else
        (void)snprintf(buf, 32, "%" PRId64 " s", seconds);
    return buf;
}

/* kB/s between the first report and the newest one; 0 when it is not known yet. */
static int64_t rate_of(const struct progress *progress)
{
    int64_t elapsed_ms = mono_diff(progress->changed, progress->begin);

    return elapsed_ms > 0 ? (progress->done_kb - progress->begin_kb) * 1000 / elapsed_ms
                          : 0;
}

const char *progress_text(const struct progress *progress,
                          char buf[static PROGRESS_TEXT_SIZE])
{
    int64_t done = progress->done_kb, total = progress->total_kb;
    int64_t rate = rate_of(progress);
    char done_buf[24], total_buf[24], rate_buf[24], left_buf[32];
    int n;

    if (done <= 0) {
        (void)snprintf(buf, PROGRESS_TEXT_SIZE,
                       "waiting for a checkpoint on the source");
        return buf;
    }
    if (total < done)
        total = done; /* the server's total is an estimate */
    n = snprintf(buf, PROGRESS_TEXT_SIZE, "%s of %s (%d %%)", size_text(done, done_buf),
                 size_text(total, total_buf), (int)(done * 100 / total));
    if (done >= total)
        (void)snprintf(buf + n, PROGRESS_TEXT_SIZE - (size_t)n, ", finishing");
    else if (rate > 0)
        (void)snprintf(buf + n, PROGRESS_TEXT_SIZE - (size_t)n, ", %s/s, about %s left",
                       size_text(rate, rate_buf),
                       duration_text((total - done) / rate + 1, left_buf));
    return buf;
}

void progress_show(struct progress *progress, struct mono now)
{
    char text[PROGRESS_TEXT_SIZE];

    if (!mono_reached(progress->next, now) || !log_enabled(LOG_LEVEL_INFO))
        return;
    (void)progress_text(progress, text);
    if (progress->terminal) {
        (void)fprintf(stderr, "\r  %s\033[K", text);
        (void)fflush(stderr);
        progress->line_is_open = true;
    } else {
        log_info("%s", text);
    }
    progress->next =
        mono_add(now, progress->terminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS);
}

void progress_end(struct progress *progress)
{
    if (progress->line_is_open)
        (void)fputc('\n', stderr);
    progress->line_is_open = false;
}

bool progress_parse(const char *line, int64_t *ret_done_kb, int64_t *ret_total_kb)
{
    int64_t done, total;
    int n = 0;

    if (sscanf(line, " %" SCNd64 "/%" SCNd64 " kB (%*d%%)%n", &done, &total, &n) != 2 ||
        n == 0)
        return false;
    *ret_done_kb = done;
    *ret_total_kb = total;
    return true;
}
