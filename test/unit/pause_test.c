/* pause_test.c - rule M3: what a voter promises, when a leader relies on it, and in
 * which order that ends. */
#include "core/ballot.h"
#include "core/lease.h"
#include "core/pause.h"
#include "core_fixture.h"

#define T0    FIXTURE_T0
#define W     FIXTURE_W
#define LEASE (FIXTURE_W / 2)

#define V1       4096
#define MS       60000
#define LONG(ms) ((ms) + (ms) / 100 + W) /* a voter's promise */

/* The wish is read with the node table. */
static const struct core_effects *
step_wish(struct core *core, int64_t at, int64_t version, int64_t ms)
{
    static struct core_effects effects;
    static struct core_member members[CORE_MAX_NODES];
    struct core_event event = {.kind = CORE_EV_MEMBERS, .now = {at}};

    for (int i = 0; i < core->n_members; i++)
        members[i] = core->members[i];
    event.members.v = members;
    event.members.n = core->n_members;
    event.members.version = core->members_version;
    event.members.pause = (struct core_pause){version, ms};
    core_step(core, &event, &effects);
    return &effects;
}

static struct core_note led(int64_t version, bool relies)
{
    struct core_note note = fixture_note(1, CORE_PHASE_LEAD, 1, 1);

    note.pause_version = version;
    note.paused = relies;
    note.relies = relies;
    return note;
}

static bool grants(struct core *core, int64_t at)
{
    struct core_note note = fixture_note(3, CORE_PHASE_CANVASS, 2, 3);

    note.report = (struct core_report){.known = true, .term = 9, .position = {0x9000}};
    core->report = (struct core_report){.known = true, .term = 1, .position = {0x1000}};
    (void)step_hear(core, at, note);
    (void)settle(core, at);
    return core->durable.leader_id == 3;
}

/* ---- a voter -----------------------------------------------------------------------
 */

static void m3_a_voter_writes_it_before_it_says_it(void **state)
{
    struct core core = fixture_following(3);
    const struct core_effects *effects = step_wish(&core, T0 + 100, V1, MS);
    const struct core_effect *save = find_effect(effects, CORE_EFF_SAVE);

    (void)state;
    assert_non_null(save);
    assert_int_equal(save->durable.pause_version, V1);
    assert_int_equal(save->durable.pause_ms, MS);
    assert_false(core_post(&core, (struct mono){T0 + 101}).paused);
    (void)step_done(&core, T0 + 102, core.save_id, true);
    assert_true(core_post(&core, (struct mono){T0 + 103}).paused);
    assert_int_equal(core_post(&core, (struct mono){T0 + 103}).pause_version, V1);
    assert_int_equal(core_post(&core, (struct mono){T0 + 103}).phase,
                     CORE_PHASE_FOLLOW); /* it goes on to support its leader */
}

static void m3_it_votes_for_nobody_until_its_time_is_over(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    assert_false(grants(&core, T0 + 100 + LONG(MS) - 1));
    assert_true(grants(&core, T0 + 100 + LONG(MS)));
}

/* From the write, in full. */
static void m3_a_restart_begins_it_anew(void **state)
{
    struct core core = fixture_following(3);
    struct core_settings settings = fixture_settings();
    struct core_durable file;
    int64_t at = T0 + MS;

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    file = core.durable;
    core_init(&core, &settings);
    (void)step_start(&core, at, file);
    (void)step_members(&core, at, 3);
    (void)step_local(&core, at, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, at, fixture_standby(FIXTURE_SELF));
    assert_true(pause_is_granted(&core));
    assert_false(grants(&core, at + LONG(MS) - 1));
    assert_true(grants(&core, at + LONG(MS)));
}

static void m3_a_write_that_fails_is_not_said(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)step_done(&core, T0 + 102, core.save_id, false);
    assert_false(core_post(&core, (struct mono){T0 + 103}).paused);
    (void)step_tick(&core, T0 + 102 + FIXTURE_BEAT);
    (void)settle(&core, T0 + 103 + FIXTURE_BEAT);
    assert_int_equal(core.pause_until.ms, T0 + 103 + FIXTURE_BEAT + LONG(MS));
}

static void m3_an_older_wish_is_no_news(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    assert_int_equal(
        n_effects(step_wish(&core, T0 + 200, V1 - 1, 2 * MS), CORE_EFF_SAVE), 0);
    assert_int_equal(n_effects(step_wish(&core, T0 + 300, V1, 2 * MS), CORE_EFF_SAVE),
                     0);
    assert_int_equal(core.durable.pause_ms, MS);
}

