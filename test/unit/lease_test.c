/* lease_test.c - rules L1 to L9 and D2 as far as own PostgreSQL is concerned: when a
 * leader is frozen, continued, ended; what a restarted daemon takes up. */
#include "core/lease.h"
#include "core/quorum.h"
#include "core_fixture.h"

#define T0    FIXTURE_T0
#define LEASE (FIXTURE_W / 2)

/* Index of the first effect of a kind, or -1. */
static int place(const struct core_effects *effects, enum core_effect_kind kind)
{
    for (int i = 0; i < effects->n; i++)
        if (effects->v[i].kind == kind)
            return i;
    return -1;
}

static const struct core_effects *support(struct core *core, int64_t at, int id)
{
    struct core_note note = fixture_ballot(id, core->durable.term, at);

    note.phase = CORE_PHASE_FOLLOW;
    return step_hear(core, at, note);
}

/* ---- L1: counting ---------------------------------------------------------------- */

static void l1_the_lease_is_the_majoritys_oldest_ballot(void **state)
{
    struct core core = fixture_leading(5); /* needs two others */

    (void)state;
    (void)support(&core, T0 + 100, 1);
    assert_int_equal(lease_until(&core).ms, T0 + LEASE);
    (void)support(&core, T0 + 200, 3);
    assert_int_equal(lease_until(&core).ms, T0 + 100 + LEASE);
    (void)support(&core, T0 + 300, 4);
    assert_int_equal(lease_until(&core).ms, T0 + 200 + LEASE);
    (void)support(&core, T0 + 400, 4); /* one voter, however often */
    assert_int_equal(lease_until(&core).ms, T0 + 200 + LEASE);
}

static void l1_a_ballot_is_worth_the_shorter_window(void **state)
{
    struct core core = fixture_leading(3);
    struct core_note note = fixture_ballot(1, 1, T0 + 100);

    (void)state;
    note.window_ms = 4000;
    (void)step_hear(&core, T0 + 100, note);
    assert_int_equal(lease_until(&core).ms, T0 + LEASE); /* of node 3 */
    note.echo.ms = T0 + 2000;
    (void)step_hear(&core, T0 + 2000, note);
    assert_int_equal(lease_until(&core).ms, T0 + 2000 + 2000);
    note.window_ms = 60000; /* a longer one is worth no more than ours */
    note.echo.ms = T0 + 2100;
    (void)step_hear(&core, T0 + 2100, note);
    assert_int_equal(lease_until(&core).ms, T0 + 2100 + LEASE);
}

static void l1_only_voters_count(void **state)
{
    struct core core = fixture_leading(4);

    (void)state;
    fixture_member(&core, 4)->voting = false;
    (void)support(&core, T0 + 500, 4);
    assert_int_equal(lease_until(&core).ms, T0 + LEASE);
    (void)support(&core, T0 + 500, 3); /* 2 of 3: self and node 3 */
    assert_int_equal(lease_until(&core).ms, T0 + 500 + LEASE);
    /* A witness is one. */
    fixture_member(&core, 4)->voting = true;
    fixture_member(&core, 4)->role = CORE_ROLE_WITNESS;
    assert_int_equal(lease_until(&core).ms, T0 + 500 + LEASE); /* 3 of 4 */
    /* A leader without a vote needs a majority of the others. */
    fixture_member(&core, FIXTURE_SELF)->voting = false;
    assert_int_equal(lease_until(&core).ms, T0 + 500 + LEASE); /* 2 of 3 */
}

static void l1_ballots_of_another_term_do_not_count(void **state)
{
    struct core core = fixture_leading(3);
    struct core_durable durable = core.durable;

    (void)state;
    core.durable.term = core.durable.lead_term = 2;
    assert_int_equal(lease_until(&core).ms, 0);
    /* Those of its own unfinished renewal do (L9). */
    core.durable = durable;
    core.durable.term = 2;
    (void)support(&core, T0 + 700, 3); /* of term 2 */
    assert_int_equal(lease_until(&core).ms, T0 + 700 + LEASE);
}

static void l1_two_nodes_q2(void **state)
{
    struct core core = fixture_leading(2);

    (void)state;
    assert_int_equal(core.durable.pair_version, 1); /* node 1 confirmed it */
    assert_true(lease_until(&core).ms == MONO_NEVER.ms);
    core.settings.quorum = CORE_QUORUM_MAJORITY;
    assert_int_equal(lease_until(&core).ms, T0 + LEASE);
}

/* ---- L3: who says lead ------------------------------------------------------------
 */

static void l3_lead_is_said_only_while_postgresql_does(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    assert_true(lease_may_say_lead(&core));
    core.lead_recorded = false; /* C6: its row comes first */
    assert_false(lease_may_say_lead(&core));
    core.lead_recorded = true;
    fixture_view(&core, FIXTURE_SELF)->seen.reach = REACH_STARTING;
    assert_false(lease_may_say_lead(&core));
    fixture_view(&core, FIXTURE_SELF)->seen.reach = REACH_SILENT; /* a hang, not yet */
    assert_true(lease_may_say_lead(&core));
    core.local_writable = false;
    assert_false(lease_may_say_lead(&core));
    core.local = CORE_LOCAL_FROZEN;
    assert_true(lease_may_say_lead(&core));
    core.local_writable = true;
    for (int local = CORE_LOCAL_UNKNOWN; local <= CORE_LOCAL_GONE; local++) {
        core.local = (enum core_local)local;
        assert_int_equal(lease_may_say_lead(&core), local < CORE_LOCAL_DEAD);
    }
    core.local = CORE_LOCAL_RUNNING;
    core.durable.duty = CORE_DUTY_PROMOTING;
    assert_false(lease_may_say_lead(&core));
}

