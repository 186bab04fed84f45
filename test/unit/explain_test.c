/* explain_test.c - constructed situations and what `cluster explain` makes of them: the
 * outcome here, every sentence in test/golden/core/explain.ok (PGRMON_GOLDEN_UPDATE=1
 * writes it). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reason_explain.h"
#include "unit.h"

#define GOLDEN   TEST_SOURCE_DIR "/test/golden/core/explain.ok"
#define SYSTEM   UINT64_C(77)
#define BEAT     500
#define WINDOW   10000
#define N_ROUNDS 2
#define MAX      5

/* One node and its daemon, as they are. */
struct actor {
    struct core_observation seen;
    struct core_note note; /* stamps are filled in */
    bool daemon;
    bool lingers; /* its note does not advance */
};

struct situation {
    struct rehearse_facts facts;
    struct actor v[MAX];
    struct core_note notes[N_ROUNDS][MAX];
    struct rehearse_look looks[N_ROUNDS * MAX];
    struct explain explain;
};

static struct situation world;

static struct actor *actor(int id)
{
    return &world.v[id - 1];
}

static struct core_member *member(int id)
{
    return &world.facts.members[id - 1];
}

static void add_node(int id)
{
    struct actor *one = actor(id);

    *member(id) = (struct core_member){
        .id = id,
        .role = id == 1 ? CORE_ROLE_PRIMARY : CORE_ROLE_STANDBY,
        .upstream_id = id == 1 ? 0 : 1,
        .priority = 100,
        .active = true,
        .voting = true,
    };
    (void)snprintf(member(id)->name, CORE_NAME_SIZE, "node%d", id);
    *one = (struct actor){.daemon = true};
    one->seen = (struct core_observation){
        .node_id = id,
        .reach = REACH_OK,
        .connected = true,
        .in_recovery = id != 1,
        .system_identifier = SYSTEM,
        .timeline = 1,
        .term = 7,
        .receiver_streaming = id != 1,
        .receiver_age_ms = id != 1 ? 10 : -1,
    };
    one->seen.position.pos = 0x5000000;
    one->note = (struct core_note){
        .phase = id == 1 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
        .node_id = id,
        .term = 7,
        .leader_id = 1,
        .window_ms = WINDOW,
        .members_version = 3,
        .incarnation = 1,
    };
}

/* Node 1 leads term 7, the others follow; asked from node 2. */
static void begin(int n)
{
    memset(&world, 0, sizeof world);
    world.facts.settings = (struct core_settings){
        .self_id = 2,
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = CORE_CHECK_PING,
        .reconnect_attempts = 5,
        .reconnect_interval_ms = 2000,
        .beat_ms = BEAT,
        .startup_patience_ms = 60000,
        .promote_deadline_ms = 20000,
        .follow_deadline_ms = 20000,
    };
    world.facts.members_version = 3;
    world.facts.n_members = n;
    for (int id = 1; id <= n; id++)
        add_node(id);
}

/* Hosts were booted at different times. */
static struct core_stamp stamp(int id, int round)
{
    return (struct core_stamp){.boot = (uint32_t)(100 + id),
                               .ms = INT64_C(7000000) * id + BEAT * round};
}

static int write_notes(int round)
{
    int n = 0;

    for (int id = 1; id <= world.facts.n_members; id++) {
        struct core_note note = actor(id)->note;
        int when = actor(id)->lingers ? -240 : round; /* stopped two minutes ago */

        if (!actor(id)->daemon)
            continue;
        note.stamp = stamp(id, when);
        if (note.leader_id != 0) {
            note.echo = stamp(note.leader_id, when);
            note.echo.ms -= note.leader_id == id ? 0 : 210;
        }
        world.notes[round][n++] = note;
    }
    return n;
}

/* Two rounds of a beat: every board that can be read holds every note. */
static const struct explain *explained(int node_id)
{
    for (int round = 0; round < N_ROUNDS; round++) {
        int n = write_notes(round);

        for (int id = 1; id <= world.facts.n_members; id++) {
            struct rehearse_look *look = &world.looks[world.facts.n_looks++];

            *look = (struct rehearse_look){
                .at = {3000000 + BEAT * round},
                .seen = actor(id)->seen,
                .notes = world.notes[round],
                .n_notes = n,
            };
        }
    }
    world.facts.looks = world.looks;
    explain_build(&world.explain, &world.facts, node_id);
    return &world.explain;
}

