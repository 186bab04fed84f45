/* show_test.c - what `cluster show` makes of records and answers. */
#include <string.h>

#include "show.h"
#include "unit.h"

/* A cluster of a primary and standbys that follow it, all well. */
struct world {
    struct nodeset set;
    struct gathered answers[CORE_MAX_NODES];
    struct show show;
};

static void add_node(struct world *world, int id, enum core_role role, int upstream_id)
{
    struct node_record *record = &world->set.v[world->set.n];
    struct gathered *answer = &world->answers[world->set.n++];

    *record = (struct node_record){
        .id = id,
        .role = role,
        .upstream_id = upstream_id,
        .active = true,
        .voting = true,
        .location = "default",
        .priority = 100,
    };
    (void)snprintf(record->name, sizeof record->name, "node%d", id);
    *answer = (struct gathered){
        .seen = {.node_id = id,
                 .reach = REACH_OK,
                 .in_recovery = role == CORE_ROLE_STANDBY,
                 .system_identifier = 7,
                 .timeline = 1,
                 .term = 1,
                 .position = {0x1000},
                 .replayed = {role == CORE_ROLE_STANDBY ? 0x1000 : 0},
                 .receiver_streaming = role == CORE_ROLE_STANDBY},
        .has_downstreams = true,
    };
}

static void attach(struct world *world, int upstream_index, const char *name)
{
    struct gathered *upstream = &world->answers[upstream_index];

    (void)snprintf(upstream->downstreams[upstream->n_downstreams++], CORE_NAME_SIZE,
                   "%s", name);
}

/* node1 primary; node2 follows it; node3 follows node2. */
static struct world *healthy(void)
{
    static struct world world;

    memset(&world, 0, sizeof world);
    add_node(&world, 1, CORE_ROLE_PRIMARY, 0);
    add_node(&world, 2, CORE_ROLE_STANDBY, 1);
    add_node(&world, 3, CORE_ROLE_STANDBY, 2);
    attach(&world, 0, "node2");
    attach(&world, 1, "node3");
    return &world;
}

static void build(struct world *world)
{
    show_build(&world->show, &world->set, world->answers, false);
}

/* How many issues contain `text`. */
static int count(const struct world *world, const char *text)
{
    int n = 0;

    for (int i = 0; i < world->show.n_issues; i++)
        n += strstr(world->show.issues[i], text) != NULL;
    return n;
}

static void down(struct world *world, int index, enum reach reach)
{
    world->answers[index].seen = (struct core_observation){.reach = reach};
    world->answers[index].has_downstreams = false;
    world->answers[index].n_downstreams = 0;
    (void)snprintf(world->answers[index].message, 64, "no answer");
}

/* ---- status strings ----------------------------------------------------------------
 */