/* That the wish is taken back releases nobody: the leader may rely on it still. */
static void m3_only_its_leader_releases_a_voter(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    (void)step_wish(&core, T0 + 200, V1 + 1, 0);
    (void)step_hear(&core, T0 + 300, led(V1, true));
    (void)step_hear(&core, T0 + 400, led(V1, false));    /* not yet, that is */
    (void)step_hear(&core, T0 + 500, led(V1 + 1, true)); /* a longer one */
    (void)settle(&core, T0 + 500);
    assert_true(pause_is_granted(&core));
    (void)step_hear(&core, T0 + 600, led(V1 + 1, false));
    (void)settle(&core, T0 + 600);
    assert_false(pause_is_granted(&core));
    assert_false(core_post(&core, (struct mono){T0 + 601}).paused);
}

/* Neither another leader of a former term, nor the same one before it leads. */
static void m3_others_release_nobody(void **state)
{
    struct core core = fixture_following(3);
    struct core_note note = led(V1 + 1, false);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    note.phase = CORE_PHASE_ASK;
    note.leader_id = 0;
    (void)step_hear(&core, T0 + 200, note);
    note = fixture_note(3, CORE_PHASE_FOLLOW, 1, 1);
    note.pause_version = V1 + 1;
    (void)step_hear(&core, T0 + 300, note);
    (void)settle(&core, T0 + 300);
    assert_true(pause_is_granted(&core));
}

/* A leader that relies on a pause does not resign. */
static void m3_a_leader_that_resigned_binds_nobody(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    (void)step_hear(&core, T0 + 200, fixture_note(1, CORE_PHASE_RESIGNED, 1, 0));
    (void)settle(&core, T0 + 200);
    assert_false(pause_is_granted(&core));
}

static void m3_a_longer_one_extends_it_a_shorter_one_does_not_end_it(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    (void)step_wish(&core, T0 + 200, V1 + 1, MS / 2);
    (void)settle(&core, T0 + 200);
    assert_int_equal(core.durable.pause_ms, MS);
    assert_int_equal(core.durable.pause_version, V1 + 1);
    (void)step_wish(&core, T0 + 300, V1 + 2, 2 * MS);
    (void)settle(&core, T0 + 300);
    assert_int_equal(core.pause_until.ms, T0 + 300 + LONG(2 * MS));
}

/* After the end of one, the next is as long as it says. */
static void m3_a_second_one_is_as_good(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    (void)step_hear(&core, T0 + 200, led(V1 + 1, false));
    (void)settle(&core, T0 + 200);
    (void)step_wish(&core, T0 + 300, V1 + 2, MS / 2);
    (void)settle(&core, T0 + 300);
    assert_int_equal(core.durable.pause_ms, MS / 2);
    assert_int_equal(core.pause_until.ms, T0 + 300 + LONG(MS / 2));
}

/* L9: its own leader changes its number, nothing else. */
static void m3_its_own_leader_may_renew(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    (void)step_hear(&core, T0 + 200, fixture_note(1, CORE_PHASE_RENEW, 4, 1));
    (void)settle(&core, T0 + 200);
    assert_int_equal(core.durable.term, 4);
    assert_int_equal(core.durable.leader_id, 1);
    assert_true(pause_is_granted(&core));
}

static void m3_nobody_stands(void **state)
{
    struct core core = fixture_electing(3);

    (void)state;
    (void)step_tick(&core, core.now.ms + 1);
    assert_int_equal(core.state, CORE_CANVASSING);
    core = fixture_electing(3);
    core.durable.pause_ms = core.wanted.pause_ms = MS;
    core.durable.pause_version = core.wanted.pause_version = V1;
    core.pause_until.ms = core.now.ms + MS;
    (void)step_tick(&core, core.now.ms + 1);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(core.why.reason, CORE_WHY_PAUSED);
}

/* ---- a leader ----------------------------------------------------------------------
 */

/* A voter's note that echoes what we wrote at `echo`; V 0: it is not paused. */
static void
hear_voter(struct core *core, int64_t at, int id, int64_t echo, int64_t version)
{
    struct core_note note = fixture_ballot(id, core->durable.term, echo);

    note.phase = CORE_PHASE_FOLLOW;
    note.report = (struct core_report){0};
    note.pause_version = version;
    note.paused = version != 0;
    (void)step_hear(core, at, note);
    (void)settle(core, at);
}

