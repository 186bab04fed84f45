/* termlist.c - see termlist.h. */
#include "termlist.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* The leader is part of it: two nodes that were promoted from one point may have
 * written all the rest alike. */
static bool same(const struct termlist_row *a, const struct termlist_row *b)
{
    return a->term == b->term && a->leader == b->leader && a->timeline == b->timeline &&
           lsn_cmp(a->start, b->start) == 0;
}

static bool has_term(struct termlist list, int64_t term)
{
    for (int i = 0; i < list.n; i++)
        if (list.v[i].term == term)
            return true;
    return false;
}

static bool has_timeline(struct termlist list, int timeline)
{
    for (int i = 0; i < list.n; i++)
        if (list.v[i].timeline == timeline)
            return true;
    return false;
}

/* pg_rewind tells WAL apart by the number of its timeline alone: what we have beyond
 * the common past must be on numbers that the leader never had. */
static bool
can_rewind(const struct termlist_self *self, struct termlist leader, int n_common)
{
    int common = n_common > 0 ? leader.v[n_common - 1].timeline : 0;

    for (int i = n_common; i < self->rows.n; i++)
        if (self->rows.v[i].timeline != common &&
            has_timeline(leader, self->rows.v[i].timeline))
            return false;
    if (self->timeline != common && has_timeline(leader, self->timeline))
        return false;
    /* Both went on under the same number. */
    return n_common > 0 &&
           (self->timeline != common || leader.v[leader.n - 1].timeline != common);
}

/* We have rows that the leader has not. */
static void judge_split(const struct termlist_self *self,
                        struct termlist leader,
                        int n_common,
                        struct termlist_result *result)
{
    result->reason = n_common < leader.n ? TERMLIST_SPLIT : TERMLIST_UNKNOWN_TO;
    result->verdict =
        can_rewind(self, leader, n_common) ? TERMLIST_REWIND : TERMLIST_CLONE;
}

/* Our timeline is none that our rows know. Either the row that goes with it has not
 * been replayed yet, or we began that timeline ourselves and died before we could write
 * it; the WAL looks the same. What we remember of our streaming decides. */
static void judge_unrecorded(const struct termlist_self *self,
                             struct termlist leader,
                             int n_common,
                             struct termlist_result *result)
{
    int64_t known = self->rows.n > 0 ? self->rows.v[self->rows.n - 1].term : 0;

    if (self->stream_term > known && has_term(leader, self->stream_term)) {
        result->verdict = TERMLIST_STREAM;
        result->reason = TERMLIST_SAME;
        return;
    }
    result->reason = TERMLIST_UNRECORDED;
    result->verdict =
        can_rewind(self, leader, n_common) ? TERMLIST_REWIND : TERMLIST_CLONE;
}

/* All our rows are the leader's, and it has more. */
static void judge_continued(const struct termlist_self *self,
                            struct termlist leader,
                            int n_common,
                            struct termlist_result *result)
{
    const struct termlist_row *next = &leader.v[n_common];

    result->reason = TERMLIST_CONTINUED;
    /* A renewal (L9): another term, but the same WAL goes on. */
    while (next->timeline == self->timeline && next < &leader.v[leader.n - 1])
        next++;
    if (next->timeline == self->timeline)
        return;
    if (lsn_cmp(self->position, next->start) <= 0)
        return;
    result->leader = next;
    result->reason = TERMLIST_BEYOND;
    result->verdict =
        can_rewind(self, leader, n_common) ? TERMLIST_REWIND : TERMLIST_CLONE;
}

struct termlist_result termlist_compare(const struct termlist_self *node,
                                        struct termlist leader)
{
    struct termlist_self copy = *node, *self = &copy;
    struct termlist own = node->rows;
    struct termlist_result result = {TERMLIST_STREAM, TERMLIST_SAME, NULL, NULL};
    int n = 0;

    /* The control file may lag behind what was replayed. */
    if (own.n > 0 && self->timeline < own.v[own.n - 1].timeline)
        self->timeline = own.v[own.n - 1].timeline;
    while (n < own.n && n < leader.n && same(&own.v[n], &leader.v[n]))
        n++;
    result.own = n < own.n ? &own.v[n] : NULL;
    result.leader = n < leader.n ? &leader.v[n] : NULL;
    if (n < own.n)
        judge_split(self, leader, n, &result);
    else if (n > 0 && self->timeline > own.v[n - 1].timeline)
        judge_unrecorded(self, leader, n, &result);
    else if (n < leader.n)
        judge_continued(self, leader, n, &result);
    return result;
}

void termlist_describe(const struct termlist_row *row, char *buf, size_t size)
{
    char start[LSN_TEXT_SIZE];

    if (row == NULL)
        (void)snprintf(buf, size, "nothing");
    else
        (void)snprintf(buf, size, "term %" PRId64 " of node %d on timeline %d from %s",
                       row->term, row->leader, row->timeline,
                       lsn_format(row->start, start));
}
