/* post.c - own note: only what is durable already is said. */
#include "core/post.h"

#include <stddef.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/catchup.h"
#include "core/internal.h"
#include "core/lease.h"
#include "core/own.h"
#include "core/pause.h"
#include "core/view.h"

/* Why we would not lead, whatever happens. */
static bool will_not_lead(const struct core *core)
{
    return core->settings.failover == CORE_FAILOVER_MANUAL || core->settings.witness ||
           core_member(core, core->settings.self_id)->priority <= 0 ||
           !mono_reached(core->backoff_until, core->now);
}

/* Supporting ourselves: a leader, a candidate, or neither at this moment. */
static enum core_phase own_phase(const struct core *core)
{
    switch (core->durable.duty) {
    case CORE_DUTY_LEADING:
        if (!lease_may_say_lead(core))
            return CORE_PHASE_ASK;
        return core->renew_term != 0 && core->durable.term == core->renew_term
                   ? CORE_PHASE_RENEW
                   : CORE_PHASE_LEAD;
    case CORE_DUTY_PROMOTING:
        return CORE_PHASE_PROMOTE;
    case CORE_DUTY_CANDIDATE:
        return CORE_PHASE_CANVASS;
    case CORE_DUTY_FOLLOWER:
    case CORE_DUTY_RESIGNED:
        break;
    }
    return CORE_PHASE_ASK;
}

static enum core_phase free_phase(const struct core *core)
{
    if (pause_is_granted(core))
        return CORE_PHASE_PAUSED;
    if (core->durable.duty == CORE_DUTY_RESIGNED)
        return CORE_PHASE_RESIGNED;
    return will_not_lead(core) ? CORE_PHASE_PASS : CORE_PHASE_ASK;
}

struct core_note post_note(const struct core *core)
{
    int supported = ballot_supports(core);
    const struct core_peer *peer = board_peer(core, supported);
    struct core_note note = {
        .node_id = core->settings.self_id,
        .term = core->durable.term,
        .leader_id = supported,
        .report = ballot_own_report(core),
        .window_ms = core->durable.window_ms,
        .members_version = core->durable.members_version,
        .incarnation = core->durable.incarnation,
        .frozen = core->local == CORE_LOCAL_FROZEN,
        .voiceless = CORE_RULE(D3_VOICE) && core->durable.incarnation == 0,
    };

    note.report.coming =
        !note.report.known && (catchup_is_on(core) || own_report_is_coming(core));
    pause_post(core, &note);
    if (note.window_ms == 0 || note.window_ms > window_of(&core->settings))
        note.window_ms = window_of(&core->settings);
    if (supported == 0) {
        note.phase = free_phase(core);
    } else if (supported == core->settings.self_id) {
        note.phase = own_phase(core);
        if (note.phase == CORE_PHASE_ASK)
            note.leader_id = 0;
    } else {
        note.phase =
            peer->note.phase == CORE_PHASE_LEAD || peer->note.phase == CORE_PHASE_RENEW
                ? CORE_PHASE_FOLLOW
                : CORE_PHASE_VOTE;
    }
    /* A later term without "renew" would say that the led one is over
     * (board_is_over()): it is not, before it is resigned, whatever state we are in. */
    if (CORE_RULE(L9_LED) && core->durable.duty == CORE_DUTY_LEADING &&
        note.phase != CORE_PHASE_RENEW)
        note.term = core->durable.lead_term;
    return note;
}

bool post_is_same(const struct core_note *a, const struct core_note *b)
{
    return a->phase == b->phase && a->leader_id == b->leader_id && a->term == b->term &&
           a->report.known == b->report.known && a->report.coming == b->report.coming &&
           a->report.term == b->report.term &&
           lsn_cmp(a->report.position, b->report.position) == 0 &&
           a->frozen == b->frozen && a->voiceless == b->voiceless &&
           a->pause_version == b->pause_version && a->paused == b->paused &&
           a->relies == b->relies;
}

struct core_note core_post(struct core *core, struct mono now)
{
    struct core_note note;
    const struct core_peer *peer;

    core_pass_time(core, now);
    now = core->now;
    note = post_note(core);
    peer = board_peer(core, note.leader_id);
    note.stamp = (struct core_stamp){core->settings.boot, now.ms};
    core->posted = note.stamp;
    if (note.leader_id == core->settings.self_id)
        note.echo = note.stamp;
    if (note.leader_id == 0 || note.leader_id == core->settings.self_id)
        return note;
    /* L2: each supporting note extends the promise, from the moment it is written. */
    note.echo = peer->sign.stamp;
    if (CORE_RULE(L2_EXTENDS) &&
        core->promise_until.ms < mono_add(now, core->durable.window_ms).ms)
        core->promise_until = mono_add(now, core->durable.window_ms);
    return note;
}