static void l3_a_crash_resigns_at_once(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_local(&core, T0 + 100, CORE_LOCAL_DEAD, false);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_CRASHED);
    /* F2: the postmaster is dead, its backends may not be. */
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
    assert_int_equal(core.save_id, 0);
    (void)step_done(&core, T0 + 150, core.fence_id, true);
    (void)settle(&core, T0 + 160);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
    /* PostgreSQL is started once the others had their time, or have a leader. */
    assert_int_equal(core.start_id, 0);
    (void)step_hear(&core, T0 + 1000, fixture_note(3, CORE_PHASE_LEAD, 2, 3));
    assert_int_not_equal(core.start_id, 0);
}

/* crash_action = restart: one, quick, and read-only; then it is compared like any
 * other.
 */
static void l3_or_restarts_in_place_once(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    core.settings.restart_on_crash = true;
    effects = step_local(&core, T0 + 100, CORE_LOCAL_DEAD, false);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    effects = step_done(&core, T0 + 200, core.fence_id, true);
    assert_int_equal(n_effects(effects, CORE_EFF_START_PG), 1);
    (void)step_local(&core, T0 + 900, CORE_LOCAL_RUNNING, false);
    (void)step_done(&core, T0 + 900, core.start_id, true);
    (void)step_see(&core, T0 + 4 * FIXTURE_BEAT + 1, fixture_standby(FIXTURE_SELF));
    assert_int_equal(core.resign_why, CORE_WHY_GUARDED);
    /* A start that fails is none: the others have their turn. */
    core = fixture_leading(3);
    core.settings.restart_on_crash = true;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_GONE, false);
    assert_int_not_equal(core.start_id, 0);
    (void)step_done(&core, T0 + 200, core.start_id, false);
    assert_int_equal(core.resign_why, CORE_WHY_CRASHED);
    /* Nor is one that takes a window. */
    core = fixture_leading(3);
    core.settings.restart_on_crash = true;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_GONE, false);
    (void)step_tick(&core, T0 + 99 + FIXTURE_W);
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_tick(&core, T0 + 100 + FIXTURE_W);
    assert_int_equal(core.resign_why, CORE_WHY_CRASHED);
}

static void l3_proved_gone_needs_no_kill(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_local(&core, T0 + 100, CORE_LOCAL_GONE, false);
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 0);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_RESIGNED);
}

static void l3_an_orderly_stop_is_given_a_window(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_GONE, true);
    for (int64_t at = T0 + 200; at < T0 + 100 + FIXTURE_W; at += 500)
        (void)step_supported(&core, at);
    (void)step_see(&core, T0 + 99 + FIXTURE_W, fixture_failed(2, REACH_REFUSED));
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.note.phase, CORE_PHASE_ASK); /* but it is not said to lead */
    (void)step_see(&core, T0 + 100 + FIXTURE_W, fixture_failed(2, REACH_REFUSED));
    assert_int_equal(core.resign_why, CORE_WHY_STOPPED);
    (void)settle(&core, T0 + 100 + FIXTURE_W);
    assert_int_equal(core.state, CORE_ELECTING);
    /* Who stopped it starts it again. */
    (void)step_see(&core, T0 + 9 * FIXTURE_W, fixture_failed(2, REACH_REFUSED));
    assert_int_equal(core.start_id, 0);
}

static void l3_a_hang_is_given_half_a_window(void **state)
{
    struct core core = fixture_leading(3);
    struct core_observation silent = fixture_failed(FIXTURE_SELF, REACH_SILENT);

    (void)state;
    for (int64_t at = T0 + 500; at < T0 + LEASE; at += 500) {
        (void)step_supported(&core, at);
        (void)step_see(&core, at, silent);
    }
    (void)step_see(&core, T0 + LEASE - 1, silent);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(n_effects(step_see(&core, T0 + LEASE, silent), CORE_EFF_KILL), 1);
    assert_int_equal(core.resign_why, CORE_WHY_HUNG);
}

static void l3_a_restart_in_place_is_given_its_patience(void **state)
{
    struct core core = fixture_leading(3);
    struct core_observation starting = fixture_failed(FIXTURE_SELF, REACH_STARTING);

    (void)state;
    for (int64_t at = T0 + 500; at < T0 + 500 + 60000; at += 500) {
        (void)step_supported(&core, at);
        (void)step_see(&core, at, starting);
        assert_int_equal(core.state, CORE_PRIMARY);
        assert_int_equal(core.note.phase, CORE_PHASE_ASK);
    }
    (void)step_see(&core, T0 + 500 + 60000, starting);
    assert_int_equal(core.resign_why, CORE_WHY_HUNG);
}

/* G1: it was restarted, by whomever, and the guard made it read-only. */
static void l3_who_came_up_in_recovery_resigns(void **state)
{
    struct core core = fixture_leading(3);
    struct core_observation standby = fixture_standby(FIXTURE_SELF);

    (void)state;
    (void)step_see(&core, T0 + 4 * FIXTURE_BEAT, standby); /* asked before we led? */
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_see(&core, T0 + 4 * FIXTURE_BEAT + 1, standby);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_GUARDED);
}

/* ---- L4, L5: frozen and continued --------------------------------------------------
 */

static void l4_frozen_at_exactly_the_lapse(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    (void)step_tick(&core, T0 + LEASE - 1);
    assert_int_equal(core.fence_id, 0);
    assert_int_equal(core_deadline(&core).ms, T0 + LEASE);
    effects = step_tick(&core, T0 + LEASE);
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 1);
    assert_true(says(effects, CORE_SAY_LEASE));
    assert_true(records(effects, CORE_REC_FROZEN));
    effects = step_tick(&core, T0 + LEASE + 1);
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 0); /* one at a time */
    /* One that failed is tried again, after a beat. */
    (void)step_done(&core, T0 + LEASE + 10, core.fence_id, false);
    assert_int_equal(core_deadline(&core).ms, T0 + LEASE + 10 + FIXTURE_BEAT);
    effects = step_tick(&core, T0 + LEASE + 10 + FIXTURE_BEAT);
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 1);
}

