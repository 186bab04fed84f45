/* explain_fixture.h - situations of a small cluster, as `cluster explain` reads them.
 *
 * There is one at a time: `situation`. Each set-up begins it anew. */
#ifndef PGRMON_EXPLAIN_FIXTURE_H
#define PGRMON_EXPLAIN_FIXTURE_H

#include "core/explain.h"
#include "unit.h"

#define N_ROUNDS 2
#define MAX      5
#define WINDOW   10000

/* One node and its daemon, as they are. */
struct actor {
    struct core_observation seen;
    struct core_note note; /* stamps are filled in */
    bool daemon;
    bool lingers; /* its note does not advance */
};

struct situation {
    struct rehearse_facts facts;
    struct actor v[MAX];
    struct core_note notes[N_ROUNDS][MAX];
    struct rehearse_look looks[N_ROUNDS * MAX];
    struct explain explain;
};

extern struct situation world;

/* A named situation: who is promoted when PostgreSQL, or the host, of the primary is
 * lost (0 = nobody; without a primary the second), and whether both succeed. */
struct situation_case {
    const char *name;
    void (*set_up)(void);
    int crash_id, host_id;
    bool succeeds;
};

extern const struct situation_case situations[];
extern const int n_situations;

/* Node 1 leads term 7, nodes 2 to `n` follow; asked from node 2. */
void situation_begin(int n);

/* The node with `id`, and its record, to change them. */
struct actor *actor(int id);
struct core_member *member(int id);

/* Two rounds of a beat: every board that can be read holds every note. The result is
 * world.explain. */
const struct explain *situation_explain(int node_id);

void three_nodes(void);
void candidate_behind(void);

#endif