static void server_down(int id, enum reach reach)
{
    actor(id)->seen = (struct core_observation){.node_id = id, .reach = reach};
}

static void host_gone(int id)
{
    server_down(id, REACH_SILENT);
    actor(id)->daemon = false;
}

/* Its daemon has lost its leader, and supports nobody. */
static void asks(int id)
{
    actor(id)->note.phase = CORE_PHASE_ASK;
    actor(id)->note.leader_id = 0;
    actor(id)->seen.receiver_streaming = false;
}

static void behind(int id, uint64_t bytes)
{
    actor(id)->seen.position.pos -= bytes;
}

static void witness(int id)
{
    member(id)->role = CORE_ROLE_WITNESS;
    server_down(id, REACH_REFUSED);
}

/* ---- the situations
 * ------------------------------------------------------------------ */

static void three_nodes(void)
{
    begin(3);
    member(3)->priority = 120;
}

static void priority_zero(void)
{
    begin(3);
    member(2)->priority = 0;
}

static void zero_everywhere(void)
{
    begin(3);
    member(2)->priority = 0;
    member(3)->priority = 0;
}

static void candidate_behind(void)
{
    begin(3);
    behind(2, 20 << 20);
    behind(3, 100);
}

static void one_daemon_of_three(void)
{
    begin(3);
    host_gone(3);
}

static void standby_daemons_dead(void)
{
    begin(3);
    actor(2)->daemon = false;
    actor(3)->daemon = false;
}

static void two_nodes(void)
{
    begin(2);
}

static void two_nodes_majority(void)
{
    begin(2);
    world.facts.settings.quorum = CORE_QUORUM_MAJORITY;
}

static void witness_of_two(void)
{
    begin(3);
    witness(3);
}

static void voiceless(void)
{
    begin(3);
    actor(3)->note.voiceless = true;
    actor(3)->note.incarnation = 0;
    asks(3);
}

static void leaders_daemon_dead(void)
{
    begin(3);
    actor(1)->daemon = false;
    asks(2);
    asks(3);
}

static void a_note_lingers(void)
{
    begin(3);
    actor(3)->lingers = true;
}

static void manual_here(void)
{
    begin(3);
    world.facts.settings.failover = CORE_FAILOVER_MANUAL;
}

static void standby_down(void)
{
    begin(3);
    server_down(3, REACH_REFUSED);
}

static void another_cluster(void)
{
    begin(3);
    actor(3)->seen.system_identifier = SYSTEM + 1;
}

static void synchronous(void)
{
    begin(3);
    actor(1)->seen.copies = 1;
    behind(2, 4096);
}

static void synchronous_standby_down(void)
{
    synchronous();
    server_down(3, REACH_REFUSED);
}

static void frozen(void)
{
    begin(3);
    server_down(1, REACH_SILENT);
    actor(1)->note.frozen = true;
    asks(2);
    asks(3);
}

static void two_primaries(void)
{
    begin(3);
    actor(3)->seen.in_recovery = false;
    actor(3)->seen.term = 6;
    actor(3)->daemon = false;
}

static void election_free(void)
{
    begin(3);
    host_gone(1);
    asks(2);
    asks(3);
}

static void election_promised(void)
{
    begin(3);
    host_gone(1);
    asks(2);
}

static void election_no_quorum(void)
{
    begin(3);
    host_gone(1);
    host_gone(3);
    asks(2);
}

static void election_resigned(void)
{
    begin(3);
    server_down(1, REACH_REFUSED);
    actor(1)->note.phase = CORE_PHASE_RESIGNED;
    actor(1)->note.leader_id = 0;
    asks(2);
    asks(3);
}

static void election_all_manual(void)
{
    begin(3);
    host_gone(1);
    for (int id = 2; id <= 3; id++) {
        asks(id);
        actor(id)->note.phase = CORE_PHASE_PASS;
    }
}

