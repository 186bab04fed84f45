/* rejoin_test.c - rules J: by which way a node rejoins, and why. */
#include <string.h>

#include "rejoin.h"
#include "unit.h"

#define T(term, leader, timeline, start)                                               \
    {                                                                                  \
        term, leader, timeline,                                                        \
        {                                                                              \
            start                                                                      \
        }                                                                              \
    }

static const struct termlist_row first[] = {T(1, 1, 1, 100)};
static const struct termlist_row second[] = {T(1, 1, 1, 100), T(2, 2, 2, 1000)};
static const struct termlist_row twin[] = {T(1, 1, 1, 100), T(2, 3, 2, 1000)};
static const struct termlist_row later[] = {T(1, 1, 1, 100), T(3, 3, 3, 1000)};

static const struct rejoin_wish no_wish;

/* An old primary of term 1 that went on to 2000; the leader of term 2 began at 1000. */
static struct rejoin_facts diverged(void)
{
    return (struct rejoin_facts){
        .server = REJOIN_SERVER_READ_ONLY,
        .left = REJOIN_LEFT_NOTHING,
        .same_system = true,
        .same_major = true,
        .known = true,
        .self = {{1, first}, 1, {2000}, 0},
        .leader = {2,         second         },
        .attach = REPLICATION_FORKED,
        .hints = true,
        .may_rewind = true,
    };
}

/* The same, but its WAL ends before the leader's began. */
static struct rejoin_facts sound(void)
{
    struct rejoin_facts facts = diverged();

    facts.self.position.pos = 900;
    facts.attach = REPLICATION_ATTACH_OK;
    return facts;
}

static void check_wish(const struct rejoin_facts *facts,
                       struct rejoin_wish wish,
                       enum rejoin_way way,
                       enum rejoin_reason reason)
{
    struct rejoin_plan plan = rejoin_decide(facts, &wish);

    assert_string_equal(rejoin_way_name(plan.way), rejoin_way_name(way));
    assert_string_equal(rejoin_reason_text(plan.reason), rejoin_reason_text(reason));
}

static void
check(const struct rejoin_facts *facts, enum rejoin_way way, enum rejoin_reason reason)
{
    check_wish(facts, no_wish, way, reason);
}

static void j1_what_no_way_leads_out_of(void **state)
{
    const struct rejoin_wish all = {.clone = true, .force = true};
    struct rejoin_facts facts = diverged();

    (void)state;
    facts.server = REJOIN_SERVER_WRITABLE;
    check_wish(&facts, all, REJOIN_REFUSE, REJOIN_WHY_WRITABLE);
    facts.server = REJOIN_SERVER_STUCK;
    check_wish(&facts, all, REJOIN_REFUSE, REJOIN_WHY_STUCK);
    facts = sound();
    facts.same_system = false;
    check_wish(&facts, all, REJOIN_REFUSE, REJOIN_WHY_OTHER_SYSTEM);
    facts = sound();
    facts.same_major = false;
    check_wish(&facts, all, REJOIN_REFUSE, REJOIN_WHY_OTHER_VERSION);
}

static void j2_a_clone_is_made_when_asked_for(void **state)
{
    const struct rejoin_wish wish = {.clone = true};
    struct rejoin_facts facts = sound();

    (void)state;
    check_wish(&facts, wish, REJOIN_CLONE, REJOIN_WHY_ASKED);
    facts.known = false;
    facts.server = REJOIN_SERVER_STOPPED;
    facts.left = REJOIN_LEFT_BROKEN;
    check_wish(&facts, wish, REJOIN_CLONE, REJOIN_WHY_ASKED);
}

/* Half of the files are another's: what the lists say means nothing. */
static void j3_what_broke_off_is_done_again_or_cloned(void **state)
{
    struct rejoin_facts facts = sound();

    (void)state;
    facts.server = REJOIN_SERVER_STOPPED;
    for (int known = 0; known < 2; known++) {
        facts.known = known != 0;
        facts.left = REJOIN_LEFT_REPEATABLE;
        check(&facts, REJOIN_REWIND, REJOIN_WHY_AGAIN);
        facts.left = REJOIN_LEFT_REWOUND;
        check(&facts, REJOIN_REWIND, REJOIN_WHY_FINISH);
        facts.left = REJOIN_LEFT_BROKEN;
        check(&facts, REJOIN_CLONE, REJOIN_WHY_BROKEN);
    }
    facts.left = REJOIN_LEFT_REPEATABLE;
    facts.may_rewind = false;
    check(&facts, REJOIN_REFUSE, REJOIN_WHY_NO_RIGHTS);
}