static void every_record_and_answer_has_its_status(void **state)
{
    static const struct {
        enum core_role role;
        bool active;
        enum reach reach;
        bool in_recovery;
        const char *status;
        enum show_tone tone;
    } cases[] = {
        {CORE_ROLE_PRIMARY, true,  REACH_OK,       false, "* running",            SHOW_TONE_GOOD },
        {CORE_ROLE_STANDBY, true,  REACH_OK,       true,  "  running",            SHOW_TONE_GOOD },
        {CORE_ROLE_PRIMARY, false, REACH_OK,       false, "! running",            SHOW_TONE_DOUBT},
        {CORE_ROLE_STANDBY, false, REACH_OK,       true,  "! running",            SHOW_TONE_DOUBT},
        {CORE_ROLE_PRIMARY, true,  REACH_OK,       true,  "! running as standby",
         SHOW_TONE_BAD                                                                           },
        {CORE_ROLE_PRIMARY, false, REACH_OK,       true,  "! running as standby",
         SHOW_TONE_BAD                                                                           },
        {CORE_ROLE_STANDBY, true,  REACH_OK,       false, "! running as primary",
         SHOW_TONE_BAD                                                                           },
        {CORE_ROLE_STANDBY, false, REACH_OK,       false, "! running as primary",
         SHOW_TONE_BAD                                                                           },
        {CORE_ROLE_STANDBY, true,  REACH_REJECTED, false, "? running",            SHOW_TONE_DOUBT},
        {CORE_ROLE_STANDBY, true,  REACH_FAILED,   false, "? running",            SHOW_TONE_DOUBT},
        {CORE_ROLE_STANDBY, false, REACH_REJECTED, false, "! running",            SHOW_TONE_DOUBT},
        {CORE_ROLE_PRIMARY, true,  REACH_STARTING, false, "? rejected",           SHOW_TONE_DOUBT},
        {CORE_ROLE_PRIMARY, true,  REACH_REFUSED,  false, "? unreachable",        SHOW_TONE_BAD  },
        {CORE_ROLE_PRIMARY, true,  REACH_SILENT,   false, "? unreachable",        SHOW_TONE_BAD  },
        {CORE_ROLE_PRIMARY, true,  REACH_UNUSABLE, false, "? unreachable",
         SHOW_TONE_BAD                                                                           },
        {CORE_ROLE_PRIMARY, false, REACH_REFUSED,  false, "- failed",             SHOW_TONE_BAD  },
        {CORE_ROLE_STANDBY, false, REACH_SILENT,   false, "- failed",             SHOW_TONE_BAD  },
        {CORE_ROLE_STANDBY, true,  REACH_UNKNOWN,  false, "! unknown",            SHOW_TONE_DOUBT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_record record = {.role = cases[i].role, .active = cases[i].active};
        struct core_observation seen = {.reach = cases[i].reach,
                                        .in_recovery = cases[i].in_recovery};
        const struct daemons_row daemon = {.ballot_ms = -1};
        enum show_tone tone;

        assert_string_equal(show_status(&record, &seen, &daemon, &tone),
                            cases[i].status);
        assert_int_equal(tone, cases[i].tone);
    }
}

/* ---- rows and issues ---------------------------------------------------------------
 */

static void a_healthy_cluster_has_no_issues(void **state)
{
    struct world *world = healthy();

    (void)state;
    build(world);
    assert_int_equal(world->show.n_issues, 0);
    assert_int_equal(world->show.primary, 0);
    assert_int_equal(world->show.rows[2].attach, SHOW_ATTACH_YES);
    assert_int_equal(world->show.rows[0].lag_bytes, -1);
    assert_int_equal(world->show.rows[1].lag_bytes, 0);
    show_deinit(&world->show);
}

static void lag_is_counted_from_the_primary(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->answers[0].seen.position.pos = 0x3000;
    build(world);
    assert_int_equal(world->show.rows[2].lag_bytes, 0x2000);
    show_deinit(&world->show);
}

static void two_primaries_are_the_first_issue(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->answers[2].seen.in_recovery = false;
    world->answers[2].seen.term = 2;
    build(world);
    assert_int_equal(world->show.n_primaries, 2);
    assert_int_equal(world->show.primary, 2); /* the later term leads */
    assert_non_null(strstr(world->show.issues[0], "SPLIT BRAIN"));
    assert_non_null(strstr(world->show.issues[0], "\"node1\" (ID: 1)"));
    assert_non_null(strstr(world->show.issues[0], "\"node3\" (ID: 3)"));
    assert_int_equal(world->show.rows[0].tone, SHOW_TONE_BAD);
    show_deinit(&world->show);
}

/* A note of `node_id` on the board of the node at `index`. */
static struct core_note *post(struct world *world, int index, int node_id)
{
    struct gathered *board = &world->answers[index];
    struct core_note *note = &board->notes[board->n_notes++];
    bool leads = node_id == 1;

    *note = (struct core_note){
        .phase = leads ? CORE_PHASE_LEAD : CORE_PHASE_FOLLOW,
        .node_id = node_id,
        .term = 7,
        .stamp = {(uint32_t)node_id, leads ? 50200 : 9000 },
        .leader_id = 1,
        .echo = {1,                 leads ? 50200 : 50080},
        .window_ms = 3000,
        .incarnation = 1,
    };
    return note;
}

/* Two data nodes and a witness, whose daemons run; the third node is the witness. */
static struct world *with_witness(void)
{
    struct world *world = healthy();

    world->set.v[2].role = CORE_ROLE_WITNESS;
    world->set.v[2].upstream_id = 0;
    world->answers[2] = (struct gathered){.seen = {.node_id = 3}};
    world->answers[1].n_downstreams = 0;
    for (int id = 1; id <= 3; id++)
        (void)post(world, 0, id);
    return world;
}

static void a_witness_is_seen_by_its_notes(void **state)
{
    struct world *world = with_witness();

    (void)state;
    build(world);
    assert_int_equal(world->show.n_issues, 0);
    assert_string_equal(world->show.rows[2].status, "* running");
    assert_int_equal(world->show.rows[2].tone, SHOW_TONE_GOOD);
    assert_int_equal(world->show.n_primaries, 1);
    assert_int_equal(world->show.daemons.n_supporting, 3);
    show_deinit(&world->show);

    world->answers[0].notes[2].echo.ms = 40000;
    build(world);
    assert_string_equal(world->show.rows[2].status, "? unreachable");
    assert_int_equal(count(world, "no pgrmond is seen of node \"node3\" (ID: 3)"), 1);
    show_deinit(&world->show);

    world->answers[0].n_notes = 2;
    build(world);
    assert_string_equal(world->show.rows[2].status, "? unreachable");
    assert_int_equal(world->show.rows[2].tone, SHOW_TONE_BAD);
    assert_int_equal(world->show.n_issues, 1);
    show_deinit(&world->show);
}

static void a_frozen_primary_is_told(void **state)
{
    struct world *world = with_witness();

    (void)state;
    down(world, 0, REACH_SILENT);
    world->answers[0].n_notes = 0;
    post(world, 1, 1)->frozen = true;
    post(world, 1, 2)->leader_id = 0;
    build(world);
    assert_string_equal(world->show.rows[0].status, "! frozen");
    assert_int_equal(count(world, "PostgreSQL of node \"node1\" (ID: 1) is frozen"), 1);
    assert_int_equal(
        count(world, "\"node1\" (ID: 1) leads, supported by 1 of 3 voters: 2 are"), 1);
    show_deinit(&world->show);
}

static void who_does_not_vote_is_told(void **state)
{
    struct world *world = with_witness();
    struct core_note *notes = world->answers[0].notes;

    (void)state;
    world->set.v[1].voting = false;
    notes[2].voiceless = true;
    build(world);
    assert_int_equal(count(world, "\"node2\" (ID: 2) does not vote: it is in main"), 1);
    assert_int_equal(count(world, "\"node3\" (ID: 3) does not vote: it has no valid"),
                     1);
    show_deinit(&world->show);

    world->set.v[1].voting = true;
    notes[1].phase = CORE_PHASE_ASK;
    notes[1].leader_id = 0;
    notes[2].voiceless = false;
    notes[2].paused = true;
    build(world);
    assert_int_equal(count(world, "\"node2\" (ID: 2) does not support the leader"), 1);
    assert_int_equal(count(world, "\"node3\" (ID: 3) is paused"), 1);
    show_deinit(&world->show);
}

/* Without any daemon there is nothing to be said of leases. */
static void without_daemons_nobody_is_missed(void **state)
{
    struct world *world = healthy();

    (void)state;
    build(world);
    assert_false(world->show.daemons.any);
    assert_int_equal(world->show.n_issues, 0);
    show_deinit(&world->show);
}

static void a_dead_primary_is_told_and_leaves_upstreams_in_doubt(void **state)
{
    struct world *world = healthy();

    (void)state;
    down(world, 0, REACH_REFUSED);
    build(world);
    assert_int_equal(count(world, "no node is a reachable primary"), 1);
    assert_int_equal(count(world, "registered as an active primary but cannot"), 1);
    assert_int_equal(world->show.rows[1].attach, SHOW_ATTACH_UNKNOWN);
    assert_int_equal(world->show.rows[2].attach, SHOW_ATTACH_YES);
    assert_true(world->show.unreachable);
    show_deinit(&world->show);
}

static void a_standby_that_left_its_upstream_is_told(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->answers[1].n_downstreams = 0;
    build(world);
    assert_int_equal(world->show.rows[2].attach, SHOW_ATTACH_NO);
    assert_int_equal(count(world, "\"node3\" (ID: 3) is not attached to its upstream"),
                     1);
    assert_int_equal(count(world, "streams from elsewhere"), 1);
    assert_int_equal(world->show.n_issues, 1);
    show_deinit(&world->show);
}

static void roles_that_differ_from_the_record_are_told(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->answers[0].seen.in_recovery = true;
    world->answers[1].seen.in_recovery = false;
    build(world);
    assert_int_equal(count(world, "registered as primary but running as standby"), 1);
    assert_int_equal(count(world, "registered as standby but running as primary"), 1);
    assert_int_equal(world->show.primary, 1);
    show_deinit(&world->show);
}

static void strangers_and_forks_are_told(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->answers[1].seen.system_identifier = 9;
    world->answers[2].seen.timeline = 2;
    build(world);
    assert_int_equal(count(world, "\"node2\" (ID: 2) belongs to another cluster"), 1);
    assert_int_equal(count(world, "\"node3\" (ID: 3) is on timeline 2"), 1);
    show_deinit(&world->show);
}

static void alive_but_closed_is_not_unreachable(void **state)
{
    struct world *world = healthy();

    (void)state;
    down(world, 2, REACH_REJECTED);
    build(world);
    assert_int_equal(count(world, "is running but does not let pgrmon in"), 1);
    assert_int_equal(count(world, "unable to connect"), 0);
    show_deinit(&world->show);
}

static void inactive_records_are_told(void **state)
{
    struct world *world = healthy();

    (void)state;
    world->set.v[1].active = false;
    world->set.v[2].active = false;
    down(world, 2, REACH_SILENT);
    build(world);
    assert_int_equal(count(world, "registered as inactive but running"), 1);
    assert_int_equal(count(world, "registered as inactive and cannot be reached"), 1);
    show_deinit(&world->show);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_and_answer_has_its_status),
        cmocka_unit_test(a_healthy_cluster_has_no_issues),
        cmocka_unit_test(lag_is_counted_from_the_primary),
        cmocka_unit_test(two_primaries_are_the_first_issue),
        cmocka_unit_test(a_witness_is_seen_by_its_notes),
        cmocka_unit_test(a_frozen_primary_is_told),
        cmocka_unit_test(who_does_not_vote_is_told),
        cmocka_unit_test(without_daemons_nobody_is_missed),
        cmocka_unit_test(a_dead_primary_is_told_and_leaves_upstreams_in_doubt),
        cmocka_unit_test(a_standby_that_left_its_upstream_is_told),
        cmocka_unit_test(roles_that_differ_from_the_record_are_told),
        cmocka_unit_test(strangers_and_forks_are_told),
        cmocka_unit_test(alive_but_closed_is_not_unreachable),
        cmocka_unit_test(inactive_records_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
