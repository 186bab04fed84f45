/* walend.c - see walend.h. */
#include "walend.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What PostgreSQL puts at the head of a page, and of a segment's first page
 * (xlog_internal.h), the same since long before 13. */
#define PAGE_HEADER    24
#define SEGMENT_HEADER 40
#define ALIGNMENT      8

/* "000000010000000000000002" */
#define FILE_NAME_LENGTH 24

/* The longest record that PostgreSQL writes is a little over 1 GiB. */
#define MAX_LENGTH INT64_C(0x7fffffff)

static const char *find_last(const char *text, const char *what)
{
    const char *found = NULL;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        found = at;
    return found;
}

/* The position that stands at `text`, up to whatever cannot be part of one. */
static int take_lsn(const char *text, struct lsn *ret)
{
    char word[LSN_TEXT_SIZE];
    size_t n = strspn(text, "0123456789ABCDEFabcdef/");

    if (n == 0 || n >= sizeof word)
        return -EINVAL;
    memcpy(word, text, n);
    word[n] = '\0';
    return lsn_parse(word, ret);
}

static bool take_hex(const char *text, uint64_t *ret)
{
    char digits[9];

    memcpy(digits, text, 8);
    digits[8] = '\0';
    if (strspn(digits, "0123456789ABCDEF") != 8)
        return false;
    *ret = strtoull(digits, NULL, 16);
    return true;
}

/* A segment's timeline and where it begins, of the name of its file. */
static bool take_file_name(const char *name,
                           const struct walend_layout *layout,
                           uint32_t *ret_timeline,
                           struct lsn *ret_start)
{
    uint64_t timeline, high, low;
    uint64_t per_high = (UINT64_C(1) << 32) / layout->segment_size;

    if (strnlen(name, FILE_NAME_LENGTH) < FILE_NAME_LENGTH ||
        !take_hex(name, &timeline) || !take_hex(name + 8, &high) ||
        !take_hex(name + 16, &low) || low >= per_high)
        return false;
    *ret_timeline = (uint32_t)timeline;
    *ret_start = (struct lsn){(high << 32) + low * layout->segment_size};
    return true;
}

static bool layout_valid(const struct walend_layout *layout)
{
    return layout->page_size > SEGMENT_HEADER && layout->page_size % ALIGNMENT == 0 &&
           layout->segment_size >= layout->page_size &&
           layout->segment_size <= UINT64_C(1) << 31 &&
           layout->segment_size % layout->page_size == 0;
}

int walend_last_record(const char *output,
                       const struct walend_layout *layout,
                       struct lsn *ret)
{
    static const char bad[] = "error in WAL record at ";
    static const char none[] = "could not find a valid record after ";
    static const char no_file[] = "could not find file \"";
    const char *at = find_last(output, bad);
    uint32_t timeline;

    if (at != NULL)
        return take_lsn(at + sizeof bad - 1, ret);
    if (strstr(output, none) != NULL)
        return WALEND_NOTHING;
    at = find_last(output, no_file);
    if (at != NULL && layout_valid(layout) &&
        take_file_name(at + sizeof no_file - 1, layout, &timeline, ret))
        return WALEND_NO_FILE;
    return -EINVAL;
}

static uint64_t align(uint64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A record goes on behind the header of the next page when its page is full. */
static uint64_t
record_end(uint64_t start, uint64_t length, const struct walend_layout *layout)
{
    uint64_t room = layout->page_size - start % layout->page_size;
    uint64_t at = start;

    while (length > room) {
        length -= room;
        at += layout->page_size - at % layout->page_size;
        at += at % layout->segment_size == 0 ? SEGMENT_HEADER : PAGE_HEADER;
        room = layout->page_size - at % layout->page_size;
    }
    return at + align(length);
}

/* The start of the last line that describes a record. */
static const char *last_record_line(const char *output)
{
    static const char mark[] = "rmgr: ";
    const char *found = NULL;

    for (const char *line = output; line != NULL && *line != '\0';) {
        if (strncmp(line, mark, sizeof mark - 1) == 0)
            found = line;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return found;
}

/* What stands behind `key` in the line, or NULL. */
static const char *field(const char *line, const char *key)
{
    const char *found = strstr(line, key);
    const char *end = strchr(line, '\n');

    if (found == NULL || (end != NULL && found > end))
        return NULL;
    return found + strlen(key);
}

int walend_record_end(const char *output,
                      const struct walend_layout *layout,
                      struct lsn *ret)
{
    const char *line = last_record_line(output);
    const char *length_text, *lsn_text, *description;
    struct lsn start;
    long long length;

    if (line == NULL || !layout_valid(layout))
        return -EINVAL;
    /* "rmgr: Heap  len (rec/tot):     59/    59, tx: 725, lsn: 0/01526430, prev ..." */
    length_text = field(line, "len (rec/tot):");
    lsn_text = field(line, "lsn: ");
    description = field(line, "desc: ");
    if (length_text == NULL || lsn_text == NULL || description == NULL)
        return -EINVAL;
    length_text = field(length_text, "/");
    if (length_text == NULL || take_lsn(lsn_text, &start) != 0)
        return -EINVAL;
    length = strtoll(length_text, NULL, 10);
    if (length <= 0 || length > MAX_LENGTH || start.pos > UINT64_MAX / 2 ||
        start.pos % ALIGNMENT != 0)
        return -EINVAL;
    ret->pos = record_end(start.pos, (uint64_t)length, layout);
    /* The rest of the segment goes with it. */
    if (strncmp(line, "rmgr: XLOG ", 11) == 0 && strncmp(description, "SWITCH", 6) == 0)
        ret->pos = (ret->pos + layout->segment_size - 1) / layout->segment_size *
                   layout->segment_size;
    return 0;
}

uint32_t walend_timeline(const char *const *names,
                         const struct walend_layout *layout,
                         struct lsn start)
{
    uint32_t best = 0, timeline;
    struct lsn at;

    if (!layout_valid(layout))
        return 0;
    for (; *names != NULL; names++) {
        if (strlen(*names) == FILE_NAME_LENGTH &&
            take_file_name(*names, layout, &timeline, &at) &&
            at.pos == start.pos / layout->segment_size * layout->segment_size &&
            timeline > best)
            best = timeline;
    }
    return best;
}
