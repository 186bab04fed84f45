/* member.c - the version of the membership (M1). */
#include "core/member.h"

#include "core/board.h"
#include "core/effect.h"
#include "core/view.h"

/* The newest membership that anybody here keeps in its file. */
static int64_t newest_kept(const struct core *core)
{
    int64_t version = core->durable.members_version;

    for (int i = 0; i < core->n_members; i++)
        if (board_is_fresh(core, &core->peers[i]) &&
            core->peers[i].note.members_version > version)
            version = core->peers[i].note.members_version;
    return version;
}

bool member_is_outdated(const struct core *core, int i)
{
    return CORE_RULE(E9_MEMBERS) &&
           core->peers[i].note.members_version < core->durable.members_version;
}

void member_led(struct core *core)
{
    core->raised = 0;
    core->raise_id = 0;
}

void member_raise(struct core *core, struct core_effects *out)
{
    int64_t version = newest_kept(core);
    struct core_effect *effect;

    if (CORE_WITHOUT(M1_RAISED) || !core->lead_recorded || core->raise_id != 0 ||
        version <= core->raised || !mono_reached(core->raise_after, core->now) ||
        !view_self_is_up(core))
        return;
    core->raise_id = ++core->last_id;
    core->raising = version;
    effect = effect_emit(out, CORE_EFF_RAISE);
    effect->id = core->raise_id;
    effect->members_version = version;
}

void member_raised(struct core *core, uint32_t id, bool ok)
{
    if (id != core->raise_id)
        return;
    core->raise_id = 0;
    core->raise_after = mono_add(core->now, core->settings.beat_ms);
    if (ok)
        core->raised = core->raising;
}
