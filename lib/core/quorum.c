/* quorum.c - majorities. Ballots are counted by the age of what they echo, by our own
 * clock (N4): at most half the shorter of the two windows (L1, design.md section 2). */
#include "core/quorum.h"

#include <stddef.h>

#include "core/board.h"
#include "core/internal.h"
#include "core/view.h"

int64_t quorum_pair_version(const struct core *core)
{
    const struct core_peer *other = NULL;
    int n = 0;

    for (int i = 0; i < core->n_members; i++) {
        if (!core->members[i].voting)
            continue;
        n++;
        if (core->members[i].id != core->settings.self_id)
            other = &core->peers[i];
    }
    if (n != 2 || other == NULL)
        return -1;
    if (core->durable.pair_version >= core->members_version ||
        (other->note.phase != CORE_PHASE_NONE &&
         other->note.members_version >= core->members_version))
        return core->members_version;
    return -1;
}

/* Q1, Q2: how many there are and how many are needed. */
static struct quorum of_members(const struct core *core)
{
    struct quorum quorum = {0};

    for (int i = 0; i < core->n_members; i++)
        quorum.voting += core->members[i].voting;
    /* Q1 a majority of all that are registered. */
    quorum.needed = CORE_RULE(Q1_MAJORITY) ? quorum.voting / 2 + 1 : 1;
    /* Q2 two nodes, quorum = auto: no majority can exist without both. */
    if (CORE_RULE(Q2_ONE) && quorum.voting == 2 &&
        core->settings.quorum == CORE_QUORUM_AUTO &&
        (quorum_pair_version(core) >= 0 || CORE_WITHOUT(Q2_CONFIRMED))) {
        quorum.two_nodes = true;
        quorum.needed = 1;
    }
    return quorum;
}

static bool is_self(const struct core *core, int i)
{
    return core->members[i].id == core->settings.self_id;
}

struct quorum quorum_unbound(const struct core *core)
{
    struct quorum quorum = of_members(core);

    for (int i = 0; i < core->n_members; i++) {
        const struct core_peer *peer = &core->peers[i];

        if (!core->members[i].voting)
            continue;
        if (is_self(core, i))
            quorum.answered++;
        else if (board_is_fresh(core, peer) && !peer->note.voiceless &&
                 peer->note.phase != CORE_PHASE_PAUSED && !peer->note.paused &&
                 (peer->note.leader_id == 0 ||
                  peer->note.leader_id == core->settings.self_id ||
                  CORE_WITHOUT(E6_NOBODY)))
            quorum.answered++;
    }
    return quorum;
}

bool quorum_could_elect(const struct core *core)
{
    struct quorum quorum = of_members(core);

    if (quorum.needed <= 1)
        return false;
    for (int i = 0; i < core->n_members; i++)
        quorum.answered += core->members[i].voting && !is_self(core, i) &&
                           core->peers[i].note.phase != CORE_PHASE_NONE &&
                           !core->peers[i].note.voiceless;
    return quorum_met(&quorum);
}

/* Until when the ballot of a peer for us is valid; ms 0 when there is none. */
static struct mono
valid_until(const struct core *core, const struct core_peer *peer, int64_t term)
{
    int64_t window_ms = window_of(&core->settings);

    if ((CORE_RULE(C2_TERM) && peer->ballot_term < term) || peer->ballot_term == 0)
        return (struct mono){0};
    if (CORE_RULE(N4_WINDOW) && peer->ballot_window_ms < window_ms)
        window_ms = peer->ballot_window_ms;
    return mono_add(peer->ballot_echo, CORE_RULE(N4_HALF) ? window_ms / 2 : window_ms);
}

static bool is_valid(const struct core *core, int i, int64_t term)
{
    if (is_self(core, i))
        return core->durable.incarnation != 0;
    return (core->peers[i].ballot_term == term || CORE_WITHOUT(C2_TERM)) &&
           !mono_reached(valid_until(core, &core->peers[i], term), core->now);
}

struct quorum quorum_ballots(const struct core *core, int64_t term)
{
    struct quorum quorum = of_members(core);

    for (int i = 0; i < core->n_members; i++)
        quorum.answered += core->members[i].voting && is_valid(core, i, term);
    return quorum;
}

struct quorum quorum_reports(const struct core *core, int64_t term)
{
    struct quorum quorum = {0};
    int copies = core->durable.copies;

    for (int i = 0; i < core->n_members; i++) {
        if (core->members[i].role == CORE_ROLE_WITNESS)
            continue;
        quorum.voting++;
        if (is_self(core, i))
            quorum.answered += core->report.known;
        else
            quorum.answered +=
                is_valid(core, i, term) && core->peers[i].ballot_report.known;
    }
    if (copies == CORE_COPIES_UNKNOWN)
        copies = 1;
    if (copies > 0)
        quorum.needed = quorum.voting - copies;
    return quorum;
}

struct mono quorum_lease_until(const struct core *core, int64_t term)
{
    struct quorum quorum = of_members(core);
    struct mono until[CORE_MAX_NODES];
    int n = 0, needed = quorum.needed;

    for (int i = 0; i < core->n_members; i++) {
        if (!core->members[i].voting)
            continue;
        if (is_self(core, i))
            needed--;
        else
            until[n++] = valid_until(core, &core->peers[i], term);
    }
    if (needed <= 0)
        return MONO_NEVER;
    /* The needed-th longest: a small selection sort. */
    for (int place = 0; place < needed && place < n; place++)
        for (int i = place + 1; i < n; i++)
            if (until[i].ms > until[place].ms) {
                struct mono swap = until[place];

                until[place] = until[i];
                until[i] = swap;
            }
    if (needed > n)
        return (struct mono){0};
    return until[CORE_RULE(L1_OLDEST) ? needed - 1 : 0];
}
