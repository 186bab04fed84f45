/* rejoin.c - see rejoin.h. */
#include "rejoin.h"

#include <stdio.h>

static struct rejoin_plan plan(enum rejoin_way way, enum rejoin_reason reason)
{
    return (struct rejoin_plan){.way = way, .reason = reason};
}

/* J1: what no way leads out of. False when there is nothing of the kind. */
static bool must_refuse(const struct rejoin_facts *facts, struct rejoin_plan *ret)
{
    enum rejoin_reason reason;

    if (facts->server == REJOIN_SERVER_WRITABLE)
        reason = REJOIN_WHY_WRITABLE;
    else if (facts->server == REJOIN_SERVER_STUCK)
        reason = REJOIN_WHY_STUCK;
    else if (!facts->same_system)
        reason = REJOIN_WHY_OTHER_SYSTEM;
    else if (!facts->same_major)
        reason = REJOIN_WHY_OTHER_VERSION;
    else
        return false;
    *ret = plan(REJOIN_REFUSE, reason);
    return true;
}

/* J9: the WAL of this node has to be taken back. */
static struct rejoin_plan take_back(const struct rejoin_facts *facts,
                                    enum rejoin_reason reason)
{
    if (!facts->hints)
        return plan(REJOIN_CLONE, REJOIN_WHY_NO_HINTS);
    if (!facts->may_rewind)
        return plan(REJOIN_REFUSE, REJOIN_WHY_NO_RIGHTS);
    return plan(REJOIN_REWIND, reason);
}

/* J3: half of it is the leader's, half is ours; no list tells anything about that. */
static struct rejoin_plan unfinished(const struct rejoin_facts *facts)
{
    if (facts->left == REJOIN_LEFT_REWOUND)
        return plan(REJOIN_REWIND, REJOIN_WHY_FINISH);
    if (facts->left == REJOIN_LEFT_REPEATABLE)
        return take_back(facts, REJOIN_WHY_AGAIN);
    return plan(REJOIN_CLONE, REJOIN_WHY_BROKEN);
}

static int64_t newest_term(struct termlist list)
{
    return list.n > 0 ? list.v[list.n - 1].term : 0;
}

/* J7, J8: by the terms all of our WAL is the leader's. PostgreSQL's own history knows
 * the fork to the byte, terms know it to their row. */
static struct rejoin_plan same_past(const struct rejoin_facts *facts)
{
    switch (facts->attach) {
    case REPLICATION_ATTACH_OK:
        return plan(REJOIN_STREAM, REJOIN_WHY_SAME_PAST);
    case REPLICATION_FORKED:
        return take_back(facts, REJOIN_WHY_FORKED);
    case REPLICATION_OTHER_SYSTEM:
        return plan(REJOIN_REFUSE, REJOIN_WHY_OTHER_SYSTEM);
    case REPLICATION_BEHIND:
    case REPLICATION_UNRELATED:
        break;
    }
    return plan(REJOIN_CLONE, REJOIN_WHY_NO_HISTORY);
}

static struct rejoin_plan compare(const struct rejoin_facts *facts,
                                  const struct rejoin_wish *wish)
{
    struct termlist_result terms = termlist_compare(&facts->self, facts->leader);
    struct rejoin_plan result;

    if (!wish->force && newest_term(facts->self.rows) > newest_term(facts->leader))
        result = plan(REJOIN_REFUSE, REJOIN_WHY_OLDER_LEADER); /* J4 */
    else if (terms.verdict == TERMLIST_STREAM && facts->streams)
        result = plan(REJOIN_NOTHING, REJOIN_WHY_STREAMS); /* J5 */
    else if (terms.verdict == TERMLIST_CLONE)
        result = plan(REJOIN_CLONE, REJOIN_WHY_TWO_REGIMES); /* J6 */
    else if (terms.verdict == TERMLIST_STREAM)
        result = same_past(facts);
    else
        result = take_back(facts, REJOIN_WHY_DIVERGED);
    result.terms = terms;
    return result;
}