/* Both have the same deadline. */
static void l4_a_freeze_by_the_sentry_is_said_as_well(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects =
        step_local(&core, T0 + LEASE, CORE_LOCAL_FROZEN, false);

    (void)state;
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 0);
    assert_true(says(effects, CORE_SAY_LEASE));
    assert_true(records(effects, CORE_REC_FROZEN));
    effects = step_tick(&core, T0 + LEASE + 1);
    assert_false(says(effects, CORE_SAY_LEASE)); /* once */
    effects = step_supported(&core, T0 + LEASE + 2);
    assert_true(records(effects, CORE_REC_THAWED));
}

static struct core frozen(int n)
{
    struct core core = fixture_leading(n);

    (void)step_tick(&core, T0 + LEASE);
    (void)step_done(&core, T0 + LEASE + 10, core.fence_id, true);
    assert_int_equal(core.local, CORE_LOCAL_FROZEN);
    assert_int_equal(core.state, CORE_PRIMARY);
    return core;
}

static void l5_continued_only_with_a_valid_lease(void **state)
{
    struct core core = frozen(3);
    const struct core_effects *effects;

    (void)state;
    /* What echoes something old is no lease now. */
    effects = step_hear(&core, T0 + 3500, fixture_ballot(3, 1, T0 + 500));
    assert_int_equal(n_effects(effects, CORE_EFF_THAW), 0);
    effects = step_hear(&core, T0 + 3500, fixture_ballot(3, 1, T0 + 501));
    assert_int_equal(n_effects(effects, CORE_EFF_THAW), 1);
    assert_true(records(effects, CORE_REC_THAWED));
    /* L7: else the sentry would freeze it again. */
    assert_true(place(effects, CORE_EFF_LEASE) >= 0);
    assert_true(place(effects, CORE_EFF_LEASE) < place(effects, CORE_EFF_THAW));
    (void)step_done(&core, T0 + 3500, core.fence_id, true);
    assert_int_equal(core.local, CORE_LOCAL_RUNNING);
    (void)step_tick(&core, T0 + 3501);
    assert_int_not_equal(core.fence_id, 0); /* it lapsed at that moment */
}

/* Frozen it could not answer: that is no hang (L3). */
static void l5_gets_time_to_answer_once_it_is_continued(void **state)
{
    struct core core = fixture_leading(3);
    int64_t at = T0 + LEASE + FIXTURE_W / 4; /* a freeze of a quarter window */

    (void)state;
    (void)step_tick(&core, T0 + LEASE);
    (void)step_done(&core, T0 + LEASE + 5, core.fence_id, true);
    (void)step_supported(&core, at);
    assert_int_equal(core.fence_kind, CORE_EFF_THAW);
    fixture_view(&core, FIXTURE_SELF)->answered_at.ms = T0;
    fixture_view(&core, FIXTURE_SELF)->seen.reach = REACH_SILENT;
    (void)step_done(&core, at + 5, core.fence_id, true);
    (void)step_supported(&core, at + 10);
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_supported(&core, at + 5 + FIXTURE_W / 2 - 1);
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_tick(&core, at + 5 + FIXTURE_W / 2);
    assert_int_equal(core.resign_why, CORE_WHY_HUNG);
}

static void l5_frozen_too_long_resigns(void **state)
{
    struct core core = fixture_leading(3);
    int64_t at = T0;
    int n = 0;

    (void)state;
    /* A lease of a moment every 2 seconds: nine of ten frozen. */
    while (core.state == CORE_PRIMARY && n < 20) {
        at += 2000;
        n++;
        (void)support(&core, at, 3);
        for (int i = 0; i < 2 && core.fence_id != 0; i++)
            (void)step_done(&core, at, core.fence_id, true);
        core.peers[2].ballot_echo.ms = at + 200 - LEASE;
        core.peers[0].ballot_echo.ms = 0;
        (void)step_tick(&core, at + 200);
        (void)step_done(&core, at + 200, core.fence_id, true);
    }
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_TOO_LONG_FROZEN);
    assert_true(n >= 5 && n <= 7); /* 9 s of 18 */
}

/* An operator who says that PostgreSQL shall go on without a quorum means this one. */
static void l5_continued_when_it_needs_no_lease_any_more(void **state)
{
    struct core core = frozen(3);
    struct core_settings settings = core.settings;
    const struct core_effects *effects;

    (void)state;
    settings.keep_on_quorum_loss = true;
    effects = step_settings(&core, T0 + LEASE + 500, settings);
    assert_int_equal(n_effects(effects, CORE_EFF_THAW), 1);
    assert_true(place(effects, CORE_EFF_LEASE) < place(effects, CORE_EFF_THAW));
    assert_true(find_effect(effects, CORE_EFF_LEASE)->kill_at.ms == MONO_NEVER.ms);
    (void)step_done(&core, T0 + LEASE + 510, core.fence_id, true);
    assert_int_equal(core.local, CORE_LOCAL_RUNNING);
    (void)step_tick(&core, T0 + 9 * FIXTURE_W);
    assert_int_equal(core.fence_id, 0);
}

/* ---- L6: ended, then resigned ------------------------------------------------------
 */

