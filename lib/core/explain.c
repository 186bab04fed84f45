/* explain.c - from a rehearsal to findings; what follows is decided elsewhere. */
#include "core/explain.h"

#include <stddef.h>
#include <string.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/elect.h"
#include "core/explain_nodes.h"
#include "core/view.h"

static const struct core *onlooker(const struct explain *explain)
{
    return &explain->rehearsal.onlooker;
}

/* Who is asked about: the onlooker itself is none of them. */
static int n_members(const struct explain *explain)
{
    return explain->rehearsal.facts.n_members;
}

/* ---- what is so --------------------------------------------------------------------
 */

/* W differs between nodes for as long as settings do: the longest is the one to wait
 * for. */
static int64_t longest_window(const struct core *core)
{
    int64_t window_ms = 0;

    for (int i = 0; i < core->n_members; i++)
        if (core->peers[i].note.window_ms > window_ms)
            window_ms = core->peers[i].note.window_ms;
    return window_ms > 0 ? window_ms : window_of(&core->settings);
}

static void find_leader(struct explain *explain)
{
    const struct core *core = onlooker(explain);
    const struct core_member *rival = NULL;
    const struct core_member *leader = board_leader(core, 0);

    explain->term = core->top_term > core->term ? core->top_term : core->term;
    if (leader != NULL) {
        explain->leader_id = leader->id;
        explain->term = board_peer(core, leader->id)->note.term;
        return;
    }
    leader = elect_leader(core, &rival);
    if (leader == NULL)
        return;
    explain->leader_id = leader->id;
    explain->term = core_view(core, leader->id)->seen.term;
}

static bool leader_has_daemon(const struct explain *explain)
{
    const struct core *core = onlooker(explain);

    return explain->leader_id != 0 &&
           board_is_fresh(core, board_peer(core, explain->leader_id));
}

/* F5: all that are writable beside the leader. */
static void say_rivals(struct explain *explain)
{
    const struct core *core = onlooker(explain);

    for (int i = 0; i < n_members(explain); i++) {
        int id = core->members[i].id;

        if (id != explain->leader_id && view_is_primary(core, &core->views[i]) &&
            core->members[i].role != CORE_ROLE_WITNESS)
            explain_add(explain, EXPLAIN_NOW, EXPLAIN_RIVAL, EXPLAIN_FAILS, "F5", id)
                ->why.term = core->views[i].seen.term;
    }
}

/* L1, counted by the leader's own core. */
static void say_lease(struct explain *explain)
{
    struct core *leader = &explain->rehearsal.mine;
    int id = explain->leader_id;
    struct explain_finding *finding;
    struct quorum quorum;
    struct mono until;

    rehearse_core(&explain->rehearsal, view_index(onlooker(explain), id), leader);
    quorum = quorum_ballots(leader, explain->term);
    until = quorum_lease_until(leader, explain->term);
    finding =
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_LEASE,
                    quorum_met(&quorum) ? EXPLAIN_HOLDS : EXPLAIN_FAILS, "L1", id);
    finding->why.a = quorum.answered;
    finding->why.b = quorum.needed;
    if (until.ms != MONO_NEVER.ms && until.ms > leader->now.ms)
        finding->ms = mono_diff(until, leader->now);
    if (board_peer(onlooker(explain), id)->note.relies)
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_RELIES, EXPLAIN_HOLDS, "M3", id);
    if (board_peer(onlooker(explain), id)->note.frozen)
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_FROZEN, EXPLAIN_FAILS, "L4", id);
}

static void say_leader(struct explain *explain)
{
    int id = explain->leader_id;

    if (id == 0) {
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_NOBODY_LEADS, EXPLAIN_FAILS, "E2",
                    view_registered_primary(onlooker(explain)));
        return;
    }
    explain_add(explain, EXPLAIN_NOW, EXPLAIN_LEADS, EXPLAIN_HOLDS, "E2", id)
        ->why.term = explain->term;
    if (leader_has_daemon(explain))
        say_lease(explain);
    else
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_LEADER_ALONE, EXPLAIN_FAILS, "L2",
                    id);
}

/* How old the leader's newest ballot of that voter is; -1 when it has none. */
static int64_t ballot_age_ms(const struct explain *explain, int i)
{
    const struct core *leader = &explain->rehearsal.mine;
    const struct core_peer *peer = &leader->peers[i];

    if (!leader_has_daemon(explain) || peer->ballot_term != explain->term)
        return -1;
    return mono_diff(leader->now, peer->ballot_echo);
}

static void say_support(struct explain *explain, int i)
{
    const struct core_note *note = &onlooker(explain)->peers[i].note;
    bool nobody = note->leader_id == 0 || note->leader_id == note->node_id;
    struct explain_finding *finding;

    if (explain->leader_id != 0 && note->leader_id == explain->leader_id) {
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_SUPPORTS, EXPLAIN_HOLDS, "N4",
                    note->node_id)
            ->ms = ballot_age_ms(explain, i);
    } else if (explain->leader_id != 0) {
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_NO_SUPPORT, EXPLAIN_FAILS, "L2",
                    note->node_id);
    } else if (nobody) {
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_FREE, EXPLAIN_HOLDS, "V1",
                    note->node_id);
    } else {
        finding = explain_add(explain, EXPLAIN_NOW, EXPLAIN_PROMISED, EXPLAIN_FAILS,
                              "V1", note->node_id);
        finding->other_id = note->leader_id;
        finding->ms = note->window_ms;
    }
}

