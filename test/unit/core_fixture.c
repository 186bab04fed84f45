/* core_fixture.c - see core_fixture.h. */
#include "core_fixture.h"

#include <stdio.h>
#include <string.h>

#include "core/board.h"

#define NOW 100000

static struct core_effects effects;

/* ---- what is given to a core -------------------------------------------------------
 */

struct core_settings fixture_settings(void)
{
    return (struct core_settings){
        .self_id = FIXTURE_SELF,
        .self_name = "node2",
        .failover = CORE_FAILOVER_AUTOMATIC,
        .check = CORE_CHECK_PING,
        .reconnect_attempts = 3,
        .reconnect_interval_ms = 2000,
        .beat_ms = FIXTURE_BEAT,
        .startup_patience_ms = 60000,
        .promote_deadline_ms = 20000,
        .follow_deadline_ms = 20000,
        .boot = FIXTURE_BOOT,
    };
}

struct core_durable fixture_follower(void)
{
    return (struct core_durable){
        .incarnation = 1,
        .term = 1,
        .leader_id = 1,
        .duty = CORE_DUTY_FOLLOWER,
        .window_ms = FIXTURE_W,
        .members_version = 1,
    };
}

struct core_durable fixture_leader(void)
{
    struct core_durable durable = fixture_follower();

    durable.leader_id = FIXTURE_SELF;
    durable.duty = CORE_DUTY_LEADING;
    durable.lead_term = 1;
    durable.armed = true;
    durable.recorded = true;
    return durable;
}

static struct core_member member(int id)
{
    struct core_member result = {
        .id = id, .priority = 100, .active = true, .voting = true};

    result.role = id == 1 ? CORE_ROLE_PRIMARY : CORE_ROLE_STANDBY;
    result.upstream_id = id == 1 ? 0 : 1;
    (void)snprintf(result.name, sizeof result.name, "node%d", id);
    return result;
}

/* Field by field where fields are structs: clang-format 14 dies of nested braces here.
 */
struct core_observation fixture_standby(int id)
{
    struct core_observation seen = {
        .node_id = id,
        .reach = REACH_OK,
        .in_recovery = true,
        .system_identifier = FIXTURE_SYSTEM,
        .timeline = 1,
        .term = 1,
        .receiver_age_ms = -1,
    };

    seen.position.pos = 0x1000;
    seen.replayed.pos = 0x1000;
    return seen;
}

struct core_observation fixture_primary(int id)
{
    struct core_observation seen = fixture_standby(id);

    seen.in_recovery = false;
    return seen;
}

struct core_observation fixture_failed(int id, enum reach reach)
{
    return (struct core_observation){.node_id = id, .reach = reach};
}

struct core_note
fixture_note(int id, enum core_phase phase, int64_t term, int leader_id)
{
    return (struct core_note){
        .phase = phase,
        .node_id = id,
        .term = term,
        .leader_id = leader_id,
        .window_ms = FIXTURE_W,
        .members_version = 1,
        .incarnation = 1,
    };
}

static struct core_report known_report(void)
{
    struct core_report report = {.known = true, .term = 1};

    report.position.pos = 0x1000;
    return report;
}

struct core_note fixture_ask(int id)
{
    struct core_note note = fixture_note(id, CORE_PHASE_ASK, 1, 0);

    note.report = known_report();
    return note;
}

struct core_note fixture_ballot(int id, int64_t term, int64_t echo_ms)
{
    struct core_note note = fixture_note(id, CORE_PHASE_VOTE, term, FIXTURE_SELF);

    note.echo = (struct core_stamp){FIXTURE_BOOT, echo_ms};
    note.report = known_report();
    return note;
}

/* ---- cores -------------------------------------------------------------------------
 */

struct core fixture_core(int n)
{
    struct core_settings settings = fixture_settings();
    struct core_member members[CORE_MAX_NODES];
    struct core core;

    for (int i = 0; i < n; i++)
        members[i] = member(i + 1);
    core_init(&core, &settings);
    core.now.ms = NOW;
    view_set_members(&core, members, n);
    core.members_version = 1;
    core.system_identifier = FIXTURE_SYSTEM;
    return core;
}