static void l6_kill_then_write_then_say(void **state)
{
    struct core core = frozen(3);
    const struct core_effects *effects;

    (void)state;
    assert_int_equal(core_deadline(&core).ms, T0 + FIXTURE_W);
    (void)step_tick(&core, T0 + FIXTURE_W - 1);
    assert_int_equal(core.state, CORE_PRIMARY);
    effects = step_tick(&core, T0 + FIXTURE_W);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_LEASE_OVER);
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
    assert_int_equal(core.save_id, 0);
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    /* Whatever comes meanwhile: not without the proof. */
    effects = step_supported(&core, T0 + FIXTURE_W + 100);
    assert_int_equal(n_effects(effects, CORE_EFF_THAW), 0);
    (void)step_done(&core, T0 + FIXTURE_W + 200, core.fence_id, false);
    assert_int_equal(core.save_id, 0);
    (void)step_tick(&core, T0 + FIXTURE_W + 200 + FIXTURE_BEAT);
    assert_int_equal(core.fence_kind, CORE_EFF_KILL); /* again */
    effects = step_done(&core, T0 + 6600, core.fence_id, true);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.duty,
                     CORE_DUTY_RESIGNED);
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    (void)step_done(&core, T0 + 6700, core.save_id, false); /* disk full: again */
    assert_int_not_equal(core.note.phase, CORE_PHASE_RESIGNED);
    (void)step_tick(&core, T0 + 6700 + FIXTURE_BEAT);
    effects = settle(&core, T0 + 7000);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
    assert_true(records(effects, CORE_REC_RESIGNED));
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_equal(n_effects(effects, CORE_EFF_START_PG), 1);
}

static void l6_with_fencing_stop_without_a_freeze(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    core.settings.fencing = CORE_FENCING_STOP;
    effects = step_tick(&core, T0 + LEASE);
    assert_int_equal(n_effects(effects, CORE_EFF_FREEZE), 0);
    assert_int_equal(n_effects(effects, CORE_EFF_KILL), 1);
}

static void l6_not_where_it_is_not_wanted(void **state)
{
    struct core off = fixture_leading(3), keep = off, unarmed = off;

    (void)state;
    off.settings.fencing = CORE_FENCING_OFF;
    keep.settings.keep_on_quorum_loss = true;
    unarmed.durable.armed = false;
    (void)step_see(&off, T0 + 9 * FIXTURE_W, fixture_primary(FIXTURE_SELF));
    (void)step_see(&keep, T0 + 9 * FIXTURE_W, fixture_primary(FIXTURE_SELF));
    (void)step_see(&unarmed, T0 + 9 * FIXTURE_W, fixture_primary(FIXTURE_SELF));
    assert_int_equal(off.fence_id + keep.fence_id + unarmed.fence_id, 0);
    assert_int_equal(off.state, CORE_PRIMARY);
    assert_int_equal(keep.state, CORE_PRIMARY);
    assert_int_equal(unarmed.state, CORE_PRIMARY);
}

static void l4_the_first_lease_arms(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_leader();
    struct core core;

    (void)state;
    durable.armed = false;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0, fixture_primary(FIXTURE_SELF));
    (void)settle(&core, T0);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_false(core.durable.armed);
    assert_true(core.lease_told.ms == MONO_NEVER.ms);
    (void)support(&core, T0 + 100, 3);
    assert_true(core.wanted.armed);
    (void)settle(&core, T0 + 110);
    assert_true(core.durable.armed);
    assert_int_equal(core.lease_told.ms, T0 + 100 + LEASE);
}

/* ---- L7: the sentry -----------------------------------------------------------------
 */

static void l7_the_sentry_knows_each_new_deadline(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effect *effect;

    (void)state;
    assert_int_equal(core.lease_told.ms, T0 + LEASE);
    effect = find_effect(support(&core, T0 + 300, 3), CORE_EFF_LEASE);
    assert_int_equal(effect->freeze_at.ms, T0 + 300 + LEASE);
    assert_int_equal(effect->kill_at.ms, T0 + 300 + FIXTURE_W);
    assert_null(find_effect(step_tick(&core, T0 + 400), CORE_EFF_LEASE));
    /* While it resigns the orders stand; once that is done there is nothing to do. */
    (void)step_local(&core, T0 + 500, CORE_LOCAL_DEAD, false);
    assert_int_equal(core.lease_told.ms, T0 + 300 + LEASE);
    effect =
        find_effect(step_done(&core, T0 + 600, core.fence_id, true), CORE_EFF_LEASE);
    assert_true(effect->freeze_at.ms == MONO_NEVER.ms);
    assert_true(effect->kill_at.ms == MONO_NEVER.ms);
}

/* ---- L8, L9
 * --------------------------------------------------------------------------- */

static void l8_a_later_leader_ends_ours(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_LEAD, 1, 3));
    assert_int_equal(core.state, CORE_PRIMARY); /* not a later one */
    (void)step_hear(&core, T0 + 200, fixture_note(3, CORE_PHASE_CANVASS, 2, 3));
    (void)step_hear(&core, T0 + 200, fixture_note(3, CORE_PHASE_PROMOTE, 2, 3));
    (void)step_hear(&core, T0 + 250, fixture_note(3, CORE_PHASE_RENEW, 2, 3));
    assert_int_equal(core.state, CORE_PRIMARY); /* nor does it lead yet */
    (void)step_hear(&core, T0 + 300, fixture_note(3, CORE_PHASE_LEAD, 2, 3));
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_LATER_LEADER);
    assert_int_equal(core.fence_kind, CORE_EFF_KILL);
}

static void l9_a_higher_promise_is_led_by_renewal(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    effects = step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_ASK, 4, 0));
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.term, 5);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.lead_term, 1);
    (void)settle(&core, T0 + 110);
    assert_int_equal(core.note.phase, CORE_PHASE_RENEW);
    assert_int_equal(core.note.term, 5);
    effects = support(&core, T0 + 200, 1);
    assert_int_equal(find_effect(effects, CORE_EFF_SAVE)->durable.lead_term, 5);
    assert_false(find_effect(effects, CORE_EFF_SAVE)->durable.recorded);
    /* P1: every regime begins with a row. */
    effects = step_done(&core, T0 + 210, core.save_id, true);
    assert_int_equal(find_effect(effects, CORE_EFF_LEAD)->term, 5);
    assert_int_not_equal(core.note.phase, CORE_PHASE_LEAD);
    (void)settle(&core, T0 + 220);
    assert_int_equal(core.note.phase, CORE_PHASE_LEAD);
    assert_int_equal(core.note.term, 5);
    assert_int_equal(core.fence_id, 0); /* nothing has stopped */
}

