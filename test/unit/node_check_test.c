/* node_check_test.c - verdicts of `node check`, threshold by threshold. */
#include <string.h>

#include "node_check.h"
#include "unit.h"

static struct node_view view;
static struct config config;
static struct node_verdict verdict;
static char data_directory[] = "/nowhere/data";
static char usr[] = "/usr/";

/* node2 streams from node1, all well. */
static int standby(void **state)
{
    (void)state;
    memset(&view, 0, sizeof view);
    config = (struct config){
        .node_id = 2,
        .data_directory = data_directory,
        .archive_ready_warning = 16,
        .archive_ready_critical = 128,
        .replication_lag_warning_ms = 300000,
        .replication_lag_critical_ms = 600000,
    };
    view.set.n = 3;
    view.set.v[0] = (struct node_record){
        .id = 1, .name = "node1", .role = CORE_ROLE_PRIMARY, .active = true};
    view.set.v[1] = (struct node_record){.id = 2,
                                         .name = "node2",
                                         .role = CORE_ROLE_STANDBY,
                                         .upstream_id = 1,
                                         .active = true};
    view.set.v[2] = (struct node_record){.id = 3,
                                         .name = "node3",
                                         .role = CORE_ROLE_STANDBY,
                                         .upstream_id = 1,
                                         .active = true,
                                         .slot_name = "slot3"};
    view.self = &view.set.v[1];
    view.upstream = &view.set.v[0];
    view.in_recovery = true;
    view.self_answer.seen =
        (struct core_observation){.reach = REACH_OK, .receiver_streaming = true};
    view.upstream_answer.seen.reach = REACH_OK;
    view.upstream_answer.has_downstreams = true;
    view.upstream_answer.n_downstreams = 1;
    strcpy(view.upstream_answer.downstreams[0], "node2");
    strcpy(view.data_directory, "/nowhere/data");
    return 0;
}

static void be_primary(void)
{
    view.self = &view.set.v[0];
    view.upstream = NULL;
    view.in_recovery = false;
}

static enum nagios_code judge(enum node_check check)
{
    node_check_judge(check, &view, &config, &verdict);
    return verdict.code;
}

static void all_is_well(void **state)
{
    (void)state;
    for (int i = 0; i <= NODE_CHECK_DATA_DIRECTORY; i++)
        assert_int_equal(judge((enum node_check)i), NAGIOS_OK);
}

static void roles_must_match(void **state)
{
    (void)state;
    view.in_recovery = false;
    assert_int_equal(judge(NODE_CHECK_ROLE), NAGIOS_CRITICAL);
    assert_string_equal(verdict.details,
                        "node is registered as standby but running as primary");
    be_primary();
    assert_int_equal(judge(NODE_CHECK_ROLE), NAGIOS_OK);
    assert_string_equal(verdict.details, "node is primary");
    view.set.v[0].active = false;
    assert_int_equal(judge(NODE_CHECK_ROLE), NAGIOS_WARNING);
}

static void thresholds_are_reached_at_their_value(void **state)
{
    static const struct {
        int64_t ms;
        enum nagios_code code;
    } cases[] = {
        {0,      NAGIOS_OK      },
        {299999, NAGIOS_OK      },
        {300000, NAGIOS_WARNING },
        {599999, NAGIOS_WARNING },
        {600000, NAGIOS_CRITICAL},
    };

    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        view.lag_ms = cases[i].ms;
        assert_int_equal(judge(NODE_CHECK_LAG), cases[i].code);
    }
    assert_string_equal(verdict.perf, "lag=600;300;600");
    view.archive_ready = 15;
    assert_int_equal(judge(NODE_CHECK_ARCHIVE), NAGIOS_OK);
    view.archive_ready = 16;
    assert_int_equal(judge(NODE_CHECK_ARCHIVE), NAGIOS_WARNING);
    view.archive_ready = 128;
    assert_int_equal(judge(NODE_CHECK_ARCHIVE), NAGIOS_CRITICAL);
    assert_string_equal(verdict.perf, "files=128;16;128");
}

/* repmgr reports 0 seconds here. */
static void a_dead_receiver_is_no_lag_of_zero(void **state)
{
    (void)state;
    view.self_answer.seen.receiver_streaming = false;
    view.lag_ms = 0;
    assert_int_equal(judge(NODE_CHECK_LAG), NAGIOS_CRITICAL);
}