static const struct {
    const char *name;
    void (*set_up)(void);
    int crash_id, host_id;
    bool succeeds;
} situations[] = {
    {"three nodes, node3 of a higher priority", three_nodes,              3, 3, true },
    {"node2 has priority 0",                    priority_zero,            3, 3, true },
    {"every standby has priority 0",            zero_everywhere,          0, 0, false},
    {"node2 is behind",                         candidate_behind,         3, 3, true },
    {"node3 is gone",                           one_daemon_of_three,      2, 0, false},
    {"no standby has a daemon",                 standby_daemons_dead,     0, 0, false},
    {"two nodes",                               two_nodes,                2, 2, true },
    {"two nodes, quorum = majority",            two_nodes_majority,       2, 0, false},
    {"two nodes and a witness",                 witness_of_two,           2, 2, true },
    {"node3 has no voice",                      voiceless,                2, 0, false},
    {"the daemon of the primary is dead",       leaders_daemon_dead,      0, 2, true },
    {"the daemon of node3 hangs",               a_note_lingers,           2, 0, false},
    {"node2, asked from, is manual",            manual_here,              3, 3, true },
    {"the PostgreSQL of node3 is down",         standby_down,             2, 2, true },
    {"node3 is of another cluster",             another_cluster,          2, 0, false},
    {"synchronous, node2 behind",               synchronous,              3, 3, true },
    {"synchronous, node3 down",                 synchronous_standby_down, 0, 0, false},
    {"the primary is frozen",                   frozen,                   2, 2, true },
    {"two primaries",                           two_primaries,            2, 0, false},
    {"the primary's host is gone",              election_free,            0, 2, true },
    {"the same, node3 still supports it",       election_promised,        0, 2, true },
    {"the same, and node3 is gone",             election_no_quorum,       0, 0, false},
    {"the primary has resigned",                election_resigned,        0, 2, true },
    {"the primary is gone, nobody stands",      election_all_manual,      0, 0, false},
};

static void outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(situations); i++) {
        const struct explain *explain;

        situations[i].set_up();
        explain = explained(0);
        if (explain->crash_id != situations[i].crash_id ||
            explain->host_id != situations[i].host_id ||
            explain->succeeds != situations[i].succeeds)
            fail_msg("%s: crash %d, host %d, succeeds %d", situations[i].name,
                     explain->crash_id, explain->host_id, explain->succeeds);
    }
}

/* ---- details
 * ------------------------------------------------------------------------- */

static const struct explain_finding *find(enum explain_kind kind, int node_id)
{
    for (int i = 0; i < world.explain.n; i++)
        if (world.explain.v[i].kind == kind &&
            (node_id == 0 || world.explain.v[i].node_id == node_id))
            return &world.explain.v[i];
    fail_msg("no finding %s of node %d", reason_explain_name(kind), node_id);
    return NULL;
}

static void l1_the_lease_is_that_of_the_leader(void **state)
{
    (void)state;
    three_nodes();
    (void)explained(0);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->why.a, 3);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->why.b, 2);
    assert_int_equal(find(EXPLAIN_SUPPORTS, 3)->ms, 210);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->ms, WINDOW / 2 - 210);
}

static void p4_the_ranking_names_its_rule(void **state)
{
    (void)state;
    candidate_behind();
    (void)explained(0);
    assert_string_equal(find(EXPLAIN_STANDS, 3)->rule, "P4.2");
    assert_int_equal(find(EXPLAIN_STANDS, 3)->other_id, 2);
    assert_int_equal(find(EXPLAIN_STANDS, 3)->bytes, 100);
    assert_int_equal(find(EXPLAIN_STANDS, 2)->bytes, 20 << 20);
    assert_int_equal(find(EXPLAIN_LOSS, 3)->bytes, 100);
    assert_true(find(EXPLAIN_STANDS, 3) < find(EXPLAIN_STANDS, 2));
}

static void one_node_is_asked_about(void **state)
{
    (void)state;
    three_nodes();
    (void)explained(2);
    assert_int_equal(find(EXPLAIN_VERDICT, 2)->why.reason, CORE_WHY_OTHER_BETTER);
    assert_int_equal(find(EXPLAIN_VERDICT, 2)->why.node_id, 3);
}