void fixture_see(struct core *core, struct core_observation seen)
{
    view_observe(core, &seen);
}

/* The clock of all other hosts. */
static struct core_stamp next_stamp(int id)
{
    static int64_t ms = 1000;

    return (struct core_stamp){100 + (uint32_t)id, ++ms};
}

void fixture_hear(struct core *core, struct core_note note)
{
    for (int i = 0; i < 2; i++) {
        note.stamp = next_stamp(note.node_id);
        board_take(core, note.node_id, &note, 1);
    }
}

struct core fixture_electing(int n)
{
    struct core core = fixture_core(n);

    core.state = CORE_ELECTING;
    core.durable = fixture_follower();
    core.durable.revoked = true;
    core.durable.pair_version = n == 2 ? 1 : 0;
    core.wanted = core.durable;
    core.report = known_report();
    core.primary_id = 1;
    core.upstream_id = 1;
    core.suspect_id = 1;
    core.first_missed.ms = NOW - FIXTURE_W;
    core.survey_at.ms = NOW - FIXTURE_BEAT;
    core.since.ms = NOW - FIXTURE_BEAT;
    core.term = 1;
    core.term_at.ms = 1;
    fixture_see(&core, fixture_failed(1, REACH_REFUSED));
    for (int id = 2; id <= n; id++) {
        fixture_see(&core, fixture_standby(id));
        fixture_hear(&core, fixture_ask(id));
    }
    return core;
}

struct core_view *fixture_view(struct core *core, int id)
{
    return &core->views[view_index(core, id)];
}

struct core_peer *fixture_peer(struct core *core, int id)
{
    return &core->peers[view_index(core, id)];
}

struct core_member *fixture_member(struct core *core, int id)
{
    return &core->members[view_index(core, id)];
}

/* ---- steps -------------------------------------------------------------------------
 */

static const struct core_effects *
step(struct core *core, int64_t at, struct core_event event)
{
    event.now.ms = at;
    core_step(core, &event, &effects);
    return &effects;
}

const struct core_effects *
step_start(struct core *core, int64_t at, struct core_durable durable)
{
    struct core_event event = {.kind = CORE_EV_START};

    event.start.durable = durable;
    return step(core, at, event);
}

const struct core_effects *step_tick(struct core *core, int64_t at)
{
    return step(core, at, (struct core_event){.kind = CORE_EV_TICK});
}

const struct core_effects *step_members(struct core *core, int64_t at, int n)
{
    struct core_event event = {.kind = CORE_EV_MEMBERS};
    struct core_member members[CORE_MAX_NODES];

    for (int i = 0; i < n; i++)
        members[i] = member(i + 1);
    event.members.v = members;
    event.members.n = n;
    event.members.version = n > 0;
    return step(core, at, event);
}

const struct core_effects *
step_see(struct core *core, int64_t at, struct core_observation seen)
{
    struct core_event event = {.kind = CORE_EV_OBSERVED};

    event.observed = seen;
    return step(core, at, event);
}

const struct core_effects *
step_done(struct core *core, int64_t at, uint32_t id, bool ok)
{
    struct core_event event = {.kind = CORE_EV_DONE};

    event.done.id = id;
    event.done.ok = ok;
    event.done.report = known_report();
    return step(core, at, event);
}

const struct core_effects *
step_local(struct core *core, int64_t at, enum core_local local, bool clean)
{
    struct core_event event = {.kind = CORE_EV_LOCAL};

    event.local.local = local;
    event.local.clean = clean;
    return step(core, at, event);
}

const struct core_effects *
step_settings(struct core *core, int64_t at, struct core_settings settings)
{
    struct core_event event = {.kind = CORE_EV_SETTINGS};

    event.settings = settings;
    return step(core, at, event);
}

const struct core_effects *
step_read(struct core *core, int64_t at, int board_id, struct core_note note)
{
    struct core_event event = {.kind = CORE_EV_OBSERVED, .notes = &note, .n_notes = 1};
    bool leads = board_id == note.node_id
                     ? note.phase == CORE_PHASE_LEAD || note.phase == CORE_PHASE_RENEW
                     : board_id == 1;

    event.observed = leads ? fixture_primary(board_id) : fixture_standby(board_id);
    return step(core, at, event);
}