static void bytes_behind_are_told(void **state)
{
    (void)state;
    view.primary_answer.seen =
        (struct core_observation){.reach = REACH_OK, .position = {0x5000}};
    view.replayed.pos = 0x4000;
    assert_int_equal(judge(NODE_CHECK_LAG), NAGIOS_OK);
    assert_string_equal(verdict.details, "0 seconds, 4096 bytes behind");
}

/* repmgr exits with 6 here, which no Nagios knows. */
static void an_unreachable_upstream_is_critical(void **state)
{
    (void)state;
    view.upstream_answer.seen.reach = REACH_SILENT;
    assert_int_equal(judge(NODE_CHECK_UPSTREAM), NAGIOS_CRITICAL);
    view.upstream_answer.seen.reach = REACH_OK;
    view.upstream_answer.n_downstreams = 0;
    assert_int_equal(judge(NODE_CHECK_UPSTREAM), NAGIOS_CRITICAL);
    view.upstream_answer.has_downstreams = false;
    assert_int_equal(judge(NODE_CHECK_UPSTREAM), NAGIOS_UNKNOWN);
    view.upstream = NULL;
    assert_int_equal(judge(NODE_CHECK_UPSTREAM), NAGIOS_CRITICAL);
}

static void missing_downstreams_and_slots_are_named(void **state)
{
    struct node_slot slots[2] = {
        {"slot2", true, true },
        {"slot9", true, false}
    };

    (void)state;
    be_primary();
    view.self_answer.n_downstreams = 1;
    strcpy(view.self_answer.downstreams[0], "node2");
    assert_int_equal(judge(NODE_CHECK_DOWNSTREAM), NAGIOS_CRITICAL);
    assert_string_equal(verdict.details,
                        "1 of 2 downstream nodes not attached; missing: node3 (ID: 3)");
    view.slots = slots;
    view.n_slots = 2;
    assert_int_equal(judge(NODE_CHECK_SLOTS), NAGIOS_CRITICAL);
    assert_string_equal(verdict.details,
                        "1 of 2 physical replication slots are inactive: slot9");
    assert_int_equal(judge(NODE_CHECK_MISSING_SLOTS), NAGIOS_CRITICAL);
    view.set.v[2].active = false; /* expected of nobody who is out */
    assert_int_equal(judge(NODE_CHECK_MISSING_SLOTS), NAGIOS_OK);
    assert_int_equal(judge(NODE_CHECK_DOWNSTREAM), NAGIOS_OK);
}

static void directories_are_compared(void **state)
{
    (void)state;
    strcpy(view.data_directory, "/elsewhere");
    assert_int_equal(judge(NODE_CHECK_DATA_DIRECTORY), NAGIOS_CRITICAL);
    view.data_directory[0] = '\0';
    assert_int_equal(judge(NODE_CHECK_DATA_DIRECTORY), NAGIOS_UNKNOWN);
    strcpy(view.data_directory, "/usr/../usr");
    config.data_directory = usr;
    assert_int_equal(judge(NODE_CHECK_DATA_DIRECTORY), NAGIOS_OK);
}

static void the_daemon_is_known_by_its_note(void **state)
{
    (void)state;
    assert_int_equal(judge(NODE_CHECK_DAEMON), NAGIOS_CRITICAL);
    view.self_answer.seen.note.phase = CORE_PHASE_FOLLOW;
    assert_int_equal(judge(NODE_CHECK_DAEMON), NAGIOS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_is_well, standby),
        cmocka_unit_test_setup(roles_must_match, standby),
        cmocka_unit_test_setup(thresholds_are_reached_at_their_value, standby),
        cmocka_unit_test_setup(a_dead_receiver_is_no_lag_of_zero, standby),
        cmocka_unit_test_setup(bytes_behind_are_told, standby),
        cmocka_unit_test_setup(an_unreachable_upstream_is_critical, standby),
        cmocka_unit_test_setup(missing_downstreams_and_slots_are_named, standby),
        cmocka_unit_test_setup(directories_are_compared, standby),
        cmocka_unit_test_setup(the_daemon_is_known_by_its_note, standby),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