/* Own promise at T0 + 100. */
static struct core wished(int n)
{
    struct core core = fixture_leading(n);

    (void)step_wish(&core, T0 + 100, V1, MS);
    (void)settle(&core, T0 + 100);
    assert_true(pause_is_granted(&core));
    assert_false(pause_relies(&core));
    return core;
}

/* Node 1 had not granted it when it read what we wrote at T0 + 150. */
static struct core relying(void)
{
    struct core core = wished(3);

    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1);
    assert_true(pause_relies(&core));
    return core;
}

static void m3_a_leader_relies_on_a_majority(void **state)
{
    struct core core = wished(5);

    (void)state;
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    hear_voter(&core, T0 + 160, 3, T0 + 155, 0);
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1);
    assert_false(pause_relies(&core));
    hear_voter(&core, T0 + 270, 3, T0 + 255, V1);
    assert_true(pause_relies(&core));
    assert_true(core_post(&core, (struct mono){T0 + 271}).relies);
}

/* So it ends before the voters' time does, by what they echoed before. */
static void m3_its_time_counts_from_what_was_echoed_before(void **state)
{
    struct core core = wished(5);

    (void)state;
    hear_voter(&core, T0 + 5000, 1, T0 + 50, 0); /* before our own: the oldest */
    hear_voter(&core, T0 + 5000, 3, T0 + 4000, 0);
    hear_voter(&core, T0 + 5100, 1, T0 + 5000, V1);
    hear_voter(&core, T0 + 5200, 3, T0 + 5100, V1);
    assert_int_equal(core.durable.relied_until.ms, T0 + 50 + MS);
    assert_int_equal(core.relied_until.ms, T0 + 50 + MS);
}

/* It may have granted an earlier pause, or this one long ago. */
static void m3_a_voter_that_always_said_it_does_not_count(void **state)
{
    struct core core = wished(3);
    struct core_note note;

    (void)state;
    for (int i = 0; i < core.n_members; i++)
        core.peers[i] = (struct core_peer){.board_read = true};
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1);
    hear_voter(&core, T0 + 360, 1, T0 + 350, V1);
    assert_false(pause_relies(&core));
    /* One of another incarnation has forgotten what it granted. */
    core = wished(3);
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    note = fixture_ballot(1, 1, T0 + 250);
    note.phase = CORE_PHASE_FOLLOW;
    note.report = (struct core_report){0};
    note.pause_version = V1;
    note.paused = true;
    note.incarnation += 1;
    (void)step_hear(&core, T0 + 260, note);
    (void)settle(&core, T0 + 260);
    assert_false(pause_relies(&core));
}

static void m3_another_version_does_not_count(void **state)
{
    struct core core = wished(3);

    (void)state;
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1 - 1);
    hear_voter(&core, T0 + 360, 1, T0 + 350, V1 + 1);
    assert_false(pause_relies(&core));
}

/* It may have voted for another before it granted the pause. */
static void m3_who_supports_another_does_not_count(void **state)
{
    struct core core = wished(3);
    struct core_note note = fixture_note(1, CORE_PHASE_VOTE, 2, 3);

    (void)state;
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    note.pause_version = V1;
    note.paused = true;
    (void)step_hear(&core, T0 + 260, note);
    (void)settle(&core, T0 + 260);
    assert_false(pause_relies(&core));
}

/* Of two each could elect itself: both are needed. */
static void m3_of_two_both_are_needed(void **state)
{
    struct core core = wished(2);

    (void)state;
    core.durable.pair_version = core.wanted.pair_version = core.members_version;
    assert_false(pause_relies(&core));
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    assert_false(pause_relies(&core));
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1);
    assert_true(pause_relies(&core));
}

static void m3_it_is_not_frozen_while_it_relies(void **state)
{
    struct core core = relying();
    const struct core_effects *effects;

    (void)state;
    effects = step_tick(&core, T0 + 100 + MS - 1); /* by its own promise */
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 0);
    assert_false(lease_is_valid(&core));
    effects = step_tick(&core, T0 + 100 + MS);
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 1);
    assert_int_equal(core.state, CORE_PRIMARY); /* frozen first, not ended */
}

