/* pause.c - a pause: voters promise to elect nobody, so that their leader needs no
 * ballots (M3).
 *
 *     operator  voter                                leader
 *     wish V -> writes V: no vote for ms + W
 *               says V                            -> enough voters say V: writes until
 *                                                    when it relies on that, and does
 *     wish V+1: none any more                     -> has ballots again: writes V+1,
 *               hears V+1 from its leader,        <- relies on nothing
 *               votes again
 *
 * A leader relies on V for ms from the newest sign of its own that a voter had echoed
 * *before* it said V: by that much its time ends before the voter's, which is W longer
 * besides. Whoever hears nothing is bound until its own clock says that it is over. */
#include "core/pause.h"

#include <stddef.h>

#include "core/board.h"
#include "core/effect.h"
#include "core/quorum.h"

/* ---- a voter ---------------------------------------------------------------------
 */

/* A voter's clock may be the faster one: by a hundredth. */
static int64_t promise_ms(const struct core *core, int64_t pause_ms)
{
    int64_t window_ms = window_of(&core->settings);

    if (core->durable.window_ms > window_ms)
        window_ms = core->durable.window_ms;
    return pause_ms + pause_ms / 100 + window_ms;
}

bool pause_is_granted(const struct core *core)
{
    return core->durable.pause_ms > 0;
}

bool pause_forbids(const struct core *core)
{
    return CORE_RULE(V1_PAUSE) && pause_is_granted(core);
}

/* Tells one set of voters from another. Its version would not do: a leader raises that
 * by itself (M1). In any order; of as many bits as a version has. */
static int64_t voters_of(const struct core *core)
{
    uint64_t sum = 0;

    for (int i = 0; i < core->n_members; i++) {
        uint64_t x = (uint64_t)core->members[i].id * UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        if (core->members[i].voting)
            sum += x ^ x >> 27;
    }
    return (int64_t)(sum & ((UINT64_C(1) << 40) - 1));
}

/* M3: the file says until when, by a clock that only this boot has. */
static void set_relied(struct core *core, const struct core_durable *durable)
{
    const struct core_stamp *until = &durable->relied_until;

    if (durable->duty == CORE_DUTY_LEADING && until->ms != 0 &&
        until->boot == core->settings.boot)
        core->relied_until.ms = until->ms;
    else if (!mono_reached(core->relied_until, core->now))
        core->relied_until.ms = 0; /* it was taken back */
}

void pause_start(struct core *core)
{
    if (pause_is_granted(core))
        core->pause_until =
            mono_add(core->now, promise_ms(core, core->durable.pause_ms));
    set_relied(core, &core->durable);
}

void pause_wish(struct core *core, const struct core_pause *wish)
{
    if (wish->version > core->pause.version)
        core->pause = *wish;
    if (core->pause.ms > CORE_MAX_PAUSE_MS)
        core->pause.ms = CORE_MAX_PAUSE_MS;
    /* Enough of another membership: what was relied on ends now. */
    if (core->durable.relied_until.ms != 0 &&
        core->durable.relied_members != voters_of(core) &&
        core->relied_until.ms > core->now.ms)
        core->relied_until = core->now;
}

/* The leader whom we promised has written that it relies on no pause up to its own
 * version, which is above ours; or that its term is over, which it does not write while
 * it relies. Who leads cannot have been elected beside another that relies on ours. */
static bool is_released(const struct core *core)
{
    const struct core_peer *peer = board_peer(core, core->durable.leader_id);

    if (core->durable.leader_id == 0)
        return false;
    if (board_is_over(core, core->durable.leader_id, core->durable.term))
        return true;
    /* Before it leads again after a restart, it does not fence itself yet. */
    return peer != NULL && core->durable.leader_id != core->settings.self_id &&
           board_shows_sign(core, peer) && !peer->note.relies &&
           peer->note.pause_version > core->durable.pause_version &&
           (peer->note.phase == CORE_PHASE_LEAD ||
            peer->note.phase == CORE_PHASE_RENEW);
}

