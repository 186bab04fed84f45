/* progress.h - "how far is it": a line that moves on a terminal, plain lines in a log.
 */
#ifndef PGRMON_PROGRESS_H
#define PGRMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "mono.h"

struct progress {
    bool terminal;
    bool line_is_open;   /* on the terminal, to be ended before another line */
    struct mono begin;   /* first report of bytes; ms 0 = none came yet */
    struct mono changed; /* newest report that differed */
    struct mono next;
    int64_t begin_kb, done_kb, total_kb;
};

/* Standard error decides whether it is a terminal. `now` is the present. */
void progress_init(struct progress *progress, struct mono now);

/* What is known now. */
void progress_set(struct progress *progress,
                  int64_t done_kb,
                  int64_t total_kb,
                  struct mono now);

/* Show it if it is time to: five times a second on a terminal, every five seconds in a
 * log. */
void progress_show(struct progress *progress, struct mono now);

/* End the moving line, so that others can follow. */
void progress_end(struct progress *progress);

/* Read "  1234/5678 kB (21%), 0/1 tablespace (...)", as pg_basebackup -P writes it.
 * False when `line` is something else. */
bool progress_parse(const char *line, int64_t *ret_done_kb, int64_t *ret_total_kb);

/* "1.2 GB of 33.0 GB (3 %), 118.0 MB/s, about 4 min 32 s left". Returns `buf`. */
#define PROGRESS_TEXT_SIZE 128
const char *progress_text(const struct progress *progress,
                          char buf[static PROGRESS_TEXT_SIZE]);

#endif
