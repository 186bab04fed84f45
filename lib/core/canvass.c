/* canvass.c - a candidate: promises itself first, in writing, then asks for ballots.
 *
 *   write "candidate" -> say canvass -> enough ballots and reports -> write "promoting"
 *   -> still enough -> promote
 *
 * A claim (C7) is the canvass of a node whose PostgreSQL is writable already, by
 * somebody else's hand: it is frozen meanwhile and leads at once when it wins. */
#include "core/canvass.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/campaign.h"
#include "core/effect.h"
#include "core/lead.h"
#include "core/member.h"
#include "core/monitor.h"
#include "core/own.h"
#include "core/pause.h"
#include "core/quorum.h"
#include "core/rank.h"
#include "core/view.h"

/* xorshift64*: who lost waits a little, and not as long as the other one. */
static int64_t random_ms(struct core *core, int64_t below)
{
    uint64_t x = core->random == 0 ? 88172645463325252U : core->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    core->random = x;
    return (int64_t)((x * 2685821657736338717U) >> 33) % (below > 0 ? below : 1);
}

/* C4: how long it is asked for. A ballot comes within a few beats or not at all. */
static int64_t patience_ms(const struct core *core)
{
    int64_t window_ms = window_of(&core->settings);

    if (CORE_WITHOUT(C4_PATIENCE))
        return 100 * window_ms;
    return core->claiming ? 2 * window_ms : window_ms / 2;
}

void canvass_begin(struct core *core,
                   struct core_why why,
                   bool claim,
                   struct core_effects *out)
{
    core->claiming = claim;
    if (claim) {
        core->local_writable = true;
        core->claim_term = view_self(core)->seen.term;
        core->claim_position = view_self(core)->seen.position;
    }
    core_become(core, CORE_CANVASSING, why, out);
    core->canvass_until = mono_add(core->now, patience_ms(core));
}

