/* quorum.c - majorities. Ballots will be counted here too (design.md 3.3, 3.6). */
#include "core/quorum.h"

#include "core/view.h"

struct quorum quorum_count(const struct core *core)
{
    struct quorum quorum = {0};

    for (int i = 0; i < core->n_members; i++) {
        const struct core_member *member = &core->members[i];

        if (!member->voting)
            continue;
        quorum.voting++;
        /* Our own daemon votes even while our PostgreSQL is down. */
        if (member->id == core->settings.self_id ||
            (core->views[i].fresh && view_is_ours(core, &core->views[i])))
            quorum.answered++;
    }
    /* Q1 a majority of all that are registered. */
    quorum.needed = quorum.voting / 2 + 1;
    /* Q2 two nodes, quorum = auto: no majority can exist without both (design.md 3.8).
     */
    if (quorum.voting == 2 && core->settings.quorum == CORE_QUORUM_AUTO) {
        quorum.two_nodes = true;
        quorum.needed = 1;
    }
    return quorum;
}
