/* daemons.h - what the notes on all boards say together: who leads, and who supports
 * it.
 *
 * Pure: made from what gather.h brought, in one look. Clocks of different hosts cannot
 * be compared, so a ballot is dated by the leader's own clock: its newest stamp minus
 * the one that the ballot echoes (rule N4). */
#ifndef PGRMON_DAEMONS_H
#define PGRMON_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gather.h"
#include "node.h"

/* What one look can tell of a daemon. */
enum daemons_sign {
    DAEMONS_UNSEEN, /* no note of it on any board that could be read */
    DAEMONS_OLD,    /* its note echoes what is long past: it lingers */
    DAEMONS_UNSURE, /* its note supports nobody, so its age is not known */
    DAEMONS_FRESH,  /* it leads, or echoed the leader within its window */
};

struct daemons_row {
    const struct core_note *note; /* newest on any board, borrowed; NULL = unseen */
    enum daemons_sign sign;
    bool supports;     /* the leader, by a ballot that counts; also the leader itself */
    int64_t ballot_ms; /* age of its ballot; -1 = none, or not comparable */
};

struct daemons {
    int n;
    struct daemons_row rows[CORE_MAX_NODES]; /* in the order of the nodeset */
    bool any;                                /* some note lies on some board */
    int leader;                              /* index of whose note leads, -1 = none */
    int64_t term;                            /* that it leads */
    int n_voters, needed;
    int n_paused;      /* voters that granted a pause (M3) */
    int n_supporting;  /* voters, the leader included */
    int64_t oldest_ms; /* of their ballots; -1 = it has none but its own */
};

/* Judge. `answers` has set->n elements; both must outlive `ret`. */
void daemons_read(struct daemons *ret,
                  const struct nodeset *set,
                  const struct gathered *answers);

/* The newest note of a node on any board, its own looked at first; NULL = none. */
const struct core_note *
daemons_newest(const struct nodeset *set, const struct gathered *answers, int node_id);

/* "follow", "not seen", ...: for people. */
const char *daemons_phase(const struct daemons_row *row);

/* "leader node2, term 7, supported by 3 of 3 voters (ballots 120 ms old at most)", or
 * what the daemons say when none leads. `any` must be set. Returns `buf`. */
#define DAEMONS_TEXT_SIZE 1024
const char *daemons_text(const struct daemons *daemons,
                         const struct nodeset *set,
                         char buf[static DAEMONS_TEXT_SIZE]);

#endif