static int64_t max_term(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The promise to ourselves. */
static void stand(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    int64_t window_ms = window_of(&core->settings);

    wanted.term = core->durable.term;
    if (CORE_RULE(C1_ABOVE))
        wanted.term = max_term(wanted.term, max_term(core->term, core->top_term));
    wanted.term++;
    wanted.leader_id = core->settings.self_id;
    wanted.duty = CORE_DUTY_CANDIDATE;
    wanted.relied_until.ms = 0;
    wanted.lead_term = 0;
    wanted.armed = false;
    wanted.recorded = false;
    wanted.rested = false;
    if (wanted.window_ms < window_ms)
        wanted.window_ms = window_ms;
    ballot_save(core, &wanted, out);
}

/* C2: somebody who voted for us, or canvasses as well, is further than we are. */
static bool is_outranked(const struct core *core)
{
    struct core_report own = ballot_own_report(core);

    for (int i = 0; i < core->n_members; i++) {
        const struct core_peer *peer = &core->peers[i];

        if (core->members[i].id == core->settings.self_id)
            continue;
        if (CORE_RULE(C2_AHEAD) && core->durable.copies > 0 &&
            peer->ballot_term == core->durable.term && peer->ballot_report.known &&
            ballot_report_cmp(&own, &peer->ballot_report) < 0)
            return true;
        if (CORE_RULE(C4_RIVAL) && board_is_fresh(core, peer) &&
            peer->note.phase == CORE_PHASE_CANVASS && !member_is_outdated(core, i) &&
            ballot_report_cmp(&own, &peer->note.report) < 0)
            return true;
    }
    return false;
}

/* C4: resign the term, in writing, then pause. */
static bool
give_up(struct core *core, enum core_reason reason, struct core_effects *out)
{
    int64_t window_ms = window_of(&core->settings);
    struct core_why why = why_of(CORE_WHY_LOST_CANVASS, 0);
    struct quorum quorum = quorum_ballots(core, core->durable.term);

    if (CORE_RULE(C4_PAUSE))
        core->canvass_after = mono_add(core->now, core->settings.beat_ms +
                                                      random_ms(core, window_ms / 2));
    if (core->claiming) {
        lead_resign(core, reason, out);
        return true;
    }
    why.a = quorum.answered;
    why.b = quorum.needed;
    why.term = core->durable.term;
    effect_report(out, CORE_SAY_VERDICT, 0, why);
    campaign_begin(core, why, out);
    return true;
}

static bool is_standing(const struct core *core)
{
    return core->durable.leader_id == core->settings.self_id &&
           (core->durable.duty == CORE_DUTY_CANDIDATE ||
            core->durable.duty == CORE_DUTY_PROMOTING);
}

/* Q2: of two nodes one is enough, but not while the other one is heard: it has a say,
 * and may be standing itself. */
static bool ignores_other(const struct core *core, const struct quorum *ballots)
{
    if (CORE_WITHOUT(Q2_HEARD) || !ballots->two_nodes || ballots->answered >= 2)
        return false;
    for (int i = 0; i < core->n_members; i++)
        if (core->members[i].voting && core->members[i].id != core->settings.self_id &&
            board_is_fresh(core, &core->peers[i]) && !core->peers[i].note.voiceless &&
            core->peers[i].note.term > 0)
            return true;
    return false;
}

static bool has_won(const struct core *core)
{
    struct quorum ballots = quorum_ballots(core, core->durable.term);
    struct quorum reports = quorum_reports(core, core->durable.term);

    return (quorum_met(&ballots) || CORE_WITHOUT(C2_BALLOTS)) &&
           !ignores_other(core, &ballots) &&
           (core->claiming || quorum_met(&reports) || CORE_WITHOUT(C2_REPORTS)) &&
           !is_outranked(core);
}

static struct core_why why_won(const struct core *core)
{
    struct core_why why = why_of(CORE_WHY_WON, core->settings.self_id);
    struct quorum quorum = quorum_ballots(core, core->durable.term);

    why.a = quorum.answered;
    why.b = quorum.voting;
    why.term = core->durable.term;
    return why;
}

/* C2 to C5: written down, and the lease looked at once more, before PostgreSQL is told.
 */
static bool win(struct core *core, struct core_effects *out)
{
    struct core_durable wanted = core->durable;
    struct quorum quorum = quorum_ballots(core, core->durable.term);

    if (CORE_RULE(C5_WRITTEN) && core->durable.duty == CORE_DUTY_CANDIDATE) {
        wanted.duty = core->claiming ? CORE_DUTY_LEADING : CORE_DUTY_PROMOTING;
        wanted.armed = !quorum.two_nodes && quorum.needed > 1;
        if (core->claiming)
            wanted.lead_term = wanted.term;
        ballot_save(core, &wanted, out);
        return false;
    }
    campaign_promote(core, why_won(core), out);
    return true;
}

bool canvass_step(struct core *core, struct core_effects *out)
{
    const struct core_view *self = view_self(core);
    const struct core_member *leader = board_leader(core, 0);

    monitor_local(core, out);
    if (CORE_RULE(C7_FROZEN) && core->claiming)
        own_unleased(core, out);
    /* A disk that does not write must not keep the others waiting for us. */
    if (!ballot_is_settled(core))
        return mono_reached(core->canvass_until, core->now) &&
               give_up(core, CORE_WHY_UNLEASED, out);
    if (core->claiming && core->durable.duty == CORE_DUTY_LEADING) {
        monitor_become_primary(core, why_won(core), out);
        return true;
    }
    if (CORE_RULE(C4_LEADER) && leader != NULL)
        return give_up(core, CORE_WHY_LATER_LEADER, out);
    if (CORE_RULE(C4_UNFIT) && !core->claiming &&
        (core->settings.failover == CORE_FAILOVER_MANUAL ||
         core_member(core, core->settings.self_id)->priority <= 0))
        return give_up(core, CORE_WHY_UNLEASED, out); /* changed meanwhile */
    if (mono_reached(core->canvass_until, core->now) || is_outranked(core) ||
        (!core->claiming && (!core->report.known || !view_is_ours(core, self))))
        return give_up(core, CORE_WHY_UNLEASED, out);
    if (!is_standing(core)) {
        /* V1 binds ourselves as well: a claim waits, frozen, until our promise is over,
         * and a pause (M3). */
        if (CORE_RULE(V1_SELF) &&
            (!ballot_is_free(core) || ballot_has_evidence(core) || pause_forbids(core)))
            return false;
        stand(core, out);
        return false;
    }
    if (!has_won(core))
        return false;
    return win(core, out);
}

struct mono canvass_deadline(const struct core *core)
{
    return core->canvass_until;
}