static void keep_own(const struct core *core, struct core_durable *wanted)
{
    if (mono_reached(core->pause_until, core->now))
        wanted->pause_ms = 0;
    if (core->pause.ms <= 0 || core->pause.version <= core->durable.pause_version)
        return;
    wanted->pause_version = core->pause.version;
    if (wanted->pause_ms < core->pause.ms)
        wanted->pause_ms = core->pause.ms; /* what was granted before stands as well */
}

void pause_keep(const struct core *core, struct core_durable *wanted)
{
    if (is_released(core))
        wanted->pause_ms = 0;
    keep_own(core, wanted);
}

/* Counted from the write, in full. */
void pause_saved(struct core *core)
{
    const struct core_durable *wanted = &core->wanted;
    struct mono until = mono_add(core->now, promise_ms(core, wanted->pause_ms));

    if (wanted->pause_ms == 0)
        core->pause_until = (struct mono){0};
    else if (wanted->pause_version != core->durable.pause_version &&
             (until.ms > core->pause_until.ms ||
              wanted->pause_ms < core->durable.pause_ms))
        core->pause_until = until; /* the shorter one: the longer was taken back */
    set_relied(core, &core->wanted);
}

bool pause_is_same(const struct core_durable *a, const struct core_durable *b)
{
    return a->pause_ms == b->pause_ms && a->pause_version == b->pause_version &&
           a->relied_version == b->relied_version &&
           a->relied_members == b->relied_members &&
           a->relied_until.ms == b->relied_until.ms &&
           a->relied_until.boot == b->relied_until.boot;
}

/* ---- a leader --------------------------------------------------------------------
 */

/* The stamp of ours that `note` echoes; ms 0 = none. */
static struct mono echo_of(const struct core *core, const struct core_note *note)
{
    if (note->leader_id != core->settings.self_id || note->voiceless ||
        note->echo.boot != core->settings.boot || note->echo.ms <= 0 ||
        note->echo.ms > core->now.ms)
        return (struct mono){0};
    return (struct mono){note->echo.ms};
}

/* A pause is said from the moment at which it is granted until it is over, and never
 * again. So what was echoed before it was first said is older than the promise. */
void pause_take(const struct core *core,
                struct core_peer *peer,
                const struct core_note *note)
{
    int64_t version = note->paused ? note->pause_version : 0;
    struct mono echo = echo_of(core, note);

    if (note->incarnation != peer->note.incarnation) {
        peer->pause_version = -1; /* it may have said so before */
        peer->pause_echo = (struct mono){0};
    }
    if (version != peer->pause_version) {
        peer->pause_version = version;
        peer->pause_from = peer->pause_echo;
        peer->pause_term = 0;
    }
    if (echo.ms > peer->pause_echo.ms)
        peer->pause_echo = echo;
    if (version != 0 && echo.ms != 0)
        peer->pause_term = note->term;
}

/* Not yet granted then; ms 0 = it is not, or nobody knows since when, or it may have
 * voted for another before. */
static struct mono granted_from(const struct core *core, int i)
{
    const struct core_peer *peer = &core->peers[i];

    if (core->members[i].id == core->settings.self_id)
        return mono_add(core->pause_until, -promise_ms(core, core->durable.pause_ms));
    if (peer->pause_version != core->durable.pause_version ||
        peer->pause_term < core->durable.lead_term || peer->pause_term == 0)
        return (struct mono){0};
    return peer->pause_from;
}

/* Enough for a lease, and so many that the others cannot elect anybody. */
static int n_needed(const struct core *core)
{
    struct quorum quorum = quorum_ballots(core, core->durable.lead_term);
    int rest = quorum.voting - quorum.needed + 1;

    return quorum.needed > rest ? quorum.needed : rest;
}

/* Since when enough voters keep the pause that we keep; ms 0 = they do not. */
static struct mono enough_since(const struct core *core)
{
    struct mono since = {0};
    int needed = n_needed(core);

