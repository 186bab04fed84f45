/* board.c - notes as they are read, one after the other, from whichever board.
 *
 * A note that lingers after its writer died never changes, so only a stamp that was
 * seen to advance proves that somebody is there (N5). Stamps of different boots are not
 * compared: a note of another boot than the known one takes its place once it advances.
 */
#include "core/board.h"

#include <stddef.h>

#include "core/pause.h"
#include "core/view.h"

int64_t board_sign_ms(const struct core *core)
{
    return 5 * core->settings.beat_ms / 2;
}

const struct core_peer *board_peer(const struct core *core, int id)
{
    int i = view_index(core, id);

    return i < 0 ? NULL : &core->peers[i];
}

static bool same_boot(struct core_stamp a, struct core_stamp b)
{
    return a.boot == b.boot;
}

/* Phases in which somebody supports itself: they are what others echo. */
static bool is_sign(enum core_phase phase)
{
    return phase == CORE_PHASE_LEAD || phase == CORE_PHASE_RENEW ||
           phase == CORE_PHASE_CANVASS || phase == CORE_PHASE_PROMOTE;
}

/* N4: a note that supports us and echoes a stamp of ours is a ballot. Its age is that
 * of the echo, by our clock: so neither its way nor its writer's death matters. */
static void
take_ballot(struct core *core, struct core_peer *peer, const struct core_note *note)
{
    if (note->leader_id != core->settings.self_id || note->voiceless ||
        note->echo.ms <= 0)
        return;
    if (CORE_RULE(N4_BOOT) && note->echo.boot != core->settings.boot)
        return;
    if (CORE_RULE(N4_FUTURE) && note->echo.ms > core->now.ms)
        return;
    if (note->term < peer->ballot_term ||
        (note->term == peer->ballot_term && note->echo.ms <= peer->ballot_echo.ms))
        return;
    peer->ballot_term = note->term;
    peer->ballot_echo.ms = CORE_RULE(N4_AGE) ? note->echo.ms : core->now.ms;
    peer->ballot_window_ms = note->window_ms;
    peer->ballot_report = note->report;
}

/* A note of another boot than the known one. It counts once it is seen to advance; one
 * that lingers keeps the place for S only, so that it cannot hide one that lives. */
static bool is_other_boot_alive(const struct core *core,
                                struct core_peer *peer,
                                const struct core_note *note)
{
    if (peer->other.ms != 0 && same_boot(note->stamp, peer->other)) {
        if (note->stamp.ms <= peer->other.ms)
            return false;
        peer->other = note->stamp;
        peer->other_at = core->now;
        return true;
    }
    if (peer->other.ms == 0 ||
        mono_diff(core->now, peer->other_at) > board_sign_ms(core)) {
        peer->other = note->stamp;
        peer->other_at = core->now;
    }
    return false;
}

/* Whether `note` is newer than what is known. `*ret_advanced`: by a stamp that grew. On
 * a board that this run has not read before nothing is seen to grow: two notes of dead
 * sessions would look like it. */
static bool is_news(const struct core *core,
                    struct core_peer *peer,
                    const struct core_note *note,
                    bool known_board,
                    bool *ret_advanced)
{
    *ret_advanced = CORE_WITHOUT(N5_GROWS);
    if (peer->note.phase == CORE_PHASE_NONE)
        return true;
    if (CORE_RULE(N2_INCARNATION) && note->incarnation != peer->note.incarnation)
        return note->incarnation > peer->note.incarnation;
    if (same_boot(note->stamp, peer->note.stamp)) {
        bool newer = note->stamp.ms > peer->note.stamp.ms;

        *ret_advanced = known_board && newer;
        return newer || CORE_WITHOUT(N2_NEWEST);
    }
    *ret_advanced =
        CORE_WITHOUT(N5_BOOT) || (is_other_boot_alive(core, peer, note) && known_board);
    return *ret_advanced;
}

/* D3: a note in our name that we did not write, and that advances: another daemon uses
 * our node id. One that only lingers is of a former run. */