struct rejoin_plan rejoin_decide(const struct rejoin_facts *facts,
                                 const struct rejoin_wish *wish)
{
    struct rejoin_plan result;

    if (must_refuse(facts, &result))
        return result;
    if (wish->clone)
        return plan(REJOIN_CLONE, REJOIN_WHY_ASKED); /* J2 */
    if (facts->left != REJOIN_LEFT_NOTHING)
        return unfinished(facts);
    if (!facts->known)
        return plan(REJOIN_UNKNOWN, REJOIN_WHY_STOPPED);
    return compare(facts, wish);
}

/* ---- in words ------------------------------------------------------------------- */

const char *rejoin_way_name(enum rejoin_way way)
{
    switch (way) {
    case REJOIN_NOTHING:
        return "nothing";
    case REJOIN_STREAM:
        return "stream";
    case REJOIN_REWIND:
        return "pg_rewind";
    case REJOIN_CLONE:
        return "clone";
    case REJOIN_REFUSE:
        return "refuse";
    case REJOIN_UNKNOWN:
        return "to be decided";
    }
    return "?";
}

const char *rejoin_reason_text(enum rejoin_reason reason)
{
    switch (reason) {
    case REJOIN_WHY_STREAMS:
        return "this node streams from the leader already";
    case REJOIN_WHY_SAME_PAST:
        return "all of its WAL is the leader's, too";
    case REJOIN_WHY_DIVERGED:
        return "it has WAL of its own that the leader does not have";
    case REJOIN_WHY_FORKED:
        return "its WAL goes beyond the point where the leader's timeline left it";
    case REJOIN_WHY_AGAIN:
        return "an earlier rewind broke off, and is done again";
    case REJOIN_WHY_FINISH:
        return "an earlier rewind broke off after pg_rewind had ended, and is finished";
    case REJOIN_WHY_ASKED:
        return "a clone was asked for";
    case REJOIN_WHY_BROKEN:
        return "an earlier rewind broke off and cannot be done again: what it needs is "
               "not there, or the leader or the boot is another";
    case REJOIN_WHY_TWO_REGIMES:
        return "two regimes wrote WAL under one timeline number, which pg_rewind "
               "cannot "
               "tell apart";
    case REJOIN_WHY_NO_HISTORY:
        return "the timeline of its WAL is none that the leader came from";
    case REJOIN_WHY_NO_HINTS:
        return "neither \"wal_log_hints\" nor data checksums are on: pg_rewind cannot "
               "see what changed";
    case REJOIN_WHY_OTHER_SYSTEM:
        return "the data directory belongs to another cluster";
    case REJOIN_WHY_OTHER_VERSION:
        return "the data directory is of another major version of PostgreSQL";
    case REJOIN_WHY_WRITABLE:
        return "PostgreSQL on this node runs as a primary";
    case REJOIN_WHY_STUCK:
        return "PostgreSQL on this node is frozen, or what is left of it still runs";
    case REJOIN_WHY_OLDER_LEADER:
        return "this node has been in a later regime than the leader";
    case REJOIN_WHY_NO_RIGHTS:
        return "the role may not read the leader's files, as pg_rewind does";
    case REJOIN_WHY_STOPPED:
        return "PostgreSQL is stopped, so it is first started read-only and cut off, "
               "and asked what its WAL holds";
    }
    return "?";
}

const char *rejoin_detail(const struct rejoin_plan *result,
                          const struct rejoin_facts *facts,
                          char *buf,
                          size_t size)
{
    char own[128], leader[128], position[LSN_TEXT_SIZE];

    buf[0] = '\0';
    if (!facts->known)
        return buf;
    (void)lsn_format(facts->self.position, position);
    termlist_describe(result->terms.own, own, sizeof own);
    termlist_describe(result->terms.leader, leader, sizeof leader);
    if (result->terms.own == NULL && result->terms.leader == NULL)
        (void)snprintf(buf, size, "own WAL ends at %s of timeline %d", position,
                       facts->self.timeline);
    else
        (void)snprintf(buf, size,
                       "own WAL ends at %s of timeline %d; after what both have, this "
                       "node has %s, the leader has %s",
                       position, facts->self.timeline, own, leader);
    return buf;
}
