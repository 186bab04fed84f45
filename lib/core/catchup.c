/* catchup.c - see catchup.h. */
#include "core/catchup.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/elect.h"
#include "core/view.h"

const struct core_member *catchup_source(const struct core *core)
{
    const struct core_report *furthest = &core->report;
    const struct core_member *source = NULL;

    if (CORE_WITHOUT(E10_FETCHES) || core->catch_up_until.ms != 0)
        return NULL;
    for (int i = 0; i < core->n_members; i++) {
        const struct core_peer *peer = &core->peers[i];

        if (core->members[i].id == core->settings.self_id ||
            core->members[i].role == CORE_ROLE_WITNESS || !board_is_fresh(core, peer) ||
            peer->note.voiceless || elect_is_candidate(core, i) ||
            ballot_report_cmp(furthest, &peer->note.report) >= 0)
            continue;
        furthest = &peer->note.report;
        source = &core->members[i];
    }
    return source;
}

void catchup_begin(struct core *core, int source_id)
{
    core->catching_up = true;
    core->catch_up_to = board_peer(core, source_id)->note.report.position;
    core->catch_up_until = mono_add(core->now, window_of(&core->settings));
}

bool catchup_is_on(const struct core *core)
{
    const struct core_view *self = core_view(core, core->settings.self_id);

    return CORE_RULE(E10_ALL) && core->catching_up &&
           !mono_reached(core->catch_up_until, core->now) &&
           !(view_is_ours(core, self) &&
             lsn_cmp(self->seen.position, core->catch_up_to) >= 0);
}

void catchup_end(struct core *core)
{
    core->catching_up = false;
    core->upstream_id = 0;
}

void catchup_reset(struct core *core)
{
    core->catching_up = false;
    core->catch_up_until = (struct mono){0};
}