static void l9_not_without_a_lease_nor_over_ones_that_linger(void **state)
{
    struct core core = frozen(3);
    struct core_note note = fixture_note(3, CORE_PHASE_ASK, 4, 0);

    (void)state;
    (void)step_hear(&core, T0 + LEASE + 100, note);
    assert_int_equal(core.save_id, 0);
    core = fixture_leading(3);
    note.stamp = (struct core_stamp){7, 5};
    (void)step_read(&core, T0 + 100, 1, note); /* of whom nobody knows who wrote it */
    assert_int_equal(core.save_id, 0);
}

/* A lost canvass of the very number that we lead or have renewed to. */
static void l9_over_a_canvass_of_our_own_number(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    (void)step_hear(&core, T0 + 100, fixture_note(3, CORE_PHASE_RESIGNED, 1, 0));
    assert_int_equal(core.wanted.term, 2);
}

/* ---- D2: restarts
 * ----------------------------------------------------------------------- */

enum found { WRITABLE, IN_RECOVERY, FROZEN, DEAD, GONE, STOPPED, N_FOUND };

static struct core restart(enum core_duty duty, enum found found)
{
    static const enum core_local locals[] = {CORE_LOCAL_RUNNING, CORE_LOCAL_RUNNING,
                                             CORE_LOCAL_FROZEN,  CORE_LOCAL_DEAD,
                                             CORE_LOCAL_GONE,    CORE_LOCAL_GONE};
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_leader();
    struct core_observation self = fixture_failed(FIXTURE_SELF, REACH_REFUSED);
    struct core core;

    durable.duty = duty;
    if (duty == CORE_DUTY_FOLLOWER)
        durable.leader_id = 1;
    if (duty != CORE_DUTY_LEADING)
        durable.armed = durable.recorded = false;
    if (found == WRITABLE || found == IN_RECOVERY)
        self = found == WRITABLE ? fixture_primary(FIXTURE_SELF)
                                 : fixture_standby(FIXTURE_SELF);
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, locals[found], found == STOPPED);
    (void)step_see(&core, T0, fixture_failed(1, REACH_REFUSED));
    (void)step_see(&core, T0, self);
    return core;
}

/* What is done to own PostgreSQL, what is written. -1: nothing. */
static void expect(enum core_duty duty,
                   enum found found,
                   enum core_state state,
                   int fence,
                   int written)
{
    struct core core = restart(duty, found);

    if (core.state != state)
        fail_msg("duty %d, found %d: state %d", duty, found, core.state);
    if ((core.fence_id == 0 ? -1 : (int)core.fence_kind) != fence)
        fail_msg("duty %d, found %d: fence %d", duty, found, core.fence_kind);
    if ((core.save_id == 0 ? -1 : (int)core.wanted.duty) != written)
        fail_msg("duty %d, found %d: wrote %d", duty, found, core.wanted.duty);
    assert_int_not_equal(core.note.phase, CORE_PHASE_CANVASS);
}

static void d2_a_follower_takes_up_nothing(void **state)
{
    enum core_duty duty = CORE_DUTY_FOLLOWER;

    (void)state;
    /* Writable without a right to it: a claim, which waits for its promise (V1). */
    expect(duty, WRITABLE, CORE_CANVASSING, CORE_EFF_FREEZE, -1);
    expect(duty, IN_RECOVERY, CORE_SUSPECTING, -1, -1);
    expect(duty, FROZEN, CORE_RESIGNING, CORE_EFF_KILL, -1);
    expect(duty, DEAD, CORE_STARTING, -1, -1);
    expect(duty, GONE, CORE_STARTING, -1, -1);
    expect(duty, STOPPED, CORE_STARTING, -1, -1);
}

static void d2_a_candidate_resigns(void **state)
{
    enum core_duty duty = CORE_DUTY_CANDIDATE;

    (void)state;
    for (int found = IN_RECOVERY; found < N_FOUND; found++) {
        struct core core = restart(duty, (enum found)found);

        (void)settle(&core, T0 + 10);
        if (core.fence_id != 0)
            (void)step_done(&core, T0 + 20, core.fence_id, true);
        (void)settle(&core, T0 + 30);
        assert_int_equal(core.durable.duty, CORE_DUTY_RESIGNED);
    }
}

/* It may be done, or end late: it counts as writable until proved gone (C5). */
static void d2_a_promotion_is_never_taken_up(void **state)
{
    enum core_duty duty = CORE_DUTY_PROMOTING;

    (void)state;
    for (int found = WRITABLE; found <= DEAD; found++)
        expect(duty, (enum found)found, CORE_RESIGNING, CORE_EFF_KILL, -1);
}

static void d2_a_leader_leads_again(void **state)
{
    enum core_duty duty = CORE_DUTY_LEADING;

    (void)state;
    /* Armed and without a ballot: frozen until there is one. */
    expect(duty, WRITABLE, CORE_PRIMARY, CORE_EFF_FREEZE, -1);
    expect(duty, FROZEN, CORE_PRIMARY, -1, -1);
    /* G1: restarted behind our back; nothing to kill. */
    expect(duty, IN_RECOVERY, CORE_RESIGNING, -1, CORE_DUTY_RESIGNED);
    expect(duty, DEAD, CORE_RESIGNING, CORE_EFF_KILL, -1);
    expect(duty, GONE, CORE_RESIGNING, -1, CORE_DUTY_RESIGNED);
    expect(duty, STOPPED, CORE_PRIMARY, -1, -1); /* a window, as if we had seen it */
}

