/* cmd_cluster_explain.c - `cluster explain`: what would happen if the primary died now,
 * or why there is none. Exits with 25 when nobody would be promoted. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "cmd.h"
#include "explain_print.h"
#include "gather.h"
#include "session.h"

/* A daemon posts once a beat, so two rounds show who lives; one more for those whose
 * beat is longer than ours, one for luck. */
#define MAX_ROUNDS 4

/* The answers of all rounds, and the same as the core wants them. */
struct reading {
    struct gathered *answers[MAX_ROUNDS];
    struct rehearse_look looks[MAX_ROUNDS * CORE_MAX_NODES];
    struct rehearse_facts facts;
};

static void reading_free(struct reading **reading)
{
    for (int i = 0; i < MAX_ROUNDS; i++)
        free((*reading)->answers[i]);
    free(*reading);
}

/* As daemon_core_settings() does it: what a daemon with our configuration would use. */
static struct core_settings settings_of(const struct config *config)
{
    return (struct core_settings){
        .self_id = config->node_id,
        .failover = config->failover == CONFIG_FAILOVER_AUTOMATIC
                        ? CORE_FAILOVER_AUTOMATIC
                        : CORE_FAILOVER_MANUAL,
        .quorum = config->quorum == CONFIG_QUORUM_MAJORITY ? CORE_QUORUM_MAJORITY
                                                           : CORE_QUORUM_AUTO,
        .reconnect_attempts = config->reconnect_attempts,
        .reconnect_interval_ms = config->reconnect_interval_ms,
        .beat_ms = config_beat_ms(config),
        .startup_patience_ms = config->startup_patience_ms,
        .promote_deadline_ms = config->promote_check_timeout_ms,
        .follow_deadline_ms = config->standby_follow_timeout_ms,
        .keep_on_daemon_loss = config->on_daemon_loss == CONFIG_DAEMON_LOSS_KEEP,
    };
}

static void begin_facts(struct rehearse_facts *facts,
                        const struct config *config,
                        const struct nodeset *set)
{
    facts->settings = settings_of(config);
    facts->members_version = set->version;
    facts->n_members = set->n;
    for (int i = 0; i < set->n; i++)
        facts->members[i] = node_member(&set->v[i]);
}

/* One round; a node that answers late is of the same moment as the others. */
static void read_round(struct reading *reading, const struct nodeset *set, int round)
{
    struct mono at = mono_now();

    reading->answers[round] = xcalloc(CORE_MAX_NODES, sizeof *reading->answers[round]);
    gather_probe(set, reading->answers[round]);
    for (int i = 0; i < set->n; i++) {
        const struct gathered *answer = &reading->answers[round][i];

        reading->looks[reading->facts.n_looks++] = (struct rehearse_look){
            .at = at,
            .seen = answer->seen,
            .notes = answer->notes,
            .n_notes = answer->n_notes,
        };
    }
    reading->facts.looks = reading->looks;
}

/* Whether every daemon that left a note was seen to live. */
static bool all_live(struct rehearsal *rehearsal, const struct rehearse_facts *facts)
{
    rehearse_init(rehearsal, facts);
    for (int i = 0; i < facts->n_members; i++) {
        int id = facts->members[i].id;

        for (int k = 0; k < facts->n_looks; k++)
            for (int m = 0; m < facts->looks[k].n_notes; m++)
                if (facts->looks[k].notes[m].node_id == id &&
                    !rehearse_lives(rehearsal, i))
                    return false;
    }
    return true;
}

static void pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void read_all(struct reading *reading,
                     const struct nodeset *set,
                     struct rehearsal *rehearsal)
{
    int64_t beat_ms = reading->facts.settings.beat_ms;

    read_round(reading, set, 0);
    for (int round = 1; round < MAX_ROUNDS; round++) {
        int64_t took_ms = mono_diff(mono_now(), reading->looks[0].at);

        if (round > 1 && all_live(rehearsal, &reading->facts))
            return;
        if (round > 1 || took_ms < 2 * beat_ms)
            pause_ms(beat_ms);
        read_round(reading, set, round);
    }
}

/* --node-id, --node-name: 0 when neither was given. */
static int asked_node(const struct cmd_line *line,
                      const struct nodeset *set,
                      int *ret_id,
                      struct err *err)
{
    const struct node_record *record = NULL;

    *ret_id = 0;
    if (line->node_id == 0 && line->node_name == NULL)
        return EXIT_CODE_SUCCESS;
    record = line->node_id != 0 ? nodeset_find(set, line->node_id)
                                : nodeset_find_name(set, line->node_name);
    if (record == NULL) {
        (void)err_set(err, -1, "no such node is registered");
        err_hint(err, "see the nodes with \"pgrmon cluster show\"");
        return EXIT_CODE_BAD_CONFIG;
    }
    *ret_id = record->id;
    return EXIT_CODE_SUCCESS;
}

static int run(struct cmd_context *context, struct err *err)
{
    struct nodeset set CLEANUP(nodeset_free) = NODESET_INIT;
    struct reading *reading CLEANUP(reading_free) = xcalloc(1, sizeof *reading);
    struct explain *explain CLEANUP(cleanup_free) = xcalloc(1, sizeof *explain);
    int code = session_open_any(context, NULL, &set, err);
    int node_id = 0;

    if (code == EXIT_CODE_SUCCESS)
        code = asked_node(&context->line, &set, &node_id, err);
    if (code != EXIT_CODE_SUCCESS)
        return code;
    begin_facts(&reading->facts, &context->config, &set);
    read_all(reading, &set, &explain->rehearsal);
    explain_build(explain, &reading->facts, node_id);
    if (context->line.json)
        explain_print_json(explain, stdout);
    else
        explain_print_text(explain, node_id, !context->line.terse, stdout);
    return explain->succeeds ? EXIT_CODE_SUCCESS : EXIT_CODE_NODE_STATUS;
}

const struct cmd cmd_cluster_explain = {
    .object = "cluster",
    .action = "explain",
    .summary = "tell what would happen if the primary died now, and why",
    .details =
        "Reads all nodes and what their daemons say, twice or more, so that one that\n"
        "died is noticed; then rehearses a failover with the code that the daemons "
        "use:\n"
        "who leads and who supports it, who would be promoted if its PostgreSQL or "
        "its\n"
        "whole host were lost, after how long, what would be lost, and who may not be\n"
        "promoted. Where nobody leads, it tells what is missing for an election.\n"
        "\n"
        "Each line has the number of its rule (docs/failover-rules.md); \"!\": it "
        "does\n"
        "not hold, \"?\": not known. Settings of other nodes are taken to be the "
        "local\n"
        "ones: failover = manual on another node shows in an election only.\n"
        "\n"
        "With --node-id or --node-name: of single nodes only this one, and what its\n"
        "daemon would say.\n"
        "\n"
        "Exits with 0 when somebody would be promoted, with 25 when not.",
    .examples = "pgrmon -f /etc/pgrmon/pgrmon.conf cluster explain\n"
                "pgrmon cluster explain --node-id=3\n"
                "pgrmon cluster explain -h node2 -U pgrmon -d pgrmon --json",
    .options = CMD_OPT_NODE | CMD_OPT_JSON,
    .need = CMD_NEED_CONFIG_OR_CONN,
    .run = run,
};