static void look_for_twin(struct core *core, const struct core_note *note)
{
    if (same_boot(note->stamp, core->posted) && note->stamp.ms <= core->posted.ms)
        return;
    if (core->twin.ms != 0 && same_boot(note->stamp, core->twin) &&
        note->stamp.ms > core->twin.ms)
        core->twin_at = core->now;
    core->twin = note->stamp;
}

static void take(struct core *core, const struct core_note *note, bool known_board)
{
    int i = view_index(core, note->node_id);
    struct core_peer *peer;
    bool advanced;

    if (note->node_id == core->settings.self_id)
        look_for_twin(core, note);
    if (i < 0 || note->node_id == core->settings.self_id)
        return;
    peer = &core->peers[i];
    if (note->term > core->top_term)
        core->top_term = note->term;
    if (CORE_RULE(N5_RESIGNED) && note->phase == CORE_PHASE_RESIGNED &&
        note->term > peer->resigned_term)
        peer->resigned_term = note->term;
    take_ballot(core, peer, note);
    if (!is_news(core, peer, note, known_board, &advanced))
        return;
    if (advanced || note->incarnation != peer->note.incarnation)
        peer->advanced = advanced;
    pause_take(core, peer, note);
    peer->note = *note;
    if (advanced || !peer->advanced)
        peer->at = core->now;
    if (!is_sign(note->phase))
        return;
    peer->sign = *note;
    if (advanced)
        peer->sign_at = core->now;
}

void board_take(struct core *core, int board_id, const struct core_note *notes, int n)
{
    int board = view_index(core, board_id);

    if (board < 0 || notes == NULL)
        return;
    for (int i = 0; i < n; i++)
        take(core, &notes[i], core->peers[board].board_read || CORE_WITHOUT(N5_BOARD));
    core->peers[board].board_read = true;
}

bool board_is_fresh(const struct core *core, const struct core_peer *peer)
{
    return peer->note.phase != CORE_PHASE_NONE && peer->advanced &&
           (mono_diff(core->now, peer->at) <= board_sign_ms(core) ||
            CORE_WITHOUT(N5_FRESH));
}

bool board_shows_sign(const struct core *core, const struct core_peer *peer)
{
    /* A resignation may come by another way than the newer notes do: it is final. */
    return peer->sign_at.ms != 0 &&
           mono_diff(core->now, peer->sign_at) <= board_sign_ms(core) &&
           is_sign(peer->note.phase) && peer->resigned_term < peer->note.term;
}

const struct core_member *board_leader(const struct core *core, int64_t least_term)
{
    const struct core_member *leader = NULL;
    int64_t term = least_term;

    for (int i = 0; i < core->n_members; i++) {
        const struct core_peer *peer = &core->peers[i];
        enum core_phase phase = peer->note.phase;

        if (core->members[i].id == core->settings.self_id ||
            !board_shows_sign(core, peer) || peer->note.term < term)
            continue;
        if (phase != CORE_PHASE_LEAD && phase != CORE_PHASE_RENEW)
            continue;
        term = peer->note.term;
        leader = &core->members[i];
    }
    return leader;
}

bool board_is_over(const struct core *core, int id, int64_t term)
{
    const struct core_peer *peer = board_peer(core, id);
    enum core_phase phase;

    if (id == core->settings.self_id) {
        enum core_duty duty = core->durable.duty;

        return core->durable.term > term || core->durable.leader_id != id ||
               (duty != CORE_DUTY_LEADING && duty != CORE_DUTY_PROMOTING &&
                duty != CORE_DUTY_CANDIDATE);
    }
    if (peer == NULL)
        return false;
    if (peer->resigned_term > 0 && peer->resigned_term >= term)
        return true;
    /* Who has promised a later term to another, or canvasses for one, wrote down that
     * its own is over; who leads or renews has not. */
    phase = peer->note.phase;
    return CORE_RULE(D1_LATER) && phase != CORE_PHASE_NONE &&
           phase != CORE_PHASE_LEAD && phase != CORE_PHASE_RENEW &&
           peer->note.term > term;
}
