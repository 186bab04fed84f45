/* prove.c - whether what is left out is missed: by a story first, they are short, then
 * by random schedules. A failed assertion of the core's own is no proof. */
#include "prove.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sim.h"

/* What is looked for: the first failure, and how many only trapped. */
struct search {
    uint64_t played, trapped;
    char where[64];
    char failure[sizeof((struct sim *)0)->failure];
};

/* True when it failed; ends the use of `sim`. */
static bool take(struct search *search, struct sim *sim)
{
    bool found = sim->failed && !sim->trapped;

    search->played++;
    search->trapped += sim->trapped;
    memcpy(search->failure, sim->failure, sizeof search->failure);
    sim_free(sim);
    return found;
}

static bool search_stories(struct search *search, unsigned without)
{
    const struct sim_scenario *story;

    for (int i = 0; (story = story_at(i)) != NULL; i++) {
        struct sim *sim = sim_new(1, NULL);

        sim->without = without;
        trap_play(sim, story->play);
        (void)snprintf(search->where, sizeof search->where, "story %s", story->name);
        if (take(search, sim))
            return true;
    }
    return false;
}

static bool
search_schedules(struct search *search, uint64_t first, uint64_t n, unsigned without)
{
    for (uint64_t seed = first; seed < first + n; seed++) {
        struct sim *sim = schedule_new(seed, NULL, without);

        trap_play(sim, schedule_play);
        (void)snprintf(search->where, sizeof search->where, "seed %" PRIu64, seed);
        if (take(search, sim))
            return true;
    }
    return false;
}

static bool is_found(uint64_t first, uint64_t n, unsigned without)
{
    struct search search = {0};
    bool found = search_stories(&search, without) ||
                 search_schedules(&search, first, n, without);

    if (found)
        printf("%s, number %" PRIu64 ": %s\n", search.where, search.played,
               search.failure);
    else
        printf("nothing is violated in %" PRIu64 " runs\n", search.played);
    if (search.trapped > 0)
        printf("%" PRIu64 " runs ended with a failed assertion\n", search.trapped);
    return found;
}

int prove_violation(uint64_t first, uint64_t n, unsigned without)
{
    return is_found(first, n, without) ? 0 : 1;
}

int prove_calm(uint64_t first, uint64_t n, unsigned without)
{
    return is_found(first, n, without) ? 1 : 0;
}
