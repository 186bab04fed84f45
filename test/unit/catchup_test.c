/* catchup_test.c - rule E10: the furthest may not lead, so the best candidate fetches
 * its WAL before it stands. */
#include "core/campaign.h"
#include "core/catchup.h"
#include "core/elect.h"
#include "core_fixture.h"

#define T0 FIXTURE_T0

/* Node 3 says that it has more than we have. */
static struct core_note further(int64_t term, uint64_t more)
{
    struct core_note note = fixture_ask(3);

    note.report.term = term;
    note.report.position.pos += more;
    return note;
}

/* Node 2 surveys; node 3 is further and has priority 0. */
static struct core behind_the_furthest(void)
{
    struct core core = fixture_electing(3);

    fixture_member(&core, 3)->priority = 0;
    fixture_hear(&core, further(1, 0x1000));
    return core;
}

static int source_of(const struct core *core)
{
    const struct core_member *source = catchup_source(core);

    return source == NULL ? 0 : source->id;
}

static void e10_from_whom(void **state)
{
    struct core core = behind_the_furthest();

    (void)state;
    assert_int_equal(source_of(&core), 3);
    assert_int_equal(elect_decide(&core).action, ELECT_CATCH_UP);
    fixture_member(&core, 3)->priority = 1; /* then it leads */
    assert_int_equal(source_of(&core), 0);
    assert_int_equal(elect_decide(&core).action, ELECT_WAIT);
    fixture_member(&core, 3)->priority = 0;
    fixture_hear(&core, further(1, 0)); /* no further than we are */
    assert_int_equal(source_of(&core), 0);
    fixture_hear(&core, further(2, 0)); /* of a later term */
    assert_int_equal(source_of(&core), 3);
    fixture_peer(&core, 3)->note.voiceless = true; /* cannot cut itself off */
    assert_int_equal(source_of(&core), 0);
    fixture_peer(&core, 3)->note.voiceless = false;
    fixture_peer(&core, 3)->advanced = false; /* its daemon is dead */
    assert_int_equal(source_of(&core), 0);
}

static void e10_from_the_furthest_of_several(void **state)
{
    struct core core = fixture_electing(4);
    struct core_note note = further(1, 0x2000);

    (void)state;
    fixture_member(&core, 3)->priority = 0;
    fixture_member(&core, 4)->priority = 0;
    fixture_hear(&core, further(1, 0x1000));
    note.node_id = 4;
    fixture_hear(&core, note);
    assert_int_equal(source_of(&core), 4);
}

/* Not cut off before it has all, nor after a window; tried once. */
static void e10_until_it_has_all(void **state)
{
    struct core core = behind_the_furthest();
    struct core_observation self = fixture_standby(FIXTURE_SELF);

    (void)state;
    assert_false(catchup_is_on(&core));
    catchup_begin(&core, 3);
    assert_true(catchup_is_on(&core));
    assert_int_equal(source_of(&core), 0);
    self.position = core.catch_up_to;
    self.position.pos--;
    fixture_see(&core, self);
    assert_true(catchup_is_on(&core));
    self.position.pos++;
    fixture_see(&core, self);
    assert_false(catchup_is_on(&core));

    core = behind_the_furthest();
    catchup_begin(&core, 3);
    core.now = mono_add(core.now, FIXTURE_W - 1);
    assert_true(catchup_is_on(&core));
    core.now = mono_add(core.now, 1);
    assert_false(catchup_is_on(&core));
    catchup_reset(&core);
    assert_int_equal(core.catch_up_until.ms, 0);
}

/* Through the whole: pointed there, electing again, cut off, and a candidate. */
static void e10_fetches_then_stands(void **state)
{
    struct core core = behind_the_furthest();
    const struct core_effects *effects = step_tick(&core, core.now.ms + 1);
    const struct core_effect *follow = find_effect(effects, CORE_EFF_FOLLOW);
    struct core_observation self = fixture_standby(FIXTURE_SELF);

    (void)state;
    assert_non_null(follow);
    assert_int_equal(follow->node_id, 3);
    assert_int_equal(follow->deadline_ms, FIXTURE_W);
    assert_int_equal(core.state, CORE_FOLLOWING);
    assert_true(core.note.report.coming); /* the others wait for us */
    effects = step_done(&core, core.now.ms + 1, core.action_id, true);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_false(records(effects, CORE_REC_FAILOVER_FOLLOW));
    assert_int_equal(core.upstream_id, 3);
    assert_int_equal(core.revoke_id, 0);
    self.position = core.catch_up_to;
    effects = step_see(&core, core.now.ms + 1, self);
    assert_false(catchup_is_on(&core));
}

/* Where it cannot be had the election goes on without. */
static void e10_a_fetch_that_fails_is_the_only_one(void **state)
{
    struct core core = behind_the_furthest();

    (void)state;
    (void)step_tick(&core, core.now.ms + 1);
    (void)step_done(&core, core.now.ms + 1, core.action_id, false);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_false(core.catching_up);
    assert_int_equal(core.upstream_id, 0);
    assert_int_equal(source_of(&core), 0);
    assert_int_equal(core.follow_failures, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        T(e10_from_whom),
        T(e10_from_the_furthest_of_several),
        T(e10_until_it_has_all),
        T(e10_fetches_then_stands),
        T(e10_a_fetch_that_fails_is_the_only_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
