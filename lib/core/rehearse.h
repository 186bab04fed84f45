/* rehearse.h - what the daemons would do, from what somebody reads who is none of them.
 *
 * From the notes on all boards and the answers of all servers a core is made for each
 * node whose daemon lives, and asked by the functions that its daemon uses:
 * elect_decide(), canvass_step(), ballot_consider(), core_post(), quorum_*(). Nothing
 * is decided here. Pure; the memory is the caller's.
 *
 * Exact: who is a member, who votes, what its newest note says, whose ballots the
 * leader has and how old they were when its note was written (by its own clock).
 * Estimated, since no note says it:
 *  - another node's settings are taken to be ours, except its W; a node with failover =
 *    manual shows that in an election only (phase "pass");
 *  - the WAL of a standby is worth its newest term row and max(received, replayed) now:
 *    its report of an election may be a little further, and never is when it is cut
 * off;
 *  - whom a node promised that supports nobody: the leader that was lost;
 *  - a server that refuses connections is gone, and its daemon knows it;
 *  - of two voters the one that is left has seen the other confirm the membership (M1);
 *  - a daemon that gives no note that we can read may live beyond our sight. */
#ifndef PGRMON_CORE_REHEARSE_H
#define PGRMON_CORE_REHEARSE_H

#include "core/core.h"
#include "core/quorum.h"

/* What one round of asking brought of one node. Answers of one round have one time. */
struct rehearse_look {
    struct mono at; /* by the asking one's clock */
    struct core_observation seen;
    const struct core_note *notes; /* on its board; the caller's */
    int n_notes;
};

/* All that was read: at least two rounds, so that notes are seen to advance (N5). */
struct rehearse_facts {
    struct core_settings
        settings; /* of the node that is asked from; self_id 0 = none */
    int64_t members_version;
    int n_members;
    struct core_member members[CORE_MAX_NODES];
    const struct rehearse_look *looks; /* the oldest first */
    int n_looks;
};

/* What is taken to have happened to the leader. */
enum rehearse_loss {
    REHEARSE_RESIGNS, /* its PostgreSQL died; its daemon says so, and votes */
    REHEARSE_SILENT,  /* host and daemon are gone: no sign until S + W is over */
    REHEARSE_AS_IS,   /* nothing: there is no leader; the promises are over */
};

/* What one node would do. */
struct rehearse_part {
    bool lives;          /* its daemon takes part */
    bool canvasses;      /* its verdict is to stand */
    bool grants;         /* it votes for the winner of the survey */
    struct core_why why; /* of its verdict */
    struct core_report report;
    struct quorum unbound; /* E6, as it counts */
};

struct rehearse_result {
    int candidate_id;                           /* who would stand; 0 = nobody */
    bool wins;                                  /* and would be promoted */
    struct quorum ballots, reports;             /* of the candidate */
    struct rehearse_part parts[CORE_MAX_NODES]; /* same index as members */
};

/* Room to work in: large. */
struct rehearsal {
    struct rehearse_facts facts;
    struct core onlooker; /* sees everything, is nobody */
    struct core mine, other;
    struct core_effects effects;
    struct core_note notes[CORE_MAX_NODES]; /* posted in the rehearsal */
    int n_notes;
};

/* Read `facts` (copied, but not the looks). */
void rehearse_init(struct rehearsal *rehearsal, const struct rehearse_facts *facts);

/* N5: the daemon of the member with this index lives. */
bool rehearse_lives(const struct rehearsal *rehearsal, int i);

/* The core of that member's daemon at its newest note, by its own clock. Only when it
 * lives. */
void rehearse_core(const struct rehearsal *rehearsal, int i, struct core *ret);

/* What elect_decide() says on that node, were its promise over, from the notes as they
 * are. Only when it lives, and nobody leads. */
struct core_why rehearse_verdict_now(struct rehearsal *rehearsal, int i, int lost_id);

/* Lose the leader `lost_id` (0: unknown who it was) and see. */
void rehearse_run(struct rehearsal *rehearsal,
                  int lost_id,
                  enum rehearse_loss loss,
                  struct rehearse_result *ret);

#endif
