/* own.c - see own.h. */
#include "core/own.h"

#include <stddef.h>

#include "core/board.h"
#include "core/effect.h"
#include "core/lease.h"
#include "core/view.h"

void own_count_freeze(struct core *core, bool frozen)
{
    int64_t span_ms = mono_diff(core->now, core->frozen_at);
    int64_t memory_ms = 3 * window_of(&core->settings);

    if (core->frozen_since.ms != 0)
        core->frozen_ms += mono_diff(core->now, core->frozen_at);
    else
        core->frozen_ms -= core->frozen_ms < span_ms ? core->frozen_ms : span_ms;
    if (core->frozen_ms > memory_ms)
        core->frozen_ms = memory_ms;
    core->frozen_at = core->now;
    if (!frozen && core->frozen_since.ms != 0)
        core->thawed_at = core->now;
    if (!frozen)
        core->frozen_since = (struct mono){0};
    else if (core->frozen_since.ms == 0)
        core->frozen_since = core->now;
}

void own_local(struct core *core, enum core_local local, bool clean)
{
    bool gone = local == CORE_LOCAL_DEAD || local == CORE_LOCAL_GONE;

    own_count_freeze(core, local == CORE_LOCAL_FROZEN);
    core->local = local;
    core->local_clean = gone && clean;
    if (local == CORE_LOCAL_GONE)
        core->local_writable = false;
    if (gone) {
        core->report.known = false;
        /* What it last said was said by processes that are no more. */
        if (!core->settings.witness && view_self(core)->seen.reach == REACH_OK)
            view_self(core)->seen.reach = REACH_REFUSED;
    }
    if (!gone)
        core->local_gone_at = (struct mono){0};
    else if (core->local_gone_at.ms == 0)
        core->local_gone_at = core->now;
}

void own_act(struct core *core, enum core_effect_kind kind, struct core_effects *out)
{
    struct core_effect *effect;

    if (core->fence_id != 0 || !mono_reached(core->fence_after, core->now))
        return;
    core->fence_id = ++core->last_id;
    core->fence_kind = kind;
    effect = effect_emit(out, kind);
    effect->id = core->fence_id;
    effect->deadline_ms = window_of(&core->settings) / 2;
}

void own_done(struct core *core, uint32_t id, bool ok)
{
    if (id == core->start_id) {
        core->start_id = 0;
        core->start_tries = ok ? 0 : core->start_tries + 1;
        core->start_wanted = !ok && core->start_tries < 5;
        core->start_after = mono_add(core->now, window_of(&core->settings));
        return;
    }
    if (id != core->fence_id)
        return;
    core->fence_id = 0;
    if (!ok) {
        core->fence_after = mono_add(core->now, core->settings.beat_ms);
        return;
    }
    if (core->fence_kind == CORE_EFF_FREEZE)
        own_local(core, CORE_LOCAL_FROZEN, false);
    else if (core->fence_kind == CORE_EFF_THAW)
        own_local(core, CORE_LOCAL_RUNNING, false);
    else
        own_local(core, CORE_LOCAL_GONE, false);
}

bool own_restart_in_place(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;

    if (!core->settings.restart_on_crash ||
        mono_diff(core->now, core->local_gone_at) >= window_of(&core->settings))
        return false;
    if (core->local == CORE_LOCAL_DEAD) {
        own_act(core, CORE_EFF_KILL, out);
        return core->fence_id != 0;
    }
    if (core->restarted)
        return core->start_id != 0;
    core->restarted = true;
    core->start_id = ++core->last_id;
    effect = effect_emit(out, CORE_EFF_START_PG);
    effect->id = core->start_id;
    effect->deadline_ms = window_of(&core->settings);
    return true;
}

void own_unleased(struct core *core, struct core_effects *out)
{
    if (core->local == CORE_LOCAL_RUNNING && lease_may_fence(core))
        own_act(core, CORE_EFF_FREEZE, out);
}

void own_start_again(struct core *core, struct core_effects *out)
{
    struct core_effect *effect;
    bool early = core->resign_why == CORE_WHY_CRASHED && board_leader(core, 0) != NULL;

    if (core->start_id == 0 && core->local != CORE_LOCAL_GONE && view_self_is_up(core))
        core->start_wanted = false; /* somebody else did */
    if (!core->start_wanted || core->start_id != 0 || core->local != CORE_LOCAL_GONE ||
        (!early && !mono_reached(core->start_after, core->now)))
        return;
    core->start_id = ++core->last_id;
    effect = effect_emit(out, CORE_EFF_START_PG);
    effect->id = core->start_id;
    effect->deadline_ms = core->settings.promote_deadline_ms;
}

bool own_report_is_coming(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    if (core->durable.duty != CORE_DUTY_RESIGNED || !core->led ||
        core->resign_why == CORE_WHY_CRASHED || core->resign_why == CORE_WHY_HUNG)
        return false;
    if (core->start_id != 0)
        return true;
    if (core->local == CORE_LOCAL_GONE)
        return core->start_wanted && mono_reached(core->start_after, core->now);
    if (core->local == CORE_LOCAL_RUNNING)
        return !core->local_writable; /* answering or about to */
    return view_is_ours(core, self) && self->seen.in_recovery;
}
