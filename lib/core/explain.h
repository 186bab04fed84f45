/* explain.h - what would happen if the primary died now, and why; or why there is none.
 *
 * A list of findings, each with the number of its rule (docs/failover-rules.md), from a
 * rehearsal with the daemons' own code; rehearse.h says what is exact in it and what is
 * an estimate. Words are in reason_explain.h. Pure; the memory is the caller's. */
#ifndef PGRMON_CORE_EXPLAIN_H
#define PGRMON_CORE_EXPLAIN_H

#include "core/rank.h"
#include "core/rehearse.h"

enum explain_status { EXPLAIN_HOLDS, EXPLAIN_FAILS, EXPLAIN_UNKNOWN };

/* What a finding is about; the parts in which they are shown. */
enum explain_part {
    EXPLAIN_NOW,      /* who leads, who supports it */
    EXPLAIN_CRASH,    /* if the leader's PostgreSQL died: its daemon resigns */
    EXPLAIN_HOST,     /* if its host died */
    EXPLAIN_ELECTION, /* nobody leads: what comes of it */
    EXPLAIN_NODES,    /* who may be promoted, the best first */
};

enum explain_kind {
    /* EXPLAIN_NOW */
    EXPLAIN_LEADS,        /* E2 `node_id` leads `why.term` */
    EXPLAIN_NOBODY_LEADS, /* E2 `node_id` is the registered primary, or 0 */
    EXPLAIN_RIVAL,        /* F5 `node_id` accepts writes, too */
    EXPLAIN_LEASE,        /* L1 `why.a` of `why.b` needed ballots; `ms` until it ends */
    EXPLAIN_FROZEN,       /* L4 its daemon has frozen its PostgreSQL */
    EXPLAIN_LEADER_ALONE, /* L2 its PostgreSQL answers, its daemon gives no sign */
    EXPLAIN_SUPPORTS,     /* N4 `node_id` supports it; its ballot is `ms` old */
    EXPLAIN_NO_SUPPORT, /* L2 its daemon lives and supports nobody, though one leads */
    EXPLAIN_FREE,       /* V1 it supports nobody, and nobody leads */
    EXPLAIN_PROMISED,   /* V1 it supports `other_id`, for `ms` at most */
    EXPLAIN_NO_DAEMON,  /* N1 no note of it on any board */
    EXPLAIN_LINGERS,    /* N5 its note does not advance */
    EXPLAIN_VOICELESS,  /* D3 */
    EXPLAIN_PAUSED,     /* M3 */
    EXPLAIN_RELIES,     /* M3 the leader needs no ballots: enough voters are paused */
    EXPLAIN_VERDICT,    /* what its daemon would say now: `why` */
    /* EXPLAIN_CRASH, EXPLAIN_HOST, EXPLAIN_ELECTION */
    EXPLAIN_AT_ONCE,   /* V1 nobody waits: the leader resigns */
    EXPLAIN_WAIT,      /* V1 `ms` at most until the promises are over */
    EXPLAIN_QUORUM,    /* Q1 `why.a` voters support nobody then, `why.b` are needed */
    EXPLAIN_TWO_NODES, /* Q2 one of two is enough */
    EXPLAIN_WINNER,    /* E9 `node_id` would be promoted; `why.rule`, or `why` if not */
    EXPLAIN_NO_BALLOTS, /* C2 it would not get enough: `why.a` of `why.b` */
    EXPLAIN_NO_REPORTS, /* C2 likewise, reports, with synchronous replication */
    EXPLAIN_LOSS,       /* P4.2 what clients would lose: `bytes` */
    EXPLAIN_COPIES,     /* C2 nothing: `why.a` copies of each commit */
    /* EXPLAIN_NODES */
    EXPLAIN_STANDS,   /* P4.x it may be promoted; ahead of `other_id` by `why.rule` */
    EXPLAIN_ZERO,     /* E9 priority 0 */
    EXPLAIN_MANUAL,   /* E9 failover = manual, or its last promotion failed */
    EXPLAIN_ABSENT,   /* E9 its daemon gives no sign */
    EXPLAIN_NO_VOICE, /* E9, D3 */
    EXPLAIN_DOWN,     /* E7 its PostgreSQL does not answer: `reach` */
    EXPLAIN_FOREIGN,  /* F4 it is of another cluster */
    EXPLAIN_WRITABLE, /* E9 it is no standby */
};

struct explain_finding {
    enum explain_part part;
    enum explain_kind kind;
    enum explain_status status;
    const char *rule; /* "Q1"; static */
    int node_id;      /* 0 = none */
    int other_id;     /* 0 = none */
    struct core_why why;
    enum reach reach;
    int64_t bytes; /* behind the leader; -1 = unknown or does not apply */
    int64_t ms;    /* -1 = unknown or does not apply */
};

#define EXPLAIN_MAX_FINDINGS (4 * CORE_MAX_NODES + 32)

struct explain {
    int leader_id;     /* 0 = nobody leads */
    int64_t term;      /* that it leads, or the last one known; 0 = none */
    int crash_id;      /* who would be promoted, by case; 0 = nobody */
    int host_id;       /* with nobody leading: of the election under way */
    int64_t window_ms; /* W, the longest that a daemon says */
    bool succeeds;     /* somebody would be promoted in every case */
    int n;
    struct explain_finding v[EXPLAIN_MAX_FINDINGS];

    /* To word it: members, as reason_sentence() wants them. Room to work in. */
    struct rehearsal rehearsal;
    struct rehearse_result result;
};

/* Explain. With `node_id` not 0 what that node's daemon would say is among the
 * findings.
 */
void explain_build(struct explain *ret,
                   const struct rehearse_facts *facts,
                   int node_id);

#endif
