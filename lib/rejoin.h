/* rejoin.h - how a node comes back to its cluster: what it needs, and why (rule P3).
 *
 * Pure: facts in, a way and its reason out. Who gathers them and who acts is another's
 * business (cli/rejoin_*.c). The order of the rules is that of the branches of
 * rejoin_decide(); docs/failover-rules.md numbers them J1 to J9. */
#ifndef PGRMON_REJOIN_H
#define PGRMON_REJOIN_H

#include <stdbool.h>
#include <stddef.h>

#include "replication.h"
#include "termlist.h"

/* What is known of own PostgreSQL. */
enum rejoin_server {
    REJOIN_SERVER_READ_ONLY, /* runs in recovery: a standby, or held by the start guard
                              */
    REJOIN_SERVER_STOPPED,
    REJOIN_SERVER_WRITABLE, /* runs out of recovery: a primary, or what became of one */
    REJOIN_SERVER_STUCK,    /* frozen, or processes of a dead postmaster are left */
};

/* What an earlier rejoin has left in the data directory. */
enum rejoin_left {
    REJOIN_LEFT_NOTHING,
    REJOIN_LEFT_REPEATABLE, /* a rewind broke off; all that it needs is kept, and
                               nothing has changed since: same leader, same term, same
                               boot */
    REJOIN_LEFT_REWOUND,    /* it broke off after pg_rewind's last step, in this boot */
    REJOIN_LEFT_BROKEN,     /* a rewind broke off, and cannot be done again */
};

struct rejoin_facts {
    enum rejoin_server server;
    enum rejoin_left left;
    bool same_system; /* system identifiers are equal */
    bool same_major;  /* PostgreSQL's major versions are */
    bool known;       /* the two lists and `attach` are: a stopped server was asked */
    bool streams;     /* own walreceiver streams from the leader already */
    struct termlist_self self;
    struct termlist leader;         /* its rows */
    enum replication_attach attach; /* by the leader's timeline history */
    bool hints;      /* the leader has wal_log_hints or data checksums, and our WAL was
                        written with them: pg_rewind sees what changed */
    bool may_rewind; /* our role there may call pg_rewind's functions */
};

/* What the user asked for. */
struct rejoin_wish {
    bool clone; /* copy the leader, whatever else would do */
    bool force; /* believe a leader whose term is older than ours */
};

enum rejoin_way {
    REJOIN_NOTHING, /* it has rejoined already */
    REJOIN_STREAM,  /* point it at the leader: all of its WAL is the leader's */
    REJOIN_REWIND,  /* pg_rewind, what has diverged is kept; then stream */
    REJOIN_CLONE,   /* copy the leader; then stream */
    REJOIN_REFUSE,  /* not as things are */
    REJOIN_UNKNOWN, /* to be decided once a stopped server was started and asked */
};

enum rejoin_reason {
    REJOIN_WHY_STREAMS,     /* J5 NOTHING */
    REJOIN_WHY_SAME_PAST,   /* J7 STREAM */
    REJOIN_WHY_DIVERGED,    /* J9 REWIND: own WAL goes on where the leader's does not */
    REJOIN_WHY_FORKED,      /* J9 REWIND: by PostgreSQL's history alone */
    REJOIN_WHY_AGAIN,       /* J3 REWIND: the one that broke off */
    REJOIN_WHY_FINISH,      /* J3 REWIND: only its last steps are left */
    REJOIN_WHY_ASKED,       /* J2 CLONE */
    REJOIN_WHY_BROKEN,      /* J3 CLONE */
    REJOIN_WHY_TWO_REGIMES, /* J6 CLONE: pg_rewind would be fooled (P1) */
    REJOIN_WHY_NO_HISTORY,  /* J8 CLONE: the leader's history does not know our
                               timeline, or is behind it */
    REJOIN_WHY_NO_HINTS,    /* J9 CLONE: pg_rewind cannot see what changed */
    REJOIN_WHY_OTHER_SYSTEM,  /* J1 REFUSE */
    REJOIN_WHY_OTHER_VERSION, /* J1 REFUSE */
    REJOIN_WHY_WRITABLE,      /* J1 REFUSE */
    REJOIN_WHY_STUCK,         /* J1 REFUSE */
    REJOIN_WHY_OLDER_LEADER,  /* J4 REFUSE: own terms are later */
    REJOIN_WHY_NO_RIGHTS,     /* J9 REFUSE: our role there may not */
    REJOIN_WHY_STOPPED,       /* UNKNOWN */
};

struct rejoin_plan {
    enum rejoin_way way;
    enum rejoin_reason reason;
    struct termlist_result terms; /* of the comparison; valid when facts.known */
};

/* Decide. Total: each combination of facts has a plan. */
struct rejoin_plan rejoin_decide(const struct rejoin_facts *facts,
                                 const struct rejoin_wish *wish);

/* "stream", "pg_rewind", ...: a word for the way. */
const char *rejoin_way_name(enum rejoin_way way);

/* Why, in one sentence without a full stop. */
const char *rejoin_reason_text(enum rejoin_reason reason);

/* What the reason rests on: own and the leader's terms, timelines and positions. ""
 * when there is nothing to say. Returns `buf`. */
const char *rejoin_detail(const struct rejoin_plan *plan,
                          const struct rejoin_facts *facts,
                          char *buf,
                          size_t size);

#endif
