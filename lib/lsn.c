/* lsn.c - WAL positions to and from text (PostgreSQL manual, section 8.20, pg_lsn). */
#include "lsn.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Read 1 to 8 hexadecimal digits; returns how many there were, 0 when none or more. */
static int parse_half(const char *text, uint64_t *ret_half)
{
    uint64_t value = 0;
    int n = 0;

    for (; isxdigit((unsigned char)text[n]) && n < 9; n++) {
        int c = tolower((unsigned char)text[n]);

        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_half = value;
    return n > 8 ? 0 : n;
}

int lsn_parse(const char *text, struct lsn *ret_lsn)
{
    uint64_t high, low;
    int n, m;

    n = parse_half(text, &high);
    if (n == 0 || text[n] != '/')
        return -EINVAL;
    m = parse_half(text + n + 1, &low);
    if (m == 0 || text[n + 1 + m] != '\0')
        return -EINVAL;
    *ret_lsn = (struct lsn){high << 32 | low};
    return 0;
}

char *lsn_format(struct lsn lsn, char buf[static LSN_TEXT_SIZE])
{
    (void)snprintf(buf,
                   LSN_TEXT_SIZE,
                   "%" PRIX32 "/%" PRIX32,
                   (uint32_t)(lsn.pos >> 32),
                   (uint32_t)lsn.pos);
    return buf;
}
