/* follow_plan.c - see follow_plan.h. */
#include "follow_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "mono.h"
#include "queries.h"
#include "replconn.h"
#include "session.h"
#include "slot.h"

#define POLL_US 200000

void follow_plan_deinit(struct follow_plan *plan)
{
    session_close(&plan->local);
    session_close(&plan->remote);
    server_deinit(&plan->server);
    nodeset_free(&plan->set);
    free(plan->conninfo);
}

/* ---- the local node ------------------------------------------------------------- */

/* What node `node_id` says over `conn` of itself. */
static int
observe(PGconn *conn, int node_id, struct core_observation *ret_seen, struct err *err)
{
    const char *params[] = {NULL};
    struct core_note notes[CORE_MAX_NODES];
    int n_notes;
    PGresult *res CLEANUP(query_clear) = query_run(conn, &query_probe, params, err);

    if (res == NULL ||
        query_decode_probe(res, node_id, ret_seen, notes, &n_notes, err) != 0)
        return EXIT_CODE_DB_QUERY;
    return EXIT_CODE_SUCCESS;
}

static int read_position(struct follow_plan *plan, struct err *err)
{
    return observe(plan->local, plan->context->config.node_id, &plan->at, err);
}

static int
gather_local(struct follow_plan *plan, struct precheck *list, struct err *err)
{
    const struct config *config = &plan->context->config;
    char label[REGISTRATION_LABEL_SIZE];
    int code = session_open(config->conninfo, "the local node", &plan->local, err);

    if (code == EXIT_CODE_SUCCESS)
        code = session_check_schema(plan->local, err);
    if (code == EXIT_CODE_SUCCESS)
        code = session_nodes(plan->local, &plan->set, err);
    if (code == EXIT_CODE_SUCCESS)
        code = server_read(plan->local, &plan->server, err);
    if (code == EXIT_CODE_SUCCESS)
        code = read_position(plan, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    (void)registration_self_label(config, label);
    if (!plan->server.in_recovery) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is not a standby", label);
        precheck_detail(list, "it is not in recovery; only a standby can follow");
        precheck_hint(
            list, "to make a former primary a standby, stop it and execute \"pgrmon "
                  "node rejoin\"");
        return EXIT_CODE_SUCCESS;
    }
    plan->self = nodeset_find(&plan->set, config->node_id);
    if (plan->self == NULL) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "%s is not registered", label);
        precheck_hint(list, "execute \"pgrmon standby register\"");
    }
    return EXIT_CODE_SUCCESS;
}

/* ---- the target ----------------------------------------------------------------- */

/* True when member `i` leads, as far as it can tell. */
static bool leads(const struct follow_plan *plan, const struct gathered *answers, int i)
{
    return answers[i].seen.reach == REACH_OK && !answers[i].seen.in_recovery &&
           plan->set.v[i].id != plan->context->config.node_id;
}

/* Index of the member out of recovery with the highest term: an old primary that came
 * back is not to be followed. -1 when there is none, -2 when several claim that term.
 */
static int find_primary(const struct follow_plan *plan, const struct gathered *answers)
{
    int best = -1, claims = 0;

    for (int i = 0; i < plan->set.n; i++)
        if (leads(plan, answers, i) &&
            (best < 0 || answers[i].seen.term > answers[best].seen.term))
            best = i;
    for (int i = 0; i < plan->set.n; i++)
        claims +=
            leads(plan, answers, i) && answers[i].seen.term == answers[best].seen.term;
    return claims > 1 ? -2 : best;
}

static void no_primary(const struct follow_plan *plan,
                       const struct gathered *answers,
                       int found,
                       struct precheck *list)
{
    char *lines CLEANUP(cleanup_free) = xstrdup("");
    char label[REGISTRATION_LABEL_SIZE];

    for (int i = 0; i < plan->set.n; i++) {
        char *more = xasprintf("%s%s%s: %s", lines, i > 0 ? "\n" : "",
                               registration_label(&plan->set.v[i], label),
                               answers[i].seen.reach != REACH_OK ? answers[i].message
                               : answers[i].seen.in_recovery     ? "is a standby"
                                                                 : "is a primary");

        free(lines);
        lines = more;
    }
    precheck_fail(list, found == -2 ? EXIT_CODE_BAD_CONFIG : EXIT_CODE_DB_CONN,
                  found == -2 ? "several nodes are primaries (split brain)"
                              : "no node is a reachable primary");
    precheck_detail(list, "%s", lines);
    precheck_hint(list, "name the node to follow with \"--upstream-node-id=ID\"%s",
                  found == -2 ? "" : ", or wait for a primary with \"--wait\"");
}