static void say_voter(struct explain *explain, int i)
{
    const struct core *core = onlooker(explain);
    const struct core_peer *peer = &core->peers[i];
    int id = core->members[i].id;

    if (id == explain->leader_id || !core->members[i].voting)
        return;
    if (peer->note.phase == CORE_PHASE_NONE)
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_NO_DAEMON, EXPLAIN_FAILS, "N1", id);
    else if (!board_is_fresh(core, peer))
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_LINGERS, EXPLAIN_FAILS, "N5", id);
    else if (peer->note.voiceless)
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_VOICELESS, EXPLAIN_FAILS, "D3", id);
    else if (peer->note.paused)
        explain_add(explain, EXPLAIN_NOW, EXPLAIN_PAUSED, EXPLAIN_FAILS, "M3", id);
    else
        say_support(explain, i);
}

/* ---- what would come of it ---------------------------------------------------------
 */

/* S + W, the latest: the sign of the leader counts for S, a promise for W. */
static int64_t longest_wait(const struct explain *explain)
{
    return explain->window_ms + board_sign_ms(onlooker(explain));
}

/* The node whose verdict says why nobody stands: of those that could, the first one
 * that does not just wait for another. */
static int most_telling(const struct explain *explain)
{
    const struct rehearse_result *result = &explain->result;
    int best = -1;

    for (int i = 0; i < n_members(explain); i++) {
        const struct rehearse_part *part = &result->parts[i];

        if (!part->lives || part->why.reason == CORE_WHY_NONE)
            continue;
        if (best < 0 || (!result->parts[best].report.known && part->report.known))
            best = i;
    }
    return best;
}

static void say_quorum(struct explain *explain, enum explain_part part)
{
    const struct rehearse_result *result = &explain->result;
    int i = result->candidate_id != 0
                ? view_index(onlooker(explain), result->candidate_id)
                : most_telling(explain);
    struct quorum quorum = {0};
    struct explain_finding *finding;

    if (i >= 0) {
        quorum = result->parts[i].unbound;
    } else {
        for (int k = 0; k < n_members(explain); k++) {
            bool voting = onlooker(explain)->members[k].voting;

            quorum.voting += voting;
            quorum.answered += voting && result->parts[k].lives &&
                               !onlooker(explain)->peers[k].note.voiceless;
        }
        quorum.needed = quorum.voting / 2 + 1;
    }
    finding = explain_add(explain, part,
                          quorum.two_nodes ? EXPLAIN_TWO_NODES : EXPLAIN_QUORUM,
                          quorum_met(&quorum) ? EXPLAIN_HOLDS : EXPLAIN_FAILS,
                          quorum.two_nodes ? "Q2" : "Q1", 0);
    finding->why.a = quorum.answered;
    finding->why.b = quorum.needed;
    finding->why.term = quorum.voting;
}

static void say_lost_bytes(struct explain *explain, enum explain_part part)
{
    const struct rehearse_result *result = &explain->result;
    int copies = core_view(onlooker(explain), explain->leader_id) == NULL
                     ? 0
                     : core_view(onlooker(explain), explain->leader_id)->seen.copies;
    int i = view_index(onlooker(explain), result->candidate_id);
    struct explain_finding *finding;

    if (explain->leader_id == 0)
        return;
    if (copies > 0) {
        finding = explain_add(explain, part, EXPLAIN_COPIES, EXPLAIN_HOLDS, "C2", 0);
        finding->why.a = copies;
        return;
    }
    finding = explain_add(explain, part, EXPLAIN_LOSS, EXPLAIN_UNKNOWN, "P4.2",
                          result->candidate_id);
    finding->bytes = explain_bytes_behind(explain, result->parts[i].report.position);
    if (finding->bytes >= 0)
        finding->status = EXPLAIN_HOLDS;
}

/* C2: it stood and did not win. */
static void say_not_elected(struct explain *explain, enum explain_part part)
{
    const struct rehearse_result *result = &explain->result;
    bool ballots = quorum_met(&result->ballots);
    const struct quorum *missing = ballots ? &result->reports : &result->ballots;
    struct explain_finding *finding =
        explain_add(explain, part, ballots ? EXPLAIN_NO_REPORTS : EXPLAIN_NO_BALLOTS,
                    EXPLAIN_FAILS, "C2", result->candidate_id);

    finding->why.a = missing->answered;
    finding->why.b = missing->needed;
}

/* Reasons why single nodes do not stand: they are told node by node. */
static bool is_own_reason(enum core_reason reason)
{
    return reason == CORE_WHY_SELF_PRIORITY || reason == CORE_WHY_MANUAL ||
           reason == CORE_WHY_SELF_DOWN || reason == CORE_WHY_NO_STATE;
}

