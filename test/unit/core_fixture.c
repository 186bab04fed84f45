/* core_fixture.c - see core_fixture.h. */
#include "core_fixture.h"

#include <stdio.h>
#include <string.h>

#define NOW 100000

static struct core_effects effects;

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
    };
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
    core.system_identifier = FIXTURE_SYSTEM;
    return core;
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
    seen.note.phase = CORE_PHASE_ASK;
    seen.note.node_id = id;
    seen.note.term = 1;
    return seen;
}

struct core_observation fixture_primary(int id)
{
    struct core_observation seen = fixture_standby(id);

    seen.in_recovery = false;
    seen.note = (struct core_note){
        .phase = CORE_PHASE_LEAD, .node_id = id, .leader_id = id, .term = 1};
    return seen;
}

struct core_observation fixture_failed(int id, enum reach reach)
{
    return (struct core_observation){.node_id = id, .reach = reach};
}

void fixture_see(struct core *core, struct core_observation seen)
{
    view_observe(core, &seen);
}

struct core fixture_electing(int n)
{
    struct core core = fixture_core(n);

    core.state = CORE_ELECTING;
    core.primary_id = 1;
    core.upstream_id = 1;
    core.suspect_id = 1;
    core.first_missed.ms = NOW - 6000;
    core.survey_at.ms = NOW - FIXTURE_BEAT;
    core.term = 1;
    core.term_at.ms = 1;
    fixture_see(&core, fixture_failed(1, REACH_REFUSED));
    for (int id = 2; id <= n; id++)
        fixture_see(&core, fixture_standby(id));
    return core;
}

struct core_view *fixture_view(struct core *core, int id)
{
    return &core->views[view_index(core, id)];
}

struct core_member *fixture_member(struct core *core, int id)
{
    return &core->members[view_index(core, id)];
}

static const struct core_effects *
step(struct core *core, int64_t at, struct core_event event)
{
    event.now.ms = at;
    core_step(core, &event, &effects);
    return &effects;
}

const struct core_effects *step_start(struct core *core, int64_t at)
{
    return step(core, at, (struct core_event){.kind = CORE_EV_START});
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
    return step(core, at, event);
}

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