static int64_t wait_ms(const struct follow_plan *plan)
{
    const struct cmd_line *line = &plan->context->line;

    if (!line->wait || line->no_wait)
        return 0;
    return line->wait_s > 0 ? (int64_t)line->wait_s * 1000
                            : plan->context->config.primary_follow_timeout_ms;
}

/* Ask all members who leads; with --wait until one does. */
static void gather_primary(struct follow_plan *plan, struct precheck *list)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    bool needed = plan->context->line.upstream_node_id == 0;
    struct mono deadline = mono_add(mono_now(), needed ? wait_ms(plan) : 0);
    int found;

    for (;;) {
        gather_probe(&plan->set, answers);
        found = find_primary(plan, answers);
        if (found >= 0 || mono_reached(deadline, mono_now()))
            break;
        (void)usleep(POLL_US);
    }
    if (found >= 0)
        plan->primary_id = plan->set.v[found].id;
    else if (needed)
        no_primary(plan, answers, found, list);
}

static void choose_target(struct follow_plan *plan, struct precheck *list)
{
    int asked = plan->context->line.upstream_node_id;
    int id = asked != 0 ? asked : plan->primary_id;

    plan->target = nodeset_find(&plan->set, id);
    if (plan->target == NULL || plan->target == plan->self) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      plan->target == NULL ? "no node with ID %d is registered"
                                           : "node %d cannot follow itself",
                      id);
        precheck_hint(list, "see \"pgrmon cluster show\" for the registered nodes");
        plan->target = NULL;
        return;
    }
    (void)registration_label(plan->target, plan->label);
    precheck_add(list, PRECHECK_OK, "this standby will follow %s", plan->label);
}

/* A circle of standbys gets no WAL at all. */
static void check_circle(const struct follow_plan *plan, struct precheck *list)
{
    const struct node_record *node = plan->target;

    for (int i = 0; i < plan->set.n && node != NULL && node->id != plan->primary_id;
         i++) {
        if (node->upstream_id == plan->self->id) {
            precheck_fail(list, EXIT_CODE_FOLLOW, "%s streams from this node itself",
                          plan->label);
            precheck_hint(list, "let that one follow another node first, with \"pgrmon "
                                "standby follow\" there");
            return;
        }
        node = nodeset_find(&plan->set, node->upstream_id);
    }
}

/* ---- can it attach -------------------------------------------------------------- */

static void tell_verdict(const struct follow_plan *plan,
                         enum replication_attach verdict,
                         const struct replication_end *upstream,
                         struct lsn fork,
                         struct precheck *list)
{
    char here[LSN_TEXT_SIZE], there[LSN_TEXT_SIZE];

    switch (verdict) {
    case REPLICATION_ATTACH_OK:
        precheck_add(list, PRECHECK_OK, "this standby can attach to %s", plan->label);
        precheck_detail(list, "timeline %d here at %s, timeline %d there",
                        plan->at.timeline, lsn_format(plan->at.position, here),
                        upstream->timeline);
        return;
    case REPLICATION_OTHER_SYSTEM:
        precheck_fail(list, EXIT_CODE_BAD_CONFIG,
                      "%s belongs to another cluster than this standby", plan->label);
        precheck_detail(list,
                        "system identifier is %" PRIu64 " here and %" PRIu64 " there",
                        plan->server.system_identifier, upstream->system_identifier);
        break;
    case REPLICATION_BEHIND:
        precheck_fail(list, EXIT_CODE_FOLLOW,
                      "%s is on an older timeline than this standby", plan->label);
        precheck_detail(list, "timeline is %d here and %d there", plan->at.timeline,
                        upstream->timeline);
        break;
    case REPLICATION_UNRELATED:
    case REPLICATION_FORKED:
        precheck_fail(list, EXIT_CODE_FOLLOW,
                      "this standby has WAL that %s does not have", plan->label);
        precheck_detail(
            list, "timeline %d is at %s here; timeline %d there left it at %s",
            plan->at.timeline, lsn_format(plan->at.position, here), upstream->timeline,
            lsn_known(fork) ? lsn_format(fork, there) : "no point");
        break;
    }
    precheck_hint(list, "execute \"pgrmon node rejoin\" on this node");
}