static void d2_who_resigned_never_leads_that_term_again(void **state)
{
    enum core_duty duty = CORE_DUTY_RESIGNED;

    (void)state;
    /* A claim is for a new term: written before it is said. */
    expect(duty, WRITABLE, CORE_CANVASSING, CORE_EFF_FREEZE, CORE_DUTY_CANDIDATE);
    expect(duty, IN_RECOVERY, CORE_SUSPECTING, -1, -1);
    expect(duty, FROZEN, CORE_RESIGNING, CORE_EFF_KILL, -1);
    expect(duty, DEAD, CORE_STARTING, -1, -1);
    expect(duty, GONE, CORE_STARTING, -1, -1);
}

/* The ballots of the former run are good, by the same clock. */
static struct core inherited(int64_t lease_until_ms)
{
    struct core_settings settings = fixture_settings();
    struct core_event event = {.kind = CORE_EV_START, .now = {T0}};
    struct core_effects effects;
    struct core core;

    event.start.durable = fixture_leader();
    event.start.lease_until.ms = lease_until_ms;
    core_init(&core, &settings);
    core_step(&core, &event, &effects);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0, fixture_primary(FIXTURE_SELF));
    assert_int_equal(core.state, CORE_PRIMARY);
    return core;
}

static void d2_the_lease_of_the_former_run_holds(void **state)
{
    struct core core = inherited(T0 + 1000);

    (void)state;
    assert_int_equal(core.fence_id, 0);
    assert_int_equal(core.lease_told.ms, T0 + 1000);
    (void)step_tick(&core, T0 + 999);
    assert_int_equal(core.fence_id, 0);
    (void)step_tick(&core, T0 + 1000);
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
    /* No lease is longer than half a window: that page is not of this clock. */
    core = inherited(T0 + LEASE + 1);
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
}

/* It is the lease of a leadership, and of nothing that comes after. */
static void d2_only_a_leader_inherits(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_event event = {.kind = CORE_EV_START, .now = {T0}};
    struct core_effects effects;

    (void)state;
    for (int duty = CORE_DUTY_FOLLOWER; duty <= CORE_DUTY_RESIGNED; duty++) {
        struct core core;

        event.start.durable = fixture_leader();
        event.start.durable.duty = (enum core_duty)duty;
        event.start.lease_until.ms = T0 + LEASE;
        core_init(&core, &settings);
        core_step(&core, &event, &effects);
        (void)step_members(&core, T0, 3);
        core.lead_since.ms = T0;
        assert_int_equal(lease_is_valid(&core), duty == CORE_DUTY_LEADING);
    }
}

static void d2_a_resignation_ends_it(void **state)
{
    struct core core = inherited(T0 + LEASE);

    (void)state;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_DEAD, false);
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_false(lease_is_valid(&core));
}

/* M4: stopped in good order, or to be kept: time to collect ballots. */
static void m4_a_grace_after_a_stop_in_good_order(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_leader();
    struct core core;

    (void)state;
    durable.rested = true;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0, fixture_primary(FIXTURE_SELF));
    (void)settle(&core, T0);
    assert_int_equal(core.fence_id, 0);
    assert_int_equal(core.lease_told.ms, T0 + 4 * FIXTURE_BEAT);
    (void)step_tick(&core, T0 + 4 * FIXTURE_BEAT - 1);
    assert_int_equal(core.fence_id, 0);
    (void)step_tick(&core, T0 + 4 * FIXTURE_BEAT);
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
}

static const struct core_effects *stop(struct core *core, int64_t at, bool handover)
{
    struct core_event event = {.kind = CORE_EV_STOP, .now = {at}};
    static struct core_effects effects;

    event.stop.handover = handover;
    core_step(core, &event, &effects);
    return &effects;
}

static void m4_a_stop_in_good_order_leaves_postgresql_alone(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects = stop(&core, T0 + 100, false);

    (void)state;
    assert_true(find_effect(effects, CORE_EFF_SAVE)->durable.rested);
    assert_true(find_effect(effects, CORE_EFF_LEASE)->freeze_at.ms == MONO_NEVER.ms);
}

/* Processes are looked at once a second only. */
static void l3_a_new_session_proves_that_a_postmaster_is_there(void **state)
{
    struct core core = fixture_following(3);
    struct core_observation seen = fixture_standby(FIXTURE_SELF);

    (void)state;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_GONE, false);
    seen.connected = false; /* on its way since before it died */
    (void)step_see(&core, T0 + 110, seen);
    assert_int_equal(core.local, CORE_LOCAL_GONE);
    seen.connected = true;
    (void)step_see(&core, T0 + 400, seen);
    assert_int_equal(core.local, CORE_LOCAL_RUNNING);
    assert_int_equal(core.local_gone_at.ms, 0);
}

/* L7: its sentry must not let a promotion end with nobody there. */
static void m4_a_promotion_is_guarded_though_the_daemon_stops(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects;

    (void)state;
    core.state = CORE_PROMOTING;
    core.durable.duty = CORE_DUTY_PROMOTING;
    core.action_id = 99;
    core.action_deadline = (struct mono){T0 + 100000};
    effects = stop(&core, T0 + 100, false);
    assert_null(find_effect(effects, CORE_EFF_LEASE));
    assert_true(core.lease_told.ms < MONO_NEVER.ms);
}

