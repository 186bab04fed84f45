/* prove.c - whether what is left out is missed: by a story first, they are short, then
 * by random schedules. A failed assertion of the core's own is no proof. */
#include "prove.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "check.h"
#include "outcome.h"
#include "rules.h"
#include "sim.h"

struct search {
    unsigned without;
    bool outcomes; /* a story that ends otherwise counts */
    uint64_t played, trapped;
};

/* What is played is over: whether an invariant was violated in it. */
static bool is_violated(struct search *search, const struct sim *sim)
{
    search->played++;
    search->trapped += sim->trapped;
    return sim->failed && !sim->trapped;
}

/* How it ends with all rules. */
static struct sim_outcome proper_outcome(const struct sim_scenario *story)
{
    struct sim *sim = sim_new(1, NULL);
    struct sim_outcome outcome;

    rule_suspend(true);
    trap_play(sim, story->play);
    outcome = outcome_of(sim);
    sim_free(sim);
    rule_suspend(false);
    return outcome;
}

static bool ends_otherwise(const struct sim *sim, const struct sim_scenario *story)
{
    struct sim_outcome proper = proper_outcome(story), now = outcome_of(sim);

    if (outcome_is_same(&proper, &now))
        return false;
    printf("story %s ends otherwise:\n  with all rules: %s, %" PRId64
           " ms without a primary\n  without:        %s, %" PRId64
           " ms without a primary\n",
           story->name, proper.text, proper.outage_ms, now.text, now.outage_ms);
    return true;
}

static bool search_story(struct search *search, const struct sim_scenario *story)
{
    struct sim *sim = sim_new(1, NULL);
    bool found;

    sim->without = search->without;
    trap_play(sim, story->play);
    found = is_violated(search, sim);
    if (found)
        printf("story %s, run %" PRIu64 ": %s\n", story->name, search->played,
               sim->failure);
    else if (search->outcomes && !sim->trapped)
        found = ends_otherwise(sim, story);
    sim_free(sim);
    return found;
}

static bool search_schedule(struct search *search, uint64_t seed)
{
    struct sim *sim = schedule_new(seed, NULL, search->without);
    bool found;

    trap_play(sim, schedule_play);
    found = is_violated(search, sim);
    if (found)
        printf("seed %" PRIu64 ", run %" PRIu64 ": %s\n", seed, search->played,
               sim->failure);
    sim_free(sim);
    return found;
}

static bool is_found(struct search *search, uint64_t first, uint64_t n)
{
    const struct sim_scenario *story;

    for (int i = 0; (story = story_at(i)) != NULL; i++)
        if (search_story(search, story))
            return true;
    for (uint64_t seed = first; seed < first + n; seed++)
        if (search_schedule(search, seed))
            return true;
    return false;
}

int prove(enum prove expected, uint64_t first, uint64_t n, unsigned without)
{
    struct search search = {.without = without,
                            .outcomes = expected != PROVE_VIOLATION};
    bool found = is_found(&search, first, n);

    if (!found)
        printf("nothing is violated in %" PRIu64 " runs\n", search.played);
    if (search.trapped > 0)
        printf("%" PRIu64 " runs ended with a failed assertion\n", search.trapped);
    return found == (expected != PROVE_NOTHING) ? 0 : 1;
}
