/* lsn.h - a position in the write-ahead log as a type of its own. */
#ifndef PGRMON_LSN_H
#define PGRMON_LSN_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* A WAL position; 0 is PostgreSQL's InvalidXLogRecPtr and means "unknown" here. */
struct lsn {
    uint64_t pos;
};

#define LSN_UNKNOWN ((struct lsn){0})

/* Room for "FFFFFFFF/FFFFFFFF" and its terminator. */
#define LSN_TEXT_SIZE 18

static inline bool lsn_known(struct lsn a)
{
    return a.pos != 0;
}

/* Less than, equal to or greater than zero as `a` lies before, at or after `b`. */
static inline int lsn_cmp(struct lsn a, struct lsn b)
{
    return (a.pos > b.pos) - (a.pos < b.pos);
}

static inline struct lsn lsn_max(struct lsn a, struct lsn b)
{
    return a.pos >= b.pos ? a : b;
}

/* Read PostgreSQL's pg_lsn text ("16/B374D848"). Returns 0, or -EINVAL with `*ret_lsn`
 * untouched when `text` is anything else. */
int lsn_parse(const char *text, struct lsn *ret_lsn) PGRMON_MUST_CHECK;

/* Write PostgreSQL's text form into `buf` and return it. */
char *lsn_format(struct lsn lsn, char buf[static LSN_TEXT_SIZE]);

#endif
