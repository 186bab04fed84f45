/* rejoin_leader.c - whom to rejoin: who leads now, never this node itself, never a
 * leader of yesterday. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemons.h"
#include "log.h"
#include "note.h"
#include "rejoin_run.h"
#include "session.h"

#define HINT_SHOW "see \"pgrmon cluster show\""

static int self_id(const struct rejoin *rejoin)
{
    return rejoin->context->config.node_id;
}

static bool is_up(const struct rejoin *rejoin, int i)
{
    return rejoin->answers[i].seen.reach == REACH_OK;
}

static bool is_primary(const struct rejoin *rejoin, int i)
{
    return is_up(rejoin, i) && !rejoin->answers[i].seen.in_recovery &&
           rejoin->set.v[i].id != self_id(rejoin);
}

/* What each node answered, for the DETAIL. The caller frees. */
static char *describe_answers(const struct rejoin *rejoin)
{
    char *lines = xstrdup("");
    char label[REGISTRATION_LABEL_SIZE];

    for (int i = 0; i < rejoin->set.n; i++) {
        const char *what = !is_up(rejoin, i) ? rejoin->answers[i].message
                           : rejoin->answers[i].seen.in_recovery ? "is a standby"
                                                                 : "is a primary";
        char *more = xasprintf("%s%s%s: %s", lines, i > 0 ? "\n" : "",
                               registration_label(&rejoin->set.v[i], label),
                               what[0] != '\0' ? what : "was not asked");

        free(lines);
        lines = more;
    }
    return lines;
}

static void
no_leader(const struct rejoin *rejoin, const char *text, struct precheck *list)
{
    char *lines CLEANUP(cleanup_free) = describe_answers(rejoin);

    precheck_fail(list, EXIT_CODE_REJOIN, "%s", text);
    precheck_detail(list, "%s", lines);
    precheck_hint(list, HINT_SHOW "; when one node leads, execute \"pgrmon node "
                                  "rejoin\" again");
}

/* By the notes of the daemons: one leads, and its PostgreSQL is writable. */
static int leader_by_notes(const struct rejoin *rejoin, const struct daemons *daemons)
{
    int i = daemons->leader;

    return i >= 0 && is_primary(rejoin, i) ? i : -1;
}

/* Without daemons: the one out of recovery with the highest term. -2: several. */
static int leader_by_rows(const struct rejoin *rejoin)
{
    int best = -1, claims = 0;

    for (int i = 0; i < rejoin->set.n; i++)
        if (is_primary(rejoin, i) && (best < 0 || rejoin->answers[i].seen.term >
                                                      rejoin->answers[best].seen.term))
            best = i;
    for (int i = 0; best >= 0 && i < rejoin->set.n; i++)
        claims += is_primary(rejoin, i) &&
                  rejoin->answers[i].seen.term == rejoin->answers[best].seen.term;
    return claims > 1 ? -2 : best;
}

/* A node with a later term in its metadata: then `i` is a leader of yesterday. */
static int find_later(const struct rejoin *rejoin, int leader)
{
    for (int i = 0; i < rejoin->set.n; i++)
        if (i != leader && rejoin->set.v[i].id != self_id(rejoin) && is_up(rejoin, i) &&
            rejoin->answers[i].seen.term > rejoin->answers[leader].seen.term)
            return i;
    return -1;
}

static void check_later(const struct rejoin *rejoin, int leader, struct precheck *list)
{
    char label[REGISTRATION_LABEL_SIZE];
    int later = find_later(rejoin, leader);

    if (later < 0)
        return;
    precheck_fail(list, EXIT_CODE_REJOIN, "%s is a leader of yesterday", rejoin->label);
    precheck_detail(list,
                    "its newest term is %" PRId64 ", and %s has been in term %" PRId64,
                    rejoin->answers[leader].seen.term,
                    registration_label(&rejoin->set.v[later], label),
                    rejoin->answers[later].seen.term);
    precheck_hint(list, "wait until one node leads all others; " HINT_SHOW);
}

/* V1 binds this node to whom it has promised: an election may be under way. */
static void check_promise(const struct rejoin *rejoin, struct precheck *list)
{
    const struct core_durable *promise = &rejoin->state.durable;
    bool own = promise->leader_id == self_id(rejoin);

    if (!rejoin->has_state || promise->leader_id == 0)
        return;
    if (own && rejoin->daemon_runs &&
        (promise->duty == CORE_DUTY_LEADING || promise->duty == CORE_DUTY_PROMOTING)) {
        precheck_fail(list, EXIT_CODE_REJOIN,
                      "pgrmond of this node has not given up the lead yet");
        precheck_detail(list, "its duty is \"%s\" in term %" PRId64,
                        state_duty_name(promise->duty), promise->term);
        precheck_hint(list, "see its log; it resigns once it sees another leader");
    } else if (promise->term > rejoin->term &&
               promise->leader_id != rejoin->leader->id &&
               promise->duty != CORE_DUTY_RESIGNED) {
        precheck_fail_unless(list, rejoin->context->line.force, EXIT_CODE_REJOIN,
                             "this node has promised a later term than %s leads",
                             rejoin->label);
        precheck_detail(list,
                        "it promised term %" PRId64 " to node %d; the leader's is "
                        "%" PRId64,
                        promise->term, promise->leader_id, rejoin->term);
        precheck_hint(list, "an election may be under way: wait for its end, and let "
                            "pgrmond run; \"--force\" goes on");
    }
}

