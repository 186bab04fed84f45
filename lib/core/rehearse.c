/* rehearse.c - a survey, a canvass and the votes of an imagined moment.
 *
 * Each node's core lives by its own host's clock, so that echoes and stamps mean to it
 * what they mean to its daemon. It is built anew whenever it is needed; only the notes
 * pass from one to the other, as in reality. */
#include "core/rehearse.h"

#include <string.h>

#include "core/ballot.h"
#include "core/board.h"
#include "core/canvass.h"
#include "core/elect.h"
#include "core/post.h"
#include "core/view.h"

/* Writes that one vote takes at most, and one more. */
#define MAX_SAVES 4

/* ---- the present ------------------------------------------------------------------
 */

/* An id for somebody who is no member; of a full table, one that does not lead. */
static int onlooker_id(const struct rehearse_facts *facts)
{
    if (facts->n_members < CORE_MAX_NODES)
        return CORE_MAX_NODE_ID + 1;
    for (int i = 0; i < facts->n_looks; i++)
        if (facts->looks[i].seen.reach == REACH_OK && facts->looks[i].seen.in_recovery)
            return facts->looks[i].seen.node_id;
    return facts->members[facts->n_members - 1].id;
}

/* Show `core` everything, its clock being ahead of ours by `shift_ms`. */
static void
look(struct core *core, const struct rehearse_facts *facts, int64_t shift_ms)
{
    for (int i = 0; i < facts->n_looks; i++) {
        const struct rehearse_look *one = &facts->looks[i];

        core->now = mono_add(one->at, shift_ms);
        if (one->seen.reach == REACH_OK)
            board_take(core, one->seen.node_id, one->notes, one->n_notes);
        view_observe(core, &one->seen);
    }
}

static void begin(struct core *core,
                  const struct rehearse_facts *facts,
                  const struct core_settings *settings)
{
    core_init(core, settings);
    view_set_members(core, facts->members, facts->n_members);
    core->members_version = facts->members_version;
    core->asked = true;
    for (int i = 0; i < core->n_members; i++)
        core->views[i].watch_ms = 1; /* nothing is forgotten for want of watching */
}

/* F4: the cluster is that of the registered primary, else of whoever answers first. */
static uint64_t system_of(const struct rehearse_facts *facts)
{
    uint64_t first = 0;

    for (int i = 0; i < facts->n_looks; i++) {
        const struct core_observation *seen = &facts->looks[i].seen;

        if (seen->reach != REACH_OK || seen->system_identifier == 0)
            continue;
        if (first == 0)
            first = seen->system_identifier;
        for (int k = 0; k < facts->n_members; k++)
            if (facts->members[k].id == seen->node_id && facts->members[k].active &&
                facts->members[k].role == CORE_ROLE_PRIMARY)
                return seen->system_identifier;
    }
    return first;
}

void rehearse_init(struct rehearsal *rehearsal, const struct rehearse_facts *facts)
{
    struct core_settings settings = facts->settings;

    memset(rehearsal, 0, sizeof *rehearsal);
    rehearsal->facts = *facts;
    settings.self_id = onlooker_id(facts);
    settings.boot = 0;
    begin(&rehearsal->onlooker, facts, &settings);
    rehearsal->onlooker.system_identifier = system_of(facts);
    look(&rehearsal->onlooker, facts, 0);
    /* It knows the regime, as whoever follows it does: of no term all are over. */
    rehearsal->onlooker.durable.term = rehearsal->onlooker.term;
}

bool rehearse_lives(const struct rehearsal *rehearsal, int i)
{
    const struct core *onlooker = &rehearsal->onlooker;
    const struct core_peer *peer = board_peer(onlooker, rehearsal->facts.members[i].id);

    return peer != NULL && board_is_fresh(onlooker, peer);
}

static const struct core_note *note_of(const struct rehearsal *rehearsal, int i)
{
    return &board_peer(&rehearsal->onlooker, rehearsal->facts.members[i].id)->note;
}