/* M1: two of three are enough, three of four are not there. */
static void m1_a_new_voter_ends_no_lease_of_the_past(void **state)
{
    struct core core = fixture_leading(3);
    struct core_event event = {.kind = CORE_EV_MEMBERS, .now = {T0 + 5000}};
    struct core_member four[4];
    struct core_effects effects;

    (void)state;
    (void)step_read(&core, T0 + 2900, 3, fixture_ballot(3, 1, T0 + 2800));
    for (int i = 0; i < 3; i++)
        four[i] = core.members[i];
    four[3] = core.members[2];
    four[3].id = 4;
    event.members.v = four;
    event.members.n = 4;
    event.members.version = 2;
    fixture_peer(&core, 2)->ballot_term = 0;
    assert_true(lease_is_valid(&core));
    core_step(&core, &event, &effects);
    assert_false(lease_is_valid(&core));
    assert_int_equal(core.state, CORE_PRIMARY); /* frozen, not ended */
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
    (void)step_done(&core, T0 + 5050, core.fence_id, true);
    (void)step_tick(&core, T0 + 5000 + FIXTURE_W / 2 - 1);
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_tick(&core, T0 + 5000 + FIXTURE_W / 2);
    assert_int_equal(core.state, CORE_RESIGNING);
}

/* M1: somebody has kept a membership that no table has any more. */
static void m1_a_leader_raises_the_version_above_all_that_are_kept(void **state)
{
    struct core core = fixture_leading(3);
    struct core_note note = fixture_note(3, CORE_PHASE_FOLLOW, 1, 1);
    const struct core_effects *effects;

    (void)state;
    (void)settle(&core, T0 + 10);
    if (core.raise_id != 0)
        (void)step_done(&core, T0 + 20, core.raise_id, true);
    assert_int_equal(core.raised, core.durable.members_version);
    note.members_version = 256;
    effects = step_hear(&core, T0 + 2000, note);
    assert_non_null(find_effect(effects, CORE_EFF_RAISE));
    assert_int_equal(find_effect(effects, CORE_EFF_RAISE)->members_version, 256);
    (void)step_done(&core, T0 + 2010, core.raise_id, false);
    effects = step_tick(&core, T0 + 2020);
    assert_null(find_effect(effects, CORE_EFF_RAISE)); /* a beat later */
    effects = step_tick(&core, T0 + 2010 + FIXTURE_BEAT);
    assert_non_null(find_effect(effects, CORE_EFF_RAISE));
    (void)step_done(&core, T0 + 2600, core.raise_id, true);
    effects = step_tick(&core, T0 + 5000);
    assert_null(find_effect(effects, CORE_EFF_RAISE));
}

static void m4_a_handover_resigns_once_postgresql_is_stopped(void **state)
{
    struct core core = fixture_leading(3);
    const struct core_effects *effects = stop(&core, T0 + 100, true);

    (void)state;
    assert_null(find_effect(effects, CORE_EFF_LEASE)); /* fenced as ever */
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_local(&core, T0 + 500, CORE_LOCAL_GONE, true);
    assert_int_equal(core.resign_why, CORE_WHY_STOPPED);
    (void)settle(&core, T0 + 500);
    assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
}

/* on_daemon_loss = keep: it stood still for long, and was supported all the time. */
static void m4_a_daemon_that_stood_still_reads_before_it_judges(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    (void)step_tick(&core, T0 + 60000); /* fence: the sentry has done that already */
    assert_int_equal(core.state, CORE_RESIGNING);
    core = fixture_leading(3);
    core.settings.keep_on_daemon_loss = true;
    (void)step_tick(&core, T0 + 60000);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.fence_id, 0);
    (void)step_tick(&core, T0 + 60000 + 4 * FIXTURE_BEAT); /* not twice */
    assert_int_equal(core.fence_kind, CORE_EFF_FREEZE);
    (void)step_supported(&core, T0 + 61500);
    assert_int_equal(core.state, CORE_PRIMARY);
    core = fixture_leading(3);
    core.settings.keep_on_daemon_loss = true;
    (void)core_post(&core,
                    (struct mono){T0 + 60000}); /* the first that it did was to ask */
    (void)step_tick(&core, T0 + 60001);
    assert_int_equal(core.state, CORE_PRIMARY);
}

/* Else the sentry of a daemon that stands still in that moment strikes too early. */
static void m4_a_lease_that_is_longer_than_the_grace_counts(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable durable = fixture_leader();
    struct core core;

    (void)state;
    durable.rested = true;
    core_init(&core, &settings);
    (void)step_start(&core, T0, durable);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0, fixture_primary(FIXTURE_SELF));
    assert_int_equal(core.lease_told.ms, T0 + 4 * FIXTURE_BEAT);
    (void)step_supported(&core, T0 + 10);
    assert_int_equal(core.lease_told.ms, T0 + 10 + LEASE);
}

/* ---- D3: no state file
 * ---------------------------------------------------------------- */

static void d3_without_a_state_file_it_leads_only_where_nobody_votes(void **state)
{
    struct core_settings settings = fixture_settings();
    struct core_durable none = {0};
    struct core core;

    (void)state;
    core_init(&core, &settings);
    (void)step_start(&core, T0, none);
    (void)step_members(&core, T0, 3);
    (void)step_local(&core, T0, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0, fixture_primary(FIXTURE_SELF));
    assert_int_equal(core.state, CORE_PRIMARY);
    (void)step_see(&core, T0 + 9 * FIXTURE_W, fixture_primary(FIXTURE_SELF));
    assert_int_equal(core.fence_id, 0);
    /* Somebody has promised something to somebody. */
    (void)step_hear(&core, T0 + 9 * FIXTURE_W, fixture_ask(3));
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.resign_why, CORE_WHY_NO_STATE);
    assert_int_equal(core.fence_kind, CORE_EFF_KILL);
}

/* ---- not led, and yet frozen or stopped
 * ---------------------------------------------------- */