/* Index of the leader in the set; negative with a failure in the list. */
static int choose(struct rejoin *rejoin, struct precheck *list)
{
    struct daemons *daemons CLEANUP(cleanup_free) = xcalloc(1, sizeof *daemons);
    int leader;

    daemons_read(daemons, &rejoin->set, rejoin->answers);
    if (daemons->any && daemons->leader >= 0)
        rejoin->term = daemons->term;
    leader = daemons->any ? leader_by_notes(rejoin, daemons) : leader_by_rows(rejoin);
    if (leader == -2)
        no_leader(rejoin, "several nodes are primaries of one term (split brain)",
                  list);
    else if (leader < 0)
        no_leader(rejoin,
                  daemons->any ? "no pgrmond leads with a writable PostgreSQL"
                               : "no other node is a reachable primary",
                  list);
    else if (!daemons->any)
        rejoin->term = rejoin->answers[leader].seen.term;
    return leader;
}

static void probe(struct rejoin *rejoin)
{
    free(rejoin->answers);
    rejoin->answers = xcalloc(CORE_MAX_NODES, sizeof *rejoin->answers);
    gather_probe(&rejoin->set, rejoin->answers);
}

/* The leader knows best who is a member. */
static int reread_nodes(struct rejoin *rejoin, int leader_id, struct err *err)
{
    int code = session_check_schema(rejoin->remote, err);

    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(rejoin->remote, &rejoin->set, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    rejoin->leader = nodeset_find(&rejoin->set, leader_id);
    rejoin->self = nodeset_find(&rejoin->set, self_id(rejoin));
    probe(rejoin);
    return EXIT_CODE_SUCCESS;
}

static void check_self(const struct rejoin *rejoin, struct precheck *list)
{
    const struct config *config = &rejoin->context->config;
    char label[REGISTRATION_LABEL_SIZE];

    if (rejoin->self != NULL && strcmp(rejoin->self->name, config->node_name) == 0)
        return;
    precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is not registered with %s",
                  registration_self_label(config, label), rejoin->label);
    precheck_hint(list, "make it a new standby: \"pgrmon standby clone\" and \"pgrmon "
                        "standby register\"");
}

int rejoin_find_leader(struct rejoin *rejoin, struct precheck *list, struct err *err)
{
    int leader, code;

    probe(rejoin);
    leader = choose(rejoin, list);
    if (leader < 0)
        return EXIT_CODE_SUCCESS;
    rejoin->leader = &rejoin->set.v[leader];
    (void)registration_label(rejoin->leader, rejoin->label);
    check_later(rejoin, leader, list);
    if (list->n_failed > 0)
        return EXIT_CODE_SUCCESS;
    code = session_open(rejoin->leader->conninfo, rejoin->label, &rejoin->remote, err);
    if (code == EXIT_CODE_SUCCESS)
        code = reread_nodes(rejoin, rejoin->leader->id, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(rejoin->remote, &rejoin->server, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    check_self(rejoin, list);
    if (rejoin->leader != NULL)
        check_promise(rejoin, list);
    if (list->n_failed == 0) {
        precheck_add(list, PRECHECK_NOTICE, "%s leads in term %" PRId64, rejoin->label,
                     rejoin->term);
    }
    return EXIT_CODE_SUCCESS;
}

int rejoin_recheck_leader(struct rejoin *rejoin, struct err *err)
{
    struct precheck list CLEANUP(precheck_deinit) = PRECHECK_INIT;
    int64_t term = rejoin->term;
    int leader;

    probe(rejoin);
    leader = choose(rejoin, &list);
    if (leader >= 0)
        check_later(rejoin, leader, &list);
    if (list.n_failed == 0 && &rejoin->set.v[leader] == rejoin->leader &&
        rejoin->term >= term)
        return EXIT_CODE_SUCCESS;
    (void)err_set(err, EXIT_CODE_REJOIN, "%s does not lead any more", rejoin->label);
    err_hint(err, "execute \"pgrmon node rejoin\" again when there is a leader");
    return EXIT_CODE_REJOIN;
}