/* Ours, with what is known of that node. */
static struct core_settings settings_of(const struct rehearsal *rehearsal, int i)
{
    const struct core_member *member = &rehearsal->facts.members[i];
    const struct core_note *note = note_of(rehearsal, i);
    struct core_settings settings = rehearsal->facts.settings;
    bool local = settings.self_id == member->id;

    settings.self_id = member->id;
    memcpy(settings.self_name, member->name, sizeof settings.self_name);
    settings.witness = member->role == CORE_ROLE_WITNESS;
    settings.boot = note->stamp.boot;
    if (!local)
        settings.failover = CORE_FAILOVER_AUTOMATIC;
    if (note->phase == CORE_PHASE_PASS && member->priority > 0)
        settings.failover = CORE_FAILOVER_MANUAL;
    return settings;
}

static enum core_duty duty_of(enum core_phase phase)
{
    switch (phase) {
    case CORE_PHASE_LEAD:
    case CORE_PHASE_RENEW:
        return CORE_DUTY_LEADING;
    case CORE_PHASE_CANVASS:
        return CORE_DUTY_CANDIDATE;
    case CORE_PHASE_PROMOTE:
        return CORE_DUTY_PROMOTING;
    case CORE_PHASE_RESIGNED:
        return CORE_DUTY_RESIGNED;
    default:
        return CORE_DUTY_FOLLOWER;
    }
}

/* k of C2, by the settings of whoever leads. */
static int copies_now(const struct core *onlooker)
{
    int copies = 0;

    for (int i = 0; i < onlooker->n_members; i++)
        if (view_is_primary(onlooker, &onlooker->views[i]) &&
            onlooker->views[i].seen.copies > copies)
            copies = onlooker->views[i].seen.copies;
    return copies;
}

/* What its file must hold, by its note. */
static struct core_durable durable_of(const struct rehearsal *rehearsal, int i)
{
    const struct core_note *note = note_of(rehearsal, i);
    struct core_durable durable = {
        .term = note->term,
        .leader_id = note->leader_id,
        .duty = duty_of(note->phase),
        .window_ms = note->window_ms,
        .members_version = note->members_version,
        .pair_version = note->members_version,
        .pause_ms = note->paused ? CORE_MAX_PAUSE_MS : 0, /* M3: it may last */
        .pause_version = note->pause_version,
        .copies = copies_now(&rehearsal->onlooker),
    };

    if (!note->voiceless)
        durable.incarnation = note->incarnation != 0 ? note->incarnation : 1;
    if (durable.duty != CORE_DUTY_FOLLOWER)
        durable.leader_id = note->node_id;
    if (durable.duty == CORE_DUTY_LEADING)
        durable.lead_term = durable.term;
    return durable;
}

void rehearse_core(const struct rehearsal *rehearsal, int i, struct core *ret)
{
    const struct rehearse_facts *facts = &rehearsal->facts;
    struct core_settings settings = settings_of(rehearsal, i);
    struct core_durable durable = durable_of(rehearsal, i);

    begin(ret, facts, &settings);
    ballot_start(ret, &durable);
    /* F4: a node of another cluster must not think that it is of this one. */
    ret->system_identifier = rehearsal->onlooker.system_identifier;
    look(ret, facts,
         mono_diff((struct mono){note_of(rehearsal, i)->stamp.ms},
                   rehearsal->onlooker.now));
    ret->report = note_of(rehearsal, i)->report;
    ret->state = durable.duty == CORE_DUTY_LEADING ? CORE_PRIMARY : CORE_STANDBY;
    ret->note = *note_of(rehearsal, i);
}

/* ---- the imagined moment ----------------------------------------------------------
 */

static int64_t window(const struct core *core)
{
    return window_of(&core->settings);
}

/* As an election finds it: long enough under way, the old promise over where it did not
 * end by a resignation. */