    /* The latest moment at or before which none of `needed` had granted it. */
    for (int i = 0; i < core->n_members; i++) {
        struct mono from = granted_from(core, i);
        int n = 0;

        if (!core->members[i].voting || from.ms <= since.ms)
            continue;
        for (int k = 0; k < core->n_members; k++)
            n += core->members[k].voting && granted_from(core, k).ms >= from.ms;
        if (n >= needed)
            since = from;
    }
    return since;
}

/* Own promise comes first, and is on disk. */
static void begin_to_rely(const struct core *core, struct core_durable *wanted)
{
    struct mono since, until;

    if (!pause_is_granted(core) || core->pause.version != core->durable.pause_version ||
        core->pause.ms <= 0 ||
        (core->durable.relied_version == core->durable.pause_version &&
         core->durable.relied_members == voters_of(core)))
        return;
    since = enough_since(core);
    until = mono_add(since, core->pause.ms);
    if (since.ms <= 0 || mono_reached(until, core->now))
        return;
    /* What it relies on by a longer pause before stands as well. */
    if (pause_relies(core) && core->relied_until.ms > until.ms)
        until = core->relied_until;
    wanted->relied_version = core->durable.pause_version;
    wanted->relied_until = (struct core_stamp){core->settings.boot, until.ms};
    wanted->relied_members = voters_of(core);
}

void pause_lead(const struct core *core, bool fenced, struct core_durable *wanted)
{
    if (core->durable.relied_until.ms != 0 && !pause_relies(core))
        wanted->relied_until.ms = 0;
    begin_to_rely(core, wanted);
    keep_own(core, wanted);
    if (core->pause.ms > 0 || core->pause.version <= core->durable.pause_version ||
        (pause_relies(core) && !fenced))
        return;
    /* Taken back: written before it is said, and said before anybody votes again. */
    wanted->pause_version = core->pause.version;
    wanted->pause_ms = 0;
    wanted->relied_until.ms = 0;
}

bool pause_relies(const struct core *core)
{
    const struct core_durable *durable = &core->durable;

    return durable->duty == CORE_DUTY_LEADING && durable->relied_until.ms != 0 &&
           durable->relied_until.boot == core->settings.boot &&
           durable->relied_members == voters_of(core) &&
           !mono_reached(core->relied_until, core->now);
}

/* ---- both ------------------------------------------------------------------------
 */

void pause_post(const struct core *core, struct core_note *note)
{
    note->paused = pause_is_granted(core);
    note->relies = pause_relies(core);
    if (note->paused || note->relies)
        note->report = (struct core_report){0};
    if (!note->report.known)
        note->pause_version = core->durable.pause_version;
}

static void say(struct core *core,
                enum core_reason reason,
                struct mono until,
                struct core_effects *out)
{
    struct core_why why = {.reason = reason, .node_id = core->settings.self_id};

    why.a = (int)((mono_diff(until, core->now) + 999) / 1000);
    effect_report(out, CORE_SAY_PAUSE, why.node_id, why);
}

void pause_say(struct core *core, struct core_effects *out)
{
    bool granted = pause_is_granted(core), relies = pause_relies(core);

    if (granted != core->pause_said)
        say(core, granted ? CORE_WHY_PAUSED : CORE_WHY_UNPAUSED, core->pause_until,
            out);
    if (relies != core->relied_said)
        say(core, relies ? CORE_WHY_RELIES : CORE_WHY_RELIES_NO_MORE,
            core->relied_until, out);
    core->pause_said = granted;
    core->relied_said = relies;
}

struct mono pause_deadline(const struct core *core)
{
    struct mono at = MONO_NEVER;

    if (pause_is_granted(core) && core->pause_until.ms > core->now.ms)
        at = core->pause_until;
    if (pause_relies(core))
        at = mono_min(at, core->relied_until);
    return at;
}
