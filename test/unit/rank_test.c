/* rank_test.c - who should lead: each rule of P4 both ways round, and a total order
 * that does not depend on who is asked first (after bgpd's rde_decide_test.c). */
#include "core/rank.h"
#include "unit.h"

struct pair {
    const char *rule;
    enum core_rank_rule decides;
    struct rank_candidate better, worse;
};

/* Each pair is equal in all rules before its own, and the other way round in all after
 * it. Fields: id, term, position, priority. */
static const struct pair pairs[] = {
    {"P4.1 the higher term in its WAL",
     CORE_RANK_TERM,     {9, 8, {0x1000}, 1},
     {1, 7, {0x9000}, 900}         },
    {"P4.2 the further position",
     CORE_RANK_POSITION, {9, 7, {0x1001}, 1},
     {1, 7, {0x1000}, 900}         },
    {"P4.2 the further position, beyond 4 GiB",
     CORE_RANK_POSITION, {9, 7, {0x100000000}, 1},
     {1, 7, {0xFFFFFFFF}, 900}     },
    {"P4.2 the further position, to the last bit",
     CORE_RANK_POSITION, {9, 7, {UINT64_MAX}, 1},
     {1, 7, {UINT64_MAX - 1}, 900} },
    {"P4.3 the higher priority",
     CORE_RANK_PRIORITY, {9, 7, {0x1000}, 101},
     {1, 7, {0x1000}, 100}         },
    {"P4.4 the lowest node id",
     CORE_RANK_ID,       {1, 7, {0x1000}, 100},
     {2, 7, {0x1000}, 100}         },
    {"P4.4 the lowest node id, of large ones",
     CORE_RANK_ID,       {2147483646, 7, {0x1000}, 100},
     {2147483647, 7, {0x1000}, 100}},
};

static void each_rule_both_ways_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(pairs); i++) {
        const struct pair *pair = &pairs[i];
        enum core_rank_rule rule;

        print_message("  %s\n", pair->rule);
        assert_true(rank_cmp(&pair->better, &pair->worse, &rule) < 0);
        assert_int_equal(rule, pair->decides);
        assert_true(rank_cmp(&pair->worse, &pair->better, &rule) > 0);
        assert_int_equal(rule, pair->decides);
    }
}

static void a_node_is_equal_to_itself_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(pairs); i++) {
        enum core_rank_rule rule;

        assert_int_equal(rank_cmp(&pairs[i].better, &pairs[i].better, &rule), 0);
        assert_int_equal(rule, CORE_RANK_SAME);
    }
}

/* ---- permutations ------------------------------------------------------------ */

/* In the order in which they should lead. */
static const struct rank_candidate order[] = {
    {6, 3, {0x100}, 1  },
    {4, 2, {0x900}, 1  },
    {5, 2, {0x500}, 90 },
    {2, 2, {0x500}, 5  },
    {3, 2, {0x500}, 5  },
    {1, 1, {0x999}, 900},
};

/* The winner of a set, taken in the order given. */
static int winner(const struct rank_candidate *const *set, int n)
{
    const struct rank_candidate *best = set[0];
    enum core_rank_rule rule;

    for (int i = 1; i < n; i++)
        if (rank_cmp(set[i], best, &rule) < 0)
            best = set[i];
    return best->node_id;
}

static int permute(const struct rank_candidate **set, int n, int at, int expected)
{
    int n_seen = 0;

    if (at == n) {
        assert_int_equal(winner(set, n), expected);
        return 1;
    }
    for (int i = at; i < n; i++) {
        const struct rank_candidate *swap = set[at];

        set[at] = set[i];
        set[i] = swap;
        n_seen += permute(set, n, at + 1, expected);
        swap = set[at];
        set[at] = set[i];
        set[i] = swap;
    }
    return n_seen;
}

static void every_set_in_every_permutation(void **state)
{
    int n_seen = 0;

    (void)state;
    for (unsigned bits = 1; bits < 1u << N_OF(order); bits++) {
        const struct rank_candidate *set[N_OF(order)];
        int n = 0;

        for (unsigned i = 0; i < N_OF(order); i++)
            if (bits & 1u << i)
                set[n++] = &order[i];
        n_seen += permute(set, n, 0, set[0]->node_id);
    }
    assert_int_equal(n_seen, 1956); /* sum of 6!/(6-k)! for k = 1..6 */
}

static void the_order_is_total(void **state)
{
    enum core_rank_rule rule;

    (void)state;
    for (size_t a = 0; a < N_OF(order); a++)
        for (size_t b = 0; b < N_OF(order); b++) {
            int cmp = rank_cmp(&order[a], &order[b], &rule);

            assert_int_equal((cmp > 0) - (cmp < 0), (a > b) - (a < b));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_both_ways_round),
        cmocka_unit_test(a_node_is_equal_to_itself_alone),
        cmocka_unit_test(every_set_in_every_permutation),
        cmocka_unit_test(the_order_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