static void mourn(struct core *core, int lost_id, enum rehearse_loss loss)
{
    const struct core_member *self = core_member(core, core->settings.self_id);
    const struct core_peer *lost = board_peer(core, lost_id);

    if (core->durable.leader_id == 0 && lost != NULL &&
        core->durable.term <= lost->note.term)
        core->durable.leader_id = lost_id;
    core->state = CORE_ELECTING;
    core->primary_id = lost_id;
    core->suspect_id = lost_id == self->id ? 0 : lost_id;
    core->upstream_id = self->upstream_id == self->id ? 0 : self->upstream_id;
    core->since = mono_add(core->now, -2 * window(core));
    core->first_missed = core->since;
    core->noticed_at = core->since;
    core->promise_until = loss == REHEARSE_RESIGNS
                              ? mono_add(core->now, window(core)) /* E4 alone ends it */
                              : core->now;
}

/* What that node saw last is seen again, as far as the loss leaves it true. */
static void survey(struct core *core,
                   const struct rehearse_facts *facts,
                   int lost_id,
                   enum rehearse_loss loss)
{
    struct mono now = core->now;

    core->now = mono_add(now, -CORE_SURVEY_BEATS * core->settings.beat_ms);
    view_begin_survey(core);
    core->now = now;
    for (int i = 0; i < facts->n_members; i++) {
        struct core_observation seen = core->views[i].seen;
        bool lost = facts->members[i].id == lost_id && loss != REHEARSE_AS_IS;

        if (seen.reach == REACH_UNKNOWN)
            continue;
        if (lost)
            seen.reach = loss == REHEARSE_RESIGNS ? REACH_REFUSED : REACH_SILENT;
        seen.receiver_streaming = false;
        view_observe(core, &seen);
    }
}

/* Notes of the imagined moment arrive on the own board. */
static void hear(struct core *core, const struct core_note *notes, int n)
{
    int i = view_index(core, core->settings.self_id);

    core->peers[i].board_read = true;
    board_take(core, core->settings.self_id, notes, n);
}

/* The member with index `i` after the loss, before it has heard the others. */
static void after_loss(struct rehearsal *rehearsal,
                       int i,
                       int lost_id,
                       enum rehearse_loss loss,
                       struct core *ret)
{
    const struct core_view *self;

    rehearse_core(rehearsal, i, ret);
    /* Long enough for the last sign of the leader to be stale: notes that are posted
     * then support nobody. */
    ret->now = mono_add(ret->now, 2 * window(ret));
    mourn(ret, lost_id, loss);
    self = core_view(ret, ret->settings.self_id);
    if (ret->settings.self_id == lost_id && loss == REHEARSE_RESIGNS) {
        ret->durable.duty = CORE_DUTY_RESIGNED;
        ret->durable.leader_id = lost_id;
        ret->local = CORE_LOCAL_GONE;
        ret->report.known = false;
    } else {
        /* V2, P2: cut off from the old leader, its WAL is worth what it is now. */
        ret->report.known = view_is_ours(ret, self) && self->seen.in_recovery;
        ret->report.term = self->seen.term;
        ret->report.position = self->seen.position;
        ret->durable.revoked = ret->report.known;
        if (self->seen.reach == REACH_REFUSED)
            ret->local = CORE_LOCAL_GONE; /* its daemon knows that nothing is there */
    }
    survey(ret, &rehearsal->facts, lost_id, loss);
}

static bool takes_part(const struct rehearsal *rehearsal,
                       int i,
                       int lost_id,
                       enum rehearse_loss loss)
{
    bool lost = rehearsal->facts.members[i].id == lost_id;

    return rehearse_lives(rehearsal, i) && !(lost && loss == REHEARSE_SILENT);
}

static void settle(struct core *core, const struct core_effects *effects)
{
    for (int i = 0; i < effects->n; i++)
        if (effects->v[i].kind == CORE_EFF_SAVE)
            ballot_saved(core, effects->v[i].id, true);
}

/* V1: what the member with index `i` does about the note of a candidate. */
static struct core_note vote(struct rehearsal *rehearsal,
                             int i,
                             int lost_id,
                             enum rehearse_loss loss,
                             const struct core_note *canvass)
{
    struct core *voter = &rehearsal->other;

    after_loss(rehearsal, i, lost_id, loss, voter);
    hear(voter, rehearsal->notes, rehearsal->n_notes);
    voter->now = mono_add(voter->now, voter->settings.beat_ms);
    hear(voter, canvass, 1);
    for (int saves = 0; saves < MAX_SAVES; saves++) {
        rehearsal->effects.n = 0;
        ballot_consider(voter, &rehearsal->effects);
        settle(voter, &rehearsal->effects);
    }
    return core_post(voter, mono_add(voter->now, voter->settings.beat_ms));
}

