/* node_test.c - sets of node records. */
#include <stdlib.h>

#include "node.h"
#include "unit.h"

static struct nodeset make(void)
{
    struct nodeset set = {
        .n = 3,
        .v =
            {
                {.id = 1, .name = "node1", .role = CORE_ROLE_PRIMARY, .active = false},
                {.id = 2, .name = "node2", .role = CORE_ROLE_PRIMARY, .active = true},
                {.id = 7,
                 .name = "node7",
                 .role = CORE_ROLE_STANDBY,
                 .upstream_id = 2,
                 .active = true,
                 .voting = true,
                 .priority = 50},
                },
    };

    for (int i = 0; i < set.n; i++)
        set.v[i].conninfo = xstrdup("host=nowhere");
    return set;
}

static void found_by_id_and_name(void **state)
{
    struct nodeset set = make();

    (void)state;
    assert_ptr_equal(nodeset_find(&set, 7), &set.v[2]);
    assert_ptr_equal(nodeset_find_name(&set, "node2"), &set.v[1]);
    assert_null(nodeset_find(&set, 3));
    assert_null(nodeset_find_name(&set, "node"));
    assert_null(nodeset_find_name(&set, "node22"));
    nodeset_free(&set);
}

/* A failed primary keeps its type; only the active one counts. */
static void primary_is_the_active_one(void **state)
{
    struct nodeset set = make();

    (void)state;
    assert_ptr_equal(nodeset_primary(&set), &set.v[1]);
    set.v[1].active = false;
    assert_null(nodeset_primary(&set));
    nodeset_free(&set);
}

static void freed_set_is_empty(void **state)
{
    struct nodeset set = make();

    (void)state;
    nodeset_free(&set);
    assert_int_equal(set.n, 0);
    assert_null(nodeset_find(&set, 1));
    nodeset_free(&set);
}

static void member_has_what_the_core_needs(void **state)
{
    struct nodeset set = make();
    struct core_member member = node_member(&set.v[2]);

    (void)state;
    assert_int_equal(member.id, 7);
    assert_string_equal(member.name, "node7");
    assert_int_equal(member.role, CORE_ROLE_STANDBY);
    assert_int_equal(member.upstream_id, 2);
    assert_int_equal(member.priority, 50);
    assert_true(member.active);
    assert_true(member.voting);
    nodeset_free(&set);
}

static void role_names_there_and_back(void **state)
{
    (void)state;
    for (enum core_role role = CORE_ROLE_PRIMARY; role <= CORE_ROLE_WITNESS; role++)
        assert_int_equal(node_role_parse(node_role_name(role)), role);
    assert_int_equal(node_role_parse("unknown"), CORE_ROLE_UNKNOWN);
    assert_int_equal(node_role_parse(""), CORE_ROLE_UNKNOWN);
    assert_int_equal(node_role_parse("Primary"), CORE_ROLE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_id_and_name),
        cmocka_unit_test(primary_is_the_active_one),
        cmocka_unit_test(freed_set_is_empty),
        cmocka_unit_test(member_has_what_the_core_needs),
        cmocka_unit_test(role_names_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