static void m3_the_sentry_is_told(void **state)
{
    struct core core = wished(3);
    const struct core_effect *lease;

    (void)state;
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    {
        struct core_note note = fixture_ballot(1, 1, T0 + 250);

        note.phase = CORE_PHASE_FOLLOW;
        note.report = (struct core_report){0};
        note.pause_version = V1;
        note.paused = true;
        (void)step_hear(&core, T0 + 260, note);
    }
    lease = find_effect(settle(&core, T0 + 260), CORE_EFF_LEASE);
    assert_non_null(lease);
    assert_int_equal(lease->freeze_at.ms, T0 + 100 + MS);
}

/* Its PostgreSQL may be gone as long as that. */
static void m3_it_does_not_resign_while_it_relies(void **state)
{
    struct core core = relying();

    (void)state;
    (void)step_local(&core, T0 + 1000, CORE_LOCAL_GONE, false);
    (void)step_tick(&core, T0 + 1000 + 3 * W);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core_post(&core, core.now).phase, CORE_PHASE_ASK);
    (void)step_tick(&core, T0 + 100 + MS);
    assert_int_equal(core.state, CORE_RESIGNING);
}

/* It comes back read-only, and its operator promotes it. */
static void m3_it_leads_on_when_postgresql_is_back(void **state)
{
    struct core core = relying();
    const struct core_effects *effects;

    (void)state;
    (void)step_local(&core, T0 + 1000, CORE_LOCAL_GONE, false);
    (void)step_local(&core, T0 + 5000, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0 + 5100, fixture_standby(FIXTURE_SELF));
    assert_int_equal(core.state, CORE_PRIMARY);
    effects = step_see(&core, T0 + 7000, fixture_primary(FIXTURE_SELF));
    assert_non_null(find_effect(effects, CORE_EFF_ENTER)); /* the guard, again (G3) */
    (void)settle(&core, T0 + 7000);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core_post(&core, core.now).phase, CORE_PHASE_LEAD);
}

static void m3_a_later_leader_ends_it_all_the_same(void **state)
{
    struct core core = relying();

    (void)state;
    (void)step_hear(&core, T0 + 300, fixture_note(3, CORE_PHASE_LEAD, 9, 3));
    assert_int_equal(core.state, CORE_RESIGNING);
    (void)step_local(&core, T0 + 400, CORE_LOCAL_GONE, false);
    (void)settle(&core, T0 + 400);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_false(pause_relies(&core));
}

static struct core restarted(const struct core *core, int64_t at, uint32_t boot)
{
    struct core_settings settings = fixture_settings();
    struct core_durable file = core->durable;
    struct core fresh;

    settings.boot = boot;
    core_init(&fresh, &settings);
    (void)step_start(&fresh, at, file);
    (void)step_members(&fresh, at, 3);
    (void)step_local(&fresh, at, CORE_LOCAL_RUNNING, false);
    (void)step_see(&fresh, at, fixture_primary(FIXTURE_SELF));
    return fresh;
}

static void m3_a_restart_of_its_daemon_fences_nothing(void **state)
{
    struct core core = relying();
    int64_t at = T0 + 2 * W;

    (void)state;
    core = restarted(&core, at, FIXTURE_BOOT);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(n_effects(step_tick(&core, at + 1), CORE_EFF_FREEZE), 0);
    assert_int_equal(n_effects(step_tick(&core, T0 + 100 + MS), CORE_EFF_FREEZE), 1);
}

static void m3_a_reboot_ends_it(void **state)
{
    struct core core = relying();
    int64_t at = T0 + 2 * W;

    (void)state;
    core = restarted(&core, at, FIXTURE_BOOT + 1);
    assert_false(pause_relies(&core));
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
}

/* M1: enough of another set of voters is not known to be enough. */
static void m3_another_membership_ends_it(void **state)
{
    struct core core = wished(5);
    const struct core_effects *effects;

    (void)state;
    hear_voter(&core, T0 + 160, 1, T0 + 150, 0);
    hear_voter(&core, T0 + 160, 3, T0 + 155, 0);
    hear_voter(&core, T0 + 260, 1, T0 + 250, V1);
    hear_voter(&core, T0 + 270, 3, T0 + 255, V1);
    assert_true(pause_relies(&core));
    /* A version alone is none: a leader raises it. */
    core.members_version++;
    effects = step_wish(&core, T0 + 2 * W, V1, MS);
    assert_true(pause_relies(&core));
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 0);
    fixture_member(&core, 3)->voting = false;
    effects = step_wish(&core, T0 + 2 * W + 1, V1, MS);
    assert_false(pause_relies(&core));
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 1);
    assert_int_equal(core.state, CORE_PRIMARY); /* frozen first, not ended */
}