/* C1, C2: the candidate stands, and whoever lives votes. */
static void canvass(struct rehearsal *rehearsal,
                    int candidate,
                    int lost_id,
                    enum rehearse_loss loss,
                    struct rehearse_result *ret)
{
    struct core *mine = &rehearsal->mine;
    struct core_effects *effects = &rehearsal->effects;
    struct core_note asking;

    effects->n = 0;
    canvass_begin(mine, ret->parts[candidate].why, false, effects);
    (void)canvass_step(mine, effects);
    settle(mine, effects);
    asking = core_post(mine, mono_add(mine->now, mine->settings.beat_ms));
    for (int i = 0; i < rehearsal->facts.n_members; i++) {
        struct core_note note;

        if (i == candidate || !ret->parts[i].lives)
            continue;
        note = vote(rehearsal, i, lost_id, loss, &asking);
        ret->parts[i].grants = note.leader_id == asking.node_id;
        hear(mine, &note, 1);
    }
    ret->parts[candidate].grants = true;
    ret->ballots = quorum_ballots(mine, mine->durable.term);
    ret->reports = quorum_reports(mine, mine->durable.term);
    for (int saves = 0; saves < 2 && mine->state == CORE_CANVASSING; saves++) {
        effects->n = 0;
        (void)canvass_step(mine, effects);
        settle(mine, effects);
    }
    ret->wins = mine->state == CORE_PROMOTING;
}

/* E1 to E9 on one node, once all have said what they say after the loss. */
static struct verdict decide(struct rehearsal *rehearsal,
                             int i,
                             int lost_id,
                             enum rehearse_loss loss,
                             struct rehearse_part *part)
{
    after_loss(rehearsal, i, lost_id, loss, &rehearsal->mine);
    hear(&rehearsal->mine, rehearsal->notes, rehearsal->n_notes);
    part->unbound = quorum_unbound(&rehearsal->mine);
    return elect_decide(&rehearsal->mine);
}

void rehearse_run(struct rehearsal *rehearsal,
                  int lost_id,
                  enum rehearse_loss loss,
                  struct rehearse_result *ret)
{
    const struct rehearse_facts *facts = &rehearsal->facts;

    memset(ret, 0, sizeof *ret);
    rehearsal->n_notes = 0;
    for (int i = 0; i < facts->n_members; i++) {
        struct core *other = &rehearsal->other;

        ret->parts[i].lives = takes_part(rehearsal, i, lost_id, loss);
        if (!ret->parts[i].lives)
            continue;
        after_loss(rehearsal, i, lost_id, loss, other);
        ret->parts[i].report = other->report;
        rehearsal->notes[rehearsal->n_notes++] = core_post(other, other->now);
    }
    for (int i = 0; i < facts->n_members; i++) {
        struct verdict verdict;

        if (!ret->parts[i].lives ||
            (loss != REHEARSE_AS_IS && facts->members[i].id == lost_id))
            continue;
        verdict = decide(rehearsal, i, lost_id, loss, &ret->parts[i]);
        ret->parts[i].why = verdict.why;
        ret->parts[i].canvasses =
            verdict.action == ELECT_PROMOTE || verdict.action == ELECT_CATCH_UP;
        if (!ret->parts[i].canvasses || ret->candidate_id != 0)
            continue;
        ret->candidate_id = facts->members[i].id;
        canvass(rehearsal, i, lost_id, loss, ret);
    }
}

struct core_why rehearse_verdict_now(struct rehearsal *rehearsal, int i, int lost_id)
{
    struct core *mine = &rehearsal->mine;

    rehearse_core(rehearsal, i, mine);
    mourn(mine, lost_id, REHEARSE_AS_IS);
    mine->survey_at = mono_add(mine->now, -CORE_SURVEY_BEATS * mine->settings.beat_ms);
    return elect_decide(mine).why;
}
