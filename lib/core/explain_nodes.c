/* explain_nodes.c - who may be promoted, the best first, and who not, with the rule. */
#include "core/explain_nodes.h"

#include <stddef.h>

#include "core/board.h"
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

struct explain_finding *explain_add(struct explain *explain,
                                    enum explain_part part,
                                    enum explain_kind kind,
                                    enum explain_status status,
                                    const char *rule,
                                    int node_id)
{
    struct explain_finding *finding = &explain->v[explain->n++];

    CORE_ASSERT(explain->n <= EXPLAIN_MAX_FINDINGS);
    *finding = (struct explain_finding){.part = part,
                                        .kind = kind,
                                        .status = status,
                                        .rule = rule,
                                        .node_id = node_id,
                                        .bytes = -1,
                                        .ms = -1};
    return finding;
}

static struct lsn leader_position(const struct explain *explain)
{
    const struct core_view *view = core_view(onlooker(explain), explain->leader_id);

    return view != NULL && view_is_primary(onlooker(explain), view)
               ? view->seen.position
               : LSN_UNKNOWN;
}

int64_t explain_bytes_behind(const struct explain *explain, struct lsn position)
{
    struct lsn end = leader_position(explain);

    if (!lsn_known(end) || !lsn_known(position))
        return -1;
    return end.pos > position.pos ? (int64_t)(end.pos - position.pos) : 0;
}
/* ---- who may be promoted ------------------------------------------------------------
 */

static enum explain_kind fitness(const struct explain *explain, int i)
{
    const struct core *core = onlooker(explain);
    const struct core_member *member = &core->members[i];
    const struct core_note *note = &core->peers[i].note;
    const struct core_settings *settings = &explain->rehearsal.facts.settings;

    if (view_is_foreign(core, &core->views[i]))
        return EXPLAIN_FOREIGN;
    if (!board_is_fresh(core, &core->peers[i]))
        return EXPLAIN_ABSENT;
    if (core->views[i].seen.reach != REACH_OK)
        return EXPLAIN_DOWN;
    if (!core->views[i].seen.in_recovery)
        return EXPLAIN_WRITABLE;
    if (member->priority <= 0)
        return EXPLAIN_ZERO;
    if (note->phase == CORE_PHASE_PASS ||
        (settings->self_id == member->id && settings->failover == CORE_FAILOVER_MANUAL))
        return EXPLAIN_MANUAL;
    if (note->voiceless)
        return EXPLAIN_NO_VOICE;
    return EXPLAIN_STANDS;
}

static const char *rule_of_fitness(enum explain_kind kind)
{
    switch (kind) {
    case EXPLAIN_FOREIGN:
        return "F4";
    case EXPLAIN_DOWN:
        return "E7";
    case EXPLAIN_NO_VOICE:
        return "D3";
    default:
        return "E9";
    }
}

static const char *rule_of_rank(enum core_rank_rule rule)
{
    switch (rule) {
    case CORE_RANK_TERM:
        return "P4.1";
    case CORE_RANK_POSITION:
        return "P4.2";
    case CORE_RANK_PRIORITY:
        return "P4.3";
    case CORE_RANK_ID:
        return "P4.4";
    case CORE_RANK_SAME:
        break;
    }
    return "E9";
}

static struct rank_candidate rank_of(const struct explain *explain, int id)
{
    const struct core_view *view = core_view(onlooker(explain), id);

    return (struct rank_candidate){id, view->seen.term, view->seen.position,
                                   core_member(onlooker(explain), id)->priority};
}

/* Insert a node that stands among those that do: they come first, the best of all at
 * the top. */
static void insert_ranked(struct explain *explain, int first, int id)
{
    struct rank_candidate mine = rank_of(explain, id);
    struct explain_finding *finding =
        explain_add(explain, EXPLAIN_NODES, EXPLAIN_STANDS, EXPLAIN_HOLDS, "E9", id);
    struct explain_finding moved;
    int at = explain->n - 1;

    finding->bytes = explain_bytes_behind(explain, mine.position);
    finding->why.lsn = mine.position;
    moved = *finding;
    for (; at > first; at--) {
        const struct explain_finding *before = &explain->v[at - 1];
        struct rank_candidate other = rank_of(explain, before->node_id);
        enum core_rank_rule rule;

        if (before->kind == EXPLAIN_STANDS && rank_cmp(&other, &mine, &rule) < 0)
            break;
        explain->v[at] = *before;
    }
    explain->v[at] = moved;
}

/* By which rule each is ahead of the next. */
static void name_ranks(struct explain *explain, int first)
{
    for (int i = first; i + 1 < explain->n; i++) {
        struct explain_finding *finding = &explain->v[i];
        const struct explain_finding *next = &explain->v[i + 1];
        struct rank_candidate a, b;

        if (next->kind != EXPLAIN_STANDS)
            break;
        a = rank_of(explain, finding->node_id);
        b = rank_of(explain, next->node_id);
        (void)rank_cmp(&a, &b, &finding->why.rule);
        finding->rule = rule_of_rank(finding->why.rule);
        finding->other_id = next->node_id;
    }
}

void explain_nodes(struct explain *explain)
{
    const struct core *core = onlooker(explain);
    int first = explain->n;

    for (int i = 0; i < n_members(explain); i++) {
        int id = core->members[i].id;
        enum explain_kind kind;

        if (id == explain->leader_id || core->members[i].role == CORE_ROLE_WITNESS)
            continue;
        kind = fitness(explain, i);
        if (kind == EXPLAIN_STANDS) {
            insert_ranked(explain, first, id);
            continue;
        }
        explain_add(explain, EXPLAIN_NODES, kind, EXPLAIN_FAILS, rule_of_fitness(kind),
                    id)
            ->reach = core->views[i].seen.reach;
        explain->v[explain->n - 1].bytes =
            explain_bytes_behind(explain, core->views[i].seen.position);
    }
    name_ranks(explain, first);
}
