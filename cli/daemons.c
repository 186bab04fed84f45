/* daemons.c - notes of all boards to a leader and its supporters. */
#include "daemons.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "note.h"

/* Does the stamp of `a` say more of the present than that of `b`? Across boots nobody
 * can tell: the higher incarnation, else the first one found. */
static bool is_newer(const struct core_note *a, const struct core_note *b)
{
    if (a->incarnation != b->incarnation)
        return a->incarnation > b->incarnation;
    return a->stamp.boot == b->stamp.boot && a->stamp.ms > b->stamp.ms;
}

const struct core_note *
daemons_newest(const struct nodeset *set, const struct gathered *answers, int node_id)
{
    const struct core_note *newest = NULL;

    for (int i = 0; i < set->n; i++)
        if (set->v[i].id == node_id && answers[i].seen.note.phase != CORE_PHASE_NONE)
            newest = &answers[i].seen.note;
    for (int i = 0; i < set->n; i++)
        for (int k = 0; k < answers[i].n_notes; k++) {
            const struct core_note *note = &answers[i].notes[k];

            if (note->node_id == node_id && (newest == NULL || is_newer(note, newest)))
                newest = note;
        }
    return newest;
}

static bool leads(const struct core_note *note)
{
    return note != NULL &&
           (note->phase == CORE_PHASE_LEAD || note->phase == CORE_PHASE_RENEW);
}

static void find_leader(struct daemons *daemons)
{
    daemons->leader = -1;
    for (int i = 0; i < daemons->n; i++) {
        const struct core_note *note = daemons->rows[i].note;

        if (!leads(note) || (daemons->leader >= 0 && note->term <= daemons->term))
            continue;
        daemons->leader = i;
        daemons->term = note->term;
    }
}

/* The leader's clock tells how old the ballot is; boards are not read at the same
 * instant, so one from the future is new. */
static void date_ballot(const struct core_note *leader, struct daemons_row *row)
{
    const struct core_note *note = row->note;
    int64_t window_ms =
        note->window_ms < leader->window_ms ? note->window_ms : leader->window_ms;

    if (note->leader_id != leader->node_id || note->echo.ms == 0)
        return;
    if (note->echo.boot != leader->stamp.boot) {
        row->sign = DAEMONS_OLD; /* of a host that has booted since */
        return;
    }
    row->ballot_ms =
        leader->stamp.ms > note->echo.ms ? leader->stamp.ms - note->echo.ms : 0;
    row->sign = row->ballot_ms <= window_ms ? DAEMONS_FRESH : DAEMONS_OLD;
    row->supports = !note->voiceless && row->ballot_ms <= window_ms / 2;
}

static void judge(struct daemons *daemons, int i)
{
    struct daemons_row *row = &daemons->rows[i];

    row->ballot_ms = -1;
    if (row->note == NULL)
        return;
    row->sign = DAEMONS_UNSURE;
    if (daemons->leader < 0)
        return;
    if (i == daemons->leader) {
        row->sign = DAEMONS_FRESH;
        row->supports = !row->note->voiceless;
        return;
    }
    date_ballot(daemons->rows[daemons->leader].note, row);
}

void daemons_read(struct daemons *ret,
                  const struct nodeset *set,
                  const struct gathered *answers)
{
    *ret = (struct daemons){.n = set->n, .oldest_ms = -1};
    for (int i = 0; i < set->n; i++) {
        ret->rows[i].note = daemons_newest(set, answers, set->v[i].id);
        ret->any = ret->any || ret->rows[i].note != NULL;
        ret->n_voters += set->v[i].voting;
        ret->n_paused +=
            set->v[i].voting && ret->rows[i].note != NULL && ret->rows[i].note->paused;
    }
    /* Q1; Q2: of two nodes one is enough. */
    ret->needed = ret->n_voters == 2 ? 1 : ret->n_voters / 2 + 1;
    find_leader(ret);
    for (int i = 0; i < set->n; i++) {
        judge(ret, i);
        if (!ret->rows[i].supports || !set->v[i].voting)
            continue;
        ret->n_supporting++;
        if (ret->rows[i].ballot_ms > ret->oldest_ms)
            ret->oldest_ms = ret->rows[i].ballot_ms;
    }
}

/* ---- words ---------------------------------------------------------------------- */

const char *daemons_phase(const struct daemons_row *row)
{
    switch (row->sign) {
    case DAEMONS_UNSEEN:
        return "not seen";
    case DAEMONS_OLD:
        return "silent";
    case DAEMONS_UNSURE:
    case DAEMONS_FRESH:
        break;
    }
    return note_phase_name(row->note->phase);
}

/* Append; what does not fit is left out. */
static void PGRMON_PRINTF(3, 4)
    append(char buf[static DAEMONS_TEXT_SIZE], size_t *used, const char *fmt, ...)
{
    va_list args;
    int n;

    if (*used >= DAEMONS_TEXT_SIZE)
        return;
    va_start(args, fmt);
    n = vsnprintf(buf + *used, DAEMONS_TEXT_SIZE - *used, fmt, args);
    va_end(args);
    *used += n > 0 ? (size_t)n : 0;
}

const char *daemons_text(const struct daemons *daemons,
                         const struct nodeset *set,
                         char buf[static DAEMONS_TEXT_SIZE])
{
    size_t used = 0;

    if (daemons->leader >= 0) {
        append(buf, &used, "leader %s, term %" PRId64 ", supported by %d of %d voter%s",
               set->v[daemons->leader].name, daemons->term, daemons->n_supporting,
               daemons->n_voters, daemons->n_voters == 1 ? "" : "s");
        if (daemons->oldest_ms >= 0)
            append(buf, &used, " (ballots %" PRId64 " ms old at most)",
                   daemons->oldest_ms);
        if (daemons->rows[daemons->leader].note->relies)
            append(buf, &used, "; paused: it needs no support");
        return buf;
    }
    append(buf, &used, "no leader; daemons:");
    for (int i = 0; i < daemons->n; i++) {
        const struct daemons_row *row = &daemons->rows[i];

        append(buf, &used, "%s %s %s", i > 0 ? "," : "", set->v[i].name,
               daemons_phase(row));
        if (row->note != NULL && row->note->term > 0)
            append(buf, &used, " (term %" PRId64 ")", row->note->term);
    }
    return buf;
}
