/* story.c - all that is told, one after the other; see story.h. */
#include "story.h"

#include <stddef.h>

#include "check.h"
#include "world.h"

void story_nodes(struct sim *sim, int n)
{
    (void)sim_add(sim, 1, 0, 100);
    for (int id = 2; id <= n; id++)
        (void)sim_add(sim, id, 1, 100);
}

void story_begin(struct sim *sim)
{
    sim_start(sim);
    sim_run(sim, 5000);
}

void story_calm(struct sim *sim, int n)
{
    story_nodes(sim, n);
    story_begin(sim);
}

void story_settle(struct sim *sim)
{
    sim_run(sim, FAILOVER_MS);
    check_stable(sim);
}

const struct sim_scenario *story_at(int i)
{
    const struct {
        const struct sim_scenario *v;
        int n;
    } lists[] = {
        {sim_scenarios,      sim_n_scenarios     },
        {sim_stories,        sim_n_stories       },
        {sim_member_stories, sim_n_member_stories},
        {sim_rule_stories,   sim_n_rule_stories  },
    };

    for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
        if (i < lists[list].n)
            return &lists[list].v[i];
        i -= lists[list].n;
    }
    return NULL;
}