static void say_outcome(struct explain *explain, enum explain_part part)
{
    const struct rehearse_result *result = &explain->result;
    int i = view_index(onlooker(explain), result->candidate_id);
    struct explain_finding *finding;

    say_quorum(explain, part);
    if (result->candidate_id != 0 && !result->wins) {
        say_not_elected(explain, part);
        return;
    }
    finding = explain_add(explain, part, EXPLAIN_WINNER,
                          result->wins ? EXPLAIN_HOLDS : EXPLAIN_FAILS, "E9",
                          result->candidate_id);
    if (result->wins) {
        finding->why = result->parts[i].why;
        say_lost_bytes(explain, part);
        return;
    }
    i = most_telling(explain);
    finding->why.reason = CORE_WHY_NO_CANDIDATE;
    if (i >= 0 && !is_own_reason(result->parts[i].why.reason)) {
        finding->why = result->parts[i].why;
        finding->other_id = onlooker(explain)->members[i].id;
    }
}

/* The leader gave its term up, or would: E4 does not apply. */
static bool is_given_up(const struct explain *explain, enum explain_part part, int id)
{
    const struct core_peer *peer = board_peer(onlooker(explain), id);

    return part == EXPLAIN_CRASH ||
           (part == EXPLAIN_ELECTION && peer != NULL &&
            peer->note.phase != CORE_PHASE_NONE &&
            board_is_over(onlooker(explain), id, peer->note.term));
}

static void say_time(struct explain *explain, enum explain_part part, int lost_id)
{
    if (is_given_up(explain, part, lost_id))
        explain_add(explain, part, EXPLAIN_AT_ONCE, EXPLAIN_HOLDS, "V1", lost_id);
    else
        explain_add(explain, part, EXPLAIN_WAIT, EXPLAIN_HOLDS, "V1", lost_id)->ms =
            longest_wait(explain);
}

/* M3: it would not resign, and nobody would vote. */
static bool is_paused(const struct explain *explain, int leader_id)
{
    const struct core_peer *peer = board_peer(onlooker(explain), leader_id);

    return peer != NULL && peer->note.relies;
}

static int
lose(struct explain *explain, enum explain_part part, enum rehearse_loss loss)
{
    int lost_id = explain->leader_id;

    if (lost_id == 0)
        lost_id = view_registered_primary(onlooker(explain));
    rehearse_run(&explain->rehearsal, lost_id, loss, &explain->result);
    if (!is_paused(explain, lost_id))
        say_time(explain, part, lost_id);
    say_outcome(explain, part);
    return explain->result.wins ? explain->result.candidate_id : 0;
}

/* ---- all of it
 * ----------------------------------------------------------------------- */

/* What the daemon of the member with index `i` says: in an election now, else after the
 * loss that was rehearsed last. */
static void say_verdict(struct explain *explain, int i, enum explain_part part)
{
    int id = onlooker(explain)->members[i].id;
    struct explain_finding *finding;

    if (!rehearse_lives(&explain->rehearsal, i) || id == explain->leader_id)
        return;
    finding = explain_add(explain, part, EXPLAIN_VERDICT, EXPLAIN_UNKNOWN, "E1", id);
    finding->why =
        part == EXPLAIN_NOW
            ? rehearse_verdict_now(&explain->rehearsal, i,
                                   view_registered_primary(onlooker(explain)))
            : explain->result.parts[i].why;
}

static void explain_calm(struct explain *explain, int asked)
{
    bool crash = leader_has_daemon(explain);

    if (crash)
        explain->crash_id = lose(explain, EXPLAIN_CRASH, REHEARSE_RESIGNS);
    explain->host_id = lose(explain, EXPLAIN_HOST, REHEARSE_SILENT);
    explain->succeeds = explain->host_id != 0 && (!crash || explain->crash_id != 0);
    if (asked >= 0)
        say_verdict(explain, asked, EXPLAIN_HOST);
}

static void explain_election(struct explain *explain, int asked)
{
    for (int i = 0; i < n_members(explain); i++)
        if (asked < 0 || asked == i)
            say_verdict(explain, i, EXPLAIN_NOW);
    explain->host_id = lose(explain, EXPLAIN_ELECTION, REHEARSE_AS_IS);
    explain->succeeds = explain->host_id != 0;
}

void explain_build(struct explain *ret, const struct rehearse_facts *facts, int node_id)
{
    int asked;

    memset(ret, 0, sizeof *ret);
    rehearse_init(&ret->rehearsal, facts);
    asked = view_index(onlooker(ret), node_id);
    ret->window_ms = longest_window(onlooker(ret));
    find_leader(ret);
    say_leader(ret);
    say_rivals(ret);
    for (int i = 0; i < n_members(ret); i++)
        say_voter(ret, i);
    if (ret->leader_id != 0)
        explain_calm(ret, asked);
    else
        explain_election(ret, asked);
    explain_nodes(ret);
    for (int i = 0; i < ret->n; i++)
        if (ret->v[i].kind == EXPLAIN_RIVAL)
            ret->succeeds = false;
}
