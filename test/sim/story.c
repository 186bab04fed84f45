/* story.c - all that is told, one after the other. */
#include <stddef.h>

#include "sim.h"

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
