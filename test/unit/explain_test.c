/* explain_test.c - constructed situations and what `cluster explain` makes of them: the
 * outcome here, every sentence in test/golden/core/explain.ok (PGRMON_GOLDEN_UPDATE=1
 * writes it). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reason_explain.h"
#include "explain_fixture.h"

#define GOLDEN TEST_SOURCE_DIR "/test/golden/core/explain.ok"

/* ---- outcomes ----------------------------------------------------------------- */

static void outcomes(void **state)
{
    (void)state;
    for (int i = 0; i < n_situations; i++) {
        const struct explain *explain;

        situations[i].set_up();
        explain = situation_explain(0);
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
    (void)situation_explain(0);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->why.a, 3);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->why.b, 2);
    assert_int_equal(find(EXPLAIN_SUPPORTS, 3)->ms, 210);
    assert_int_equal(find(EXPLAIN_LEASE, 1)->ms, WINDOW / 2 - 210);
}

static void p4_the_ranking_names_its_rule(void **state)
{
    (void)state;
    candidate_behind();
    (void)situation_explain(0);
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
    (void)situation_explain(2);
    assert_int_equal(find(EXPLAIN_VERDICT, 2)->why.reason, CORE_WHY_OTHER_BETTER);
    assert_int_equal(find(EXPLAIN_VERDICT, 2)->why.node_id, 3);
}

/* Whatever the order of the table, and wherever the leader stands in it. */
static void the_leader_may_be_any_row(void **state)
{
    (void)state;
    situation_begin(3);
    for (int id = 1; id <= 3; id++) {
        actor(id)->note.phase = id == 2 ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW;
        actor(id)->note.leader_id = 2;
        actor(id)->seen.in_recovery = id != 2;
    }
    assert_int_equal(situation_explain(0)->leader_id, 2);
    assert_int_equal(world.explain.crash_id, 1);
    assert_int_equal(world.explain.host_id, 1);
}

static void a_full_table_fits(void **state)
{
    static struct explain explain;
    struct rehearse_facts facts = {.n_members = CORE_MAX_NODES};

    (void)state;
    situation_begin(1);
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
    for (int i = 0; i < n_situations; i++) {
        situations[i].set_up();
        (void)situation_explain(2);
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
    for (int i = 0; i < n_situations; i++) {
        situations[i].set_up();
        for (int k = 0; k < world.facts.n_members; k++)
            memset(world.facts.members[k].name, 'w', CORE_NAME_SIZE - 1);
        (void)situation_explain(2);
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