/* Whatever the order of the table, and wherever the leader stands in it. */
static void the_leader_may_be_any_row(void **state)
{
    (void)state;
    begin(3);
    for (int id = 1; id <= 3; id++) {
        actor(id)->note.phase = id == 2 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW;
        actor(id)->note.leader_id = 2;
        actor(id)->seen.in_recovery = id != 2;
    }
    assert_int_equal(explained(0)->leader_id, 2);
    assert_int_equal(world.explain.crash_id, 1);
    assert_int_equal(world.explain.host_id, 1);
}

static void a_full_table_fits(void **state)
{
    static struct explain explain;
    struct rehearse_facts facts = {.n_members = CORE_MAX_NODES};

    (void)state;
    begin(1);
    facts.settings = world.facts.settings;
    for (int i = 0; i < CORE_MAX_NODES; i++) {
        facts.members[i] = *member(1);
        facts.members[i].id = i + 1;
        facts.members[i].role = CORE_ROLE_STANDBY;
    }
    explain_build(&explain, &facts, 3);
    assert_false(explain.succeeds);
    facts.n_members = 0;
    explain_build(&explain, &facts, 0);
    assert_false(explain.succeeds);
}

/* ---- words
 * --------------------------------------------------------------------------- */

static void print_part(FILE *out, const struct explain_finding *finding, int *part)
{
    char heading[200];

    if ((int)finding->part == *part)
        return;
    *part = (int)finding->part;
    reason_explain_part(&world.explain, finding->part, heading, sizeof heading);
    fprintf(out, "  %s:\n", heading);
}

static void print_situation(FILE *out)
{
    struct core_text text;
    int part = -1;

    reason_explain_conclusion(&world.explain, &text);
    fprintf(out, "%s\n", text.text);
    if (text.detail[0] != '\0')
        fprintf(out, "%s\n", text.detail);
    for (int i = 0; i < world.explain.n; i++) {
        const struct explain_finding *finding = &world.explain.v[i];

        print_part(out, finding, &part);
        reason_explain(&world.explain, finding, &text);
        fprintf(out, "    %s %s (%s): %s\n", finding->rule,
                reason_explain_status(finding->status),
                reason_explain_name(finding->kind), text.text);
        if (text.hint[0] != '\0')
            fprintf(out, "      HINT: %s\n", text.hint);
    }
}

static char *read_golden(void)
{
    FILE *file = fopen(GOLDEN, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return calloc(1, 1);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

static void all_words_are_as_agreed(void **state)
{
    char *got = NULL, *expected;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);

    (void)state;
    for (size_t i = 0; i < N_OF(situations); i++) {
        situations[i].set_up();
        (void)explained(2);
        fprintf(out, "[%s]\n", situations[i].name);
        print_situation(out);
    }
    fclose(out);
    if (getenv("PGRMON_GOLDEN_UPDATE") != NULL) {
        FILE *file = fopen(GOLDEN, "we");

        assert_non_null(file);
        fputs(got, file);
        fclose(file);
    }
    expected = read_golden();
    assert_string_equal(got, expected);
    free(expected);
    free(got);
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(situations); i++) {
        situations[i].set_up();
        for (int k = 0; k < world.facts.n_members; k++)
            memset(world.facts.members[k].name, 'w', CORE_NAME_SIZE - 1);
        (void)explained(2);
        for (int k = 0; k < world.explain.n; k++) {
            struct core_text text;

            reason_explain(&world.explain, &world.explain.v[k], &text);
            assert_string_not_equal(text.text, "");
            if (strlen(text.text) >= sizeof text.text - 1 ||
                strlen(text.hint) >= sizeof text.hint - 1)
                fail_msg("cut: %s\n%s", text.text, text.hint);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes),
        cmocka_unit_test(l1_the_lease_is_that_of_the_leader),
        cmocka_unit_test(p4_the_ranking_names_its_rule),
        cmocka_unit_test(one_node_is_asked_about),
        cmocka_unit_test(the_leader_may_be_any_row),
        cmocka_unit_test(a_full_table_fits),
        cmocka_unit_test(all_words_are_as_agreed),
        cmocka_unit_test(the_longest_names_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