/* Timelines do not identify a regime, terms do (postgres-facts 1). */
static void check_term(const struct follow_plan *plan, struct precheck *list)
{
    struct core_observation seen;

    if (observe(plan->remote, plan->target->id, &seen, NULL) != EXIT_CODE_SUCCESS ||
        seen.term >= plan->at.term)
        return;
    precheck_fail(list, EXIT_CODE_FOLLOW,
                  "%s belongs to an older regime than this standby", plan->label);
    precheck_detail(list,
                    "its newest term is %" PRId64 ", that of this standby %" PRId64,
                    seen.term, plan->at.term);
    precheck_hint(list, "follow the present primary: \"pgrmon standby follow\"");
}

/* Over the very connection that the walreceiver will need. */
static int
check_attach(const struct follow_plan *plan, struct precheck *list, struct err *err)
{
    const struct config *config = &plan->context->config;
    char *conninfo CLEANUP(cleanup_free) = NULL;
    char *history CLEANUP(cleanup_free) = NULL;
    PGconn *conn CLEANUP(session_close) = NULL;
    struct replication_end here = {plan->server.system_identifier, plan->at.timeline,
                                   plan->at.position};
    struct replication_end there = {0};
    enum replication_attach verdict;
    struct lsn fork;
    int code;

    if (replication_client_conninfo(&conninfo, config, plan->target->conninfo,
                                    config->replication_user, err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    code = replconn_open(conninfo, plan->label, plan->remote, &conn, err);
    if (code == EXIT_CODE_SUCCESS)
        code = replconn_identify(conn, &there, err);
    if (code == EXIT_CODE_SUCCESS && there.timeline > here.timeline)
        code = replconn_history(conn, there.timeline, &history, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    verdict = replication_can_attach(&here, &there, history, &fork);
    tell_verdict(plan, verdict, &there, fork, list);
    return EXIT_CODE_SUCCESS;
}

/* -- the slot -- */

static int check_slot(struct follow_plan *plan, struct precheck *list, struct err *err)
{
    const struct config *config = &plan->context->config;
    enum slot_state state;
    int code;

    if (!config->use_replication_slots)
        return EXIT_CODE_SUCCESS;
    code = slot_look(plan->remote, replication_slot_name(config->node_id, plan->slot),
                     &state, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    if (state == SLOT_LOGICAL) {
        precheck_fail(list, EXIT_CODE_BAD_CONFIG, "slot \"%s\" on %s is a logical one",
                      plan->slot, plan->label);
        precheck_hint(list, "drop it there: \"SELECT pg_drop_replication_slot('%s')\"",
                      plan->slot);
    } else {
        precheck_add(list, PRECHECK_OK,
                     state == SLOT_ABSENT ? "replication slot \"%s\" will be created"
                                          : "replication slot \"%s\" is there already",
                     plan->slot);
    }
    return EXIT_CODE_SUCCESS;
}

static int
gather_target(struct follow_plan *plan, struct precheck *list, struct err *err)
{
    const struct config *config = &plan->context->config;
    int code = session_open(plan->target->conninfo, plan->label, &plan->remote, err);

    if (code == EXIT_CODE_SUCCESS)
        code = check_attach(plan, list, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    check_term(plan, list);
    if (replication_primary_conninfo(&plan->conninfo, config, plan->target->conninfo,
                                     config->replication_user, err) != 0)
        return EXIT_CODE_BAD_CONFIG;
    return check_slot(plan, list, err);
}

int follow_plan_gather(struct follow_plan *plan, struct precheck *list, struct err *err)
{
    int code = gather_local(plan, list, err);

    if (code != EXIT_CODE_SUCCESS || list->n_failed > 0)
        return code;
    gather_primary(plan, list);
    if (list->n_failed > 0)
        return EXIT_CODE_SUCCESS;
    choose_target(plan, list);
    if (list->n_failed > 0)
        return EXIT_CODE_SUCCESS;
    check_circle(plan, list);
    return gather_target(plan, list, err);
}