static void a_stopped_server_is_asked_first(void **state)
{
    struct rejoin_facts facts = diverged();

    (void)state;
    facts.server = REJOIN_SERVER_STOPPED;
    facts.known = false;
    check(&facts, REJOIN_UNKNOWN, REJOIN_WHY_STOPPED);
    facts.known = true;
    check(&facts, REJOIN_REWIND, REJOIN_WHY_DIVERGED);
}

static void j4_no_leader_of_yesterday(void **state)
{
    const struct rejoin_wish force = {.force = true};
    struct rejoin_facts facts = diverged();

    (void)state;
    facts.self = (struct termlist_self){
        {2, later},
        3, {2000},
        0
    };
    check(&facts, REJOIN_REFUSE, REJOIN_WHY_OLDER_LEADER);
    facts.streams = true;
    check(&facts, REJOIN_REFUSE, REJOIN_WHY_OLDER_LEADER);
    check_wish(&facts, force, REJOIN_REWIND, REJOIN_WHY_DIVERGED);
}

static void j5_who_streams_has_nothing_to_do(void **state)
{
    struct rejoin_facts facts = sound();

    (void)state;
    facts.streams = true;
    check(&facts, REJOIN_NOTHING, REJOIN_WHY_STREAMS);
    /* Streams it may, but what it had on its own is still there (P1). */
    facts.self = (struct termlist_self){
        {2, twin},
        2, {2000},
        0
    };
    check(&facts, REJOIN_CLONE, REJOIN_WHY_TWO_REGIMES);
}

static void j6_two_regimes_of_one_timeline(void **state)
{
    struct rejoin_facts facts = diverged();

    (void)state;
    facts.self = (struct termlist_self){
        {2, twin},
        2, {2000},
        0
    };
    facts.attach = REPLICATION_ATTACH_OK; /* PostgreSQL sees one timeline */
    check(&facts, REJOIN_CLONE, REJOIN_WHY_TWO_REGIMES);
    /* It led on timeline 2 and died before its row was written. */
    facts.self = (struct termlist_self){
        {1, first},
        2, {2000},
        0
    };
    check(&facts, REJOIN_CLONE, REJOIN_WHY_TWO_REGIMES);
}

static void j7_streams_when_all_of_it_is_the_leaders(void **state)
{
    struct rejoin_facts facts = sound();

    (void)state;
    check(&facts, REJOIN_STREAM, REJOIN_WHY_SAME_PAST);
    /* pg_rewind is not needed, so what it needs is not either. */
    facts.hints = facts.may_rewind = false;
    check(&facts, REJOIN_STREAM, REJOIN_WHY_SAME_PAST);
}

static void j8_a_timeline_that_the_leader_does_not_know(void **state)
{
    struct rejoin_facts facts = sound();

    (void)state;
    facts.attach = REPLICATION_BEHIND;
    check(&facts, REJOIN_CLONE, REJOIN_WHY_NO_HISTORY);
    facts.attach = REPLICATION_UNRELATED;
    check(&facts, REJOIN_CLONE, REJOIN_WHY_NO_HISTORY);
    facts.attach = REPLICATION_OTHER_SYSTEM;
    check(&facts, REJOIN_REFUSE, REJOIN_WHY_OTHER_SYSTEM);
}

static void j9_rewinds_what_diverged(void **state)
{
    struct rejoin_facts facts = diverged();

    (void)state;
    check(&facts, REJOIN_REWIND, REJOIN_WHY_DIVERGED);
    /* Between the fork and the row of the leader's term only the history tells. */
    facts.self.position.pos = 990;
    check(&facts, REJOIN_REWIND, REJOIN_WHY_FORKED);
    facts.may_rewind = false;
    check(&facts, REJOIN_REFUSE, REJOIN_WHY_NO_RIGHTS);
    facts.hints = false;
    check(&facts, REJOIN_CLONE, REJOIN_WHY_NO_HINTS);
}

