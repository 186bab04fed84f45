/* walend.h - where the WAL on disk ends, from what pg_waldump says (postgres-facts 3).
 *
 * A standby that never received since it was started does not know how far its WAL
 * goes, and one whose upstream died in the middle of a record holds bytes that will
 * never be replayed. pg_waldump tells, in two steps, however much WAL there is:
 *
 *     pg_waldump --quiet -s REPLAYED      names the start of the last complete record
 *     pg_waldump -n 1 -s START            tells its length
 *
 * Pure. The output is input like any other; LC_ALL=C is expected of it. */
#ifndef PGRMON_WALEND_H
#define PGRMON_WALEND_H

#include <stdint.h>

#include "err.h"
#include "lsn.h"

/* Conditions of walend_last_record(). */
enum {
    WALEND_NOTHING = 1, /* no complete record at the start position or after it */
    WALEND_NO_FILE,     /* a segment is missing: the one that would hold the start, or
                           the one after the last record; `*ret` is where it begins */
};

/* How the server lays out its WAL. */
struct walend_layout {
    uint32_t page_size;    /* wal_block_size, 8192 */
    uint64_t segment_size; /* wal_segment_size, 16 MiB */
};

/* The start of the last complete record, of the output of the first step. 0, a
 * condition above, or -EINVAL when it says nothing of the kind (`*ret` is untouched
 * then). */
int walend_last_record(const char *output,
                       const struct walend_layout *layout,
                       struct lsn *ret) PGRMON_MUST_CHECK;

/* The end of the record that the last line of `output` with a record in it describes,
 * as pg_last_wal_replay_lsn() will name it. 0 or -EINVAL. */
int walend_record_end(const char *output,
                      const struct walend_layout *layout,
                      struct lsn *ret) PGRMON_MUST_CHECK;

/* The timeline to read from: the highest of those that `names` (of files in pg_wal,
 * NULL-terminated) have the segment of `start` for, 0 when there is none. A new
 * timeline begins with a copy of the old one's segment, up to the fork. */
uint32_t walend_timeline(const char *const *names,
                         const struct walend_layout *layout,
                         struct lsn start);

#endif