static void l6_frozen_without_a_leader_is_ended_and_started(void **state)
{
    struct core core = fixture_following(3);

    (void)state;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_FROZEN, false); /* a late sentry */
    assert_int_equal(core.state, CORE_RESIGNING);
    assert_int_equal(core.fence_kind, CORE_EFF_KILL);
    (void)step_done(&core, T0 + 200, core.fence_id, true);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_int_not_equal(core.start_id, 0);
}

/* The others wait for the WAL of one that led, and neither crashed nor hung. */
static void e9_it_says_that_its_report_is_coming(void **state)
{
    const struct {
        enum core_local local;
        bool coming;
    } ends[] = {
        {CORE_LOCAL_RUNNING, true },
        {CORE_LOCAL_GONE,    false}
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct core core = fixture_leading(3);

        /* Without ballots for too long, or crashed. */
        (void)step_local(&core, T0 + 100, ends[i].local, false);
        (void)step_tick(&core, T0 + LEASE + FIXTURE_W);
        if (core.fence_id != 0)
            (void)step_done(&core, T0 + LEASE + FIXTURE_W + 10, core.fence_id, true);
        (void)settle(&core, T0 + LEASE + FIXTURE_W + 10);
        assert_int_equal(core.note.phase, CORE_PHASE_RESIGNED);
        assert_int_equal(core.note.report.coming, ends[i].coming);
    }
}

/* It was started by its init meanwhile: days later an administrator stops it, and then
 * it stays so. */
static void l6_what_somebody_else_started_is_not_started_again(void **state)
{
    struct core core = fixture_leading(3);

    (void)state;
    (void)step_local(&core, T0 + 100, CORE_LOCAL_GONE, false);
    (void)settle(&core, T0 + 100);
    assert_int_equal(core.state, CORE_ELECTING);
    assert_true(core.start_wanted);
    (void)step_local(&core, T0 + 200, CORE_LOCAL_RUNNING, false);
    (void)step_see(&core, T0 + 300, fixture_standby(FIXTURE_SELF));
    (void)step_local(&core, T0 + 9 * FIXTURE_W, CORE_LOCAL_GONE, true);
    (void)step_tick(&core, T0 + 11 * FIXTURE_W);
    assert_int_equal(core.start_id, 0);
}

static void l6_a_start_that_fails_is_tried_five_times(void **state)
{
    struct core core = fixture_leading(3);
    int64_t at = T0 + 100;
    int tries = 0;

    (void)state;
    (void)step_local(&core, at, CORE_LOCAL_GONE, false);
    (void)settle(&core, at);
    for (int i = 0; i < 30; i++) {
        at += FIXTURE_W;
        (void)step_tick(&core, at);
        if (core.start_id == 0)
            continue;
        tries++;
        (void)step_done(&core, at, core.start_id, false);
    }
    assert_int_equal(tries, 5);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(l1_the_lease_is_the_majoritys_oldest_ballot),
        T(l1_a_ballot_is_worth_the_shorter_window),
        T(l1_only_voters_count),
        T(l1_ballots_of_another_term_do_not_count),
        T(l1_two_nodes_q2),
        T(l3_lead_is_said_only_while_postgresql_does),
        T(l3_a_crash_resigns_at_once),
        T(l3_or_restarts_in_place_once),
        T(l3_proved_gone_needs_no_kill),
        T(l3_an_orderly_stop_is_given_a_window),
        T(l3_a_hang_is_given_half_a_window),
        T(l3_a_restart_in_place_is_given_its_patience),
        T(l3_who_came_up_in_recovery_resigns),
        T(l4_frozen_at_exactly_the_lapse),
        T(l4_a_freeze_by_the_sentry_is_said_as_well),
        T(l5_continued_only_with_a_valid_lease),
        T(l5_gets_time_to_answer_once_it_is_continued),
        T(l5_frozen_too_long_resigns),
        T(l5_continued_when_it_needs_no_lease_any_more),
        T(l6_kill_then_write_then_say),
        T(l6_with_fencing_stop_without_a_freeze),
        T(l6_not_where_it_is_not_wanted),
        T(l4_the_first_lease_arms),
        T(l7_the_sentry_knows_each_new_deadline),
        T(l8_a_later_leader_ends_ours),
        T(l9_a_higher_promise_is_led_by_renewal),
        T(l9_not_without_a_lease_nor_over_ones_that_linger),
        T(l9_over_a_canvass_of_our_own_number),
        T(d2_a_follower_takes_up_nothing),
        T(d2_a_candidate_resigns),
        T(d2_a_promotion_is_never_taken_up),
        T(d2_a_leader_leads_again),
        T(d2_who_resigned_never_leads_that_term_again),
        T(d2_the_lease_of_the_former_run_holds),
        T(d2_only_a_leader_inherits),
        T(d2_a_resignation_ends_it),
        T(m4_a_grace_after_a_stop_in_good_order),
        T(m4_a_stop_in_good_order_leaves_postgresql_alone),
        T(l3_a_new_session_proves_that_a_postmaster_is_there),
        T(m4_a_promotion_is_guarded_though_the_daemon_stops),
        T(m1_a_new_voter_ends_no_lease_of_the_past),
        T(m1_a_leader_raises_the_version_above_all_that_are_kept),
        T(m4_a_handover_resigns_once_postgresql_is_stopped),
        T(m4_a_daemon_that_stood_still_reads_before_it_judges),
        T(m4_a_lease_that_is_longer_than_the_grace_counts),
        T(d3_without_a_state_file_it_leads_only_where_nobody_votes),
        T(l6_frozen_without_a_leader_is_ended_and_started),
        T(e9_it_says_that_its_report_is_coming),
        T(l6_what_somebody_else_started_is_not_started_again),
        T(l6_a_start_that_fails_is_tried_five_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