/* --force is for J4 alone. */
static void force_changes_nothing_else(void **state)
{
    const struct rejoin_wish force = {.force = true};
    struct rejoin_facts facts = diverged();

    (void)state;
    check_wish(&facts, force, REJOIN_REWIND, REJOIN_WHY_DIVERGED);
    facts.self = (struct termlist_self){
        {2, twin},
        2, {2000},
        0
    };
    check_wish(&facts, force, REJOIN_CLONE, REJOIN_WHY_TWO_REGIMES);
    facts = sound();
    check_wish(&facts, force, REJOIN_STREAM, REJOIN_WHY_SAME_PAST);
}

static void tells_what_it_rests_on(void **state)
{
    struct rejoin_facts facts = diverged();
    struct rejoin_plan plan;
    char text[512];

    (void)state;
    facts.self = (struct termlist_self){
        {2, twin},
        2, {2000},
        0
    };
    plan = rejoin_decide(&facts, &no_wish);
    assert_string_equal(rejoin_detail(&plan, &facts, text, sizeof text),
                        "own WAL ends at 0/7D0 of timeline 2; after what both have, "
                        "this node has term 2 "
                        "of node 3 on timeline 2 from 0/3E8, the leader has term 2 of "
                        "node 2 on timeline "
                        "2 from 0/3E8");
    facts.known = false;
    assert_string_equal(rejoin_detail(&plan, &facts, text, sizeof text), "");
}

/* Nothing but what is named here ends in a rewind or in streaming. */
static void every_combination_has_a_plan(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1U << 16; bits++) {
        struct rejoin_facts facts = (bits & 1) != 0 ? diverged() : sound();
        const struct rejoin_wish wish = {(bits & 2) != 0, (bits & 4) != 0};
        struct rejoin_plan plan;

        facts.server = (enum rejoin_server)(bits >> 3 & 3);
        facts.left = (enum rejoin_left)(bits >> 5 & 3);
        facts.same_system = (bits & 1 << 7) != 0;
        facts.same_major = (bits & 1 << 8) != 0;
        facts.known = (bits & 1 << 9) != 0;
        facts.streams = (bits & 1 << 10) != 0;
        facts.hints = (bits & 1 << 11) != 0;
        facts.may_rewind = (bits & 1 << 12) != 0;
        facts.attach = (enum replication_attach)((bits >> 13 & 7) % 5);
        plan = rejoin_decide(&facts, &wish);
        assert_string_not_equal(rejoin_way_name(plan.way), "?");
        assert_string_not_equal(rejoin_reason_text(plan.reason), "?");
        if (plan.way == REJOIN_REWIND && plan.reason != REJOIN_WHY_FINISH)
            assert_true(facts.hints && facts.may_rewind);
        if (plan.way == REJOIN_STREAM)
            assert_true(facts.known && facts.left == REJOIN_LEFT_NOTHING &&
                        facts.attach == REPLICATION_ATTACH_OK);
        if (plan.way != REJOIN_REFUSE)
            assert_true(facts.server == REJOIN_SERVER_READ_ONLY ||
                        facts.server == REJOIN_SERVER_STOPPED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(j1_what_no_way_leads_out_of),
        cmocka_unit_test(j2_a_clone_is_made_when_asked_for),
        cmocka_unit_test(j3_what_broke_off_is_done_again_or_cloned),
        cmocka_unit_test(a_stopped_server_is_asked_first),
        cmocka_unit_test(j4_no_leader_of_yesterday),
        cmocka_unit_test(j5_who_streams_has_nothing_to_do),
        cmocka_unit_test(j6_two_regimes_of_one_timeline),
        cmocka_unit_test(j7_streams_when_all_of_it_is_the_leaders),
        cmocka_unit_test(j8_a_timeline_that_the_leader_does_not_know),
        cmocka_unit_test(j9_rewinds_what_diverged),
        cmocka_unit_test(force_changes_nothing_else),
        cmocka_unit_test(tells_what_it_rests_on),
        cmocka_unit_test(every_combination_has_a_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