/* ---- the end -----------------------------------------------------------------------
 */

static void m3_taken_back_it_is_fenced_before_it_says_so(void **state)
{
    struct core core = relying();
    const struct core_effects *effects;
    int64_t at = T0 + 300;

    (void)state;
    effects = step_wish(&core, at, V1 + 1, 0);
    assert_int_equal(n_effects(effects, CORE_EFF_SAVE), 1);
    assert_true(core_post(&core, (struct mono){at + 1}).relies);
    assert_int_equal(core_post(&core, (struct mono){at + 1}).pause_version, V1);
    effects = step_done(&core, at + 2, core.save_id, true);
    assert_non_null(find_effect(effects, CORE_EFF_LEASE));
    assert_int_equal(find_effect(effects, CORE_EFF_LEASE)->freeze_at.ms,
                     lease_until(&core).ms);
    assert_false(core_post(&core, (struct mono){at + 3}).relies);
    assert_int_equal(core_post(&core, (struct mono){at + 3}).pause_version, V1 + 1);
}

/* Without ballots it would be frozen at that moment: it waits for them. */
static void m3_taken_back_it_needs_a_lease_first(void **state)
{
    struct core core = relying();
    int64_t at = T0 + 2 * W;

    (void)state;
    (void)step_wish(&core, at, V1 + 1, 0);
    (void)settle(&core, at);
    assert_true(pause_relies(&core));
    assert_int_equal(core_post(&core, (struct mono){at + 1}).pause_version, V1);
    hear_voter(&core, at + 100, 1, at + 50, V1);
    assert_false(pause_relies(&core));
    assert_int_equal(core_post(&core, (struct mono){at + 101}).pause_version, V1 + 1);
}

static void m3_extended_it_relies_on_the_longer(void **state)
{
    struct core core = relying();

    (void)state;
    (void)step_wish(&core, T0 + 1000, V1 + 1, 2 * MS);
    (void)settle(&core, T0 + 1000);
    assert_true(core_post(&core, (struct mono){T0 + 1001}).relies); /* on the first */
    hear_voter(&core, T0 + 1100, 1, T0 + 1050, V1);
    hear_voter(&core, T0 + 1200, 1, T0 + 1150, V1 + 1);
    assert_int_equal(core.relied_until.ms, T0 + 1000 + 2 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m3_a_voter_writes_it_before_it_says_it),
        cmocka_unit_test(m3_it_votes_for_nobody_until_its_time_is_over),
        cmocka_unit_test(m3_a_restart_begins_it_anew),
        cmocka_unit_test(m3_a_write_that_fails_is_not_said),
        cmocka_unit_test(m3_an_older_wish_is_no_news),
        cmocka_unit_test(m3_only_its_leader_releases_a_voter),
        cmocka_unit_test(m3_others_release_nobody),
        cmocka_unit_test(m3_a_leader_that_resigned_binds_nobody),
        cmocka_unit_test(m3_a_longer_one_extends_it_a_shorter_one_does_not_end_it),
        cmocka_unit_test(m3_a_second_one_is_as_good),
        cmocka_unit_test(m3_its_own_leader_may_renew),
        cmocka_unit_test(m3_nobody_stands),
        cmocka_unit_test(m3_a_leader_relies_on_a_majority),
        cmocka_unit_test(m3_its_time_counts_from_what_was_echoed_before),
        cmocka_unit_test(m3_a_voter_that_always_said_it_does_not_count),
        cmocka_unit_test(m3_another_version_does_not_count),
        cmocka_unit_test(m3_who_supports_another_does_not_count),
        cmocka_unit_test(m3_of_two_both_are_needed),
        cmocka_unit_test(m3_it_is_not_frozen_while_it_relies),
        cmocka_unit_test(m3_the_sentry_is_told),
        cmocka_unit_test(m3_it_does_not_resign_while_it_relies),
        cmocka_unit_test(m3_it_leads_on_when_postgresql_is_back),
        cmocka_unit_test(m3_a_later_leader_ends_it_all_the_same),
        cmocka_unit_test(m3_a_restart_of_its_daemon_fences_nothing),
        cmocka_unit_test(m3_a_reboot_ends_it),
        cmocka_unit_test(m3_another_membership_ends_it),
        cmocka_unit_test(m3_taken_back_it_is_fenced_before_it_says_so),
        cmocka_unit_test(m3_taken_back_it_needs_a_lease_first),
        cmocka_unit_test(m3_extended_it_relies_on_the_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