/* The effects of several steps. */
static struct core_effects all;

static void gather(void)
{
    assert_true(all.n + effects.n <= CORE_MAX_EFFECTS);
    memcpy(all.v + all.n, effects.v, (size_t)effects.n * sizeof effects.v[0]);
    all.n += effects.n;
}

const struct core_effects *
step_hear(struct core *core, int64_t at, struct core_note note)
{
    all.n = 0;
    for (int i = 0; i < 2; i++) {
        note.stamp = next_stamp(note.node_id);
        (void)step_read(core, at, note.node_id, note);
        gather();
    }
    return &all;
}

const struct core_effects *settle(struct core *core, int64_t at)
{
    all.n = 0;
    for (int i = 0; i < 20; i++) {
        uint32_t id = core->save_id != 0     ? core->save_id
                      : core->revoke_id != 0 ? core->revoke_id
                                             : core->lead_id;

        if (id == 0)
            break;
        (void)step_done(core, at, id, true);
        gather();
    }
    return &all;
}

static struct core started(int n, struct core_durable durable)
{
    struct core_settings settings = fixture_settings();
    struct core core;

    core_init(&core, &settings);
    (void)step_start(&core, FIXTURE_T0, durable);
    (void)step_members(&core, FIXTURE_T0, n);
    (void)step_local(&core, FIXTURE_T0, CORE_LOCAL_RUNNING, false);
    return core;
}

struct core fixture_following(int n)
{
    struct core core = started(n, fixture_follower());
    int64_t at = FIXTURE_T0 + 2;

    (void)step_see(&core, at, fixture_standby(FIXTURE_SELF));
    (void)step_hear(&core, at, fixture_note(1, CORE_PHASE_LEAD, 1, 1));
    (void)settle(&core, FIXTURE_T0 + 3);
    assert_int_equal(core.state, CORE_STANDBY);
    assert_int_equal(core_post(&core, (struct mono){FIXTURE_T0 + 3}).leader_id, 1);
    return core;
}

const struct core_effects *step_supported(struct core *core, int64_t at)
{
    static struct core_effects gathered;

    gathered.n = 0;
    for (int i = 0; i < core->n_members; i++) {
        struct core_note note =
            fixture_ballot(core->members[i].id, core->durable.term, at);

        if (note.node_id == FIXTURE_SELF)
            continue;
        note.phase = CORE_PHASE_FOLLOW;
        note.report.known = false;
        (void)step_hear(core, at, note);
        memcpy(gathered.v + gathered.n, all.v, (size_t)all.n * sizeof all.v[0]);
        gathered.n += all.n;
    }
    return &gathered;
}

struct core fixture_leading(int n)
{
    struct core core = started(n, fixture_leader());

    (void)step_supported(&core, FIXTURE_T0);
    (void)step_see(&core, FIXTURE_T0, fixture_primary(FIXTURE_SELF));
    (void)settle(&core, FIXTURE_T0);
    assert_int_equal(core.state, CORE_PRIMARY);
    assert_int_equal(core.note.phase, CORE_PHASE_LEAD);
    assert_int_equal(core.local, CORE_LOCAL_RUNNING);
    return core;
}

/* ---- what came of it ---------------------------------------------------------------
 */

int n_effects(const struct core_effects *from, enum core_effect_kind kind)
{
    int n = 0;

    for (int i = 0; i < from->n; i++)
        n += from->v[i].kind == kind;
    return n;
}

const struct core_effect *find_effect(const struct core_effects *from,
                                      enum core_effect_kind kind)
{
    for (int i = 0; i < from->n; i++)
        if (from->v[i].kind == kind)
            return &from->v[i];
    return NULL;
}

bool says(const struct core_effects *from, enum core_message message)
{
    for (int i = 0; i < from->n; i++)
        if (from->v[i].kind == CORE_EFF_REPORT && from->v[i].message == message)
            return true;
    return false;
}

bool records(const struct core_effects *from, enum core_record record)
{
    for (int i = 0; i < from->n; i++)
        if (from->v[i].kind == CORE_EFF_EVENT && from->v[i].record == record)
            return true;
    return false;
}
