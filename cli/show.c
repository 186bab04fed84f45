/* show.c - records and answers to rows and issues, as repmgr words them. */
#include "show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "err.h"
#include "note.h"

#define NODE_FMT       "node \"%s\" (ID: %d)"
#define NODE_ARGS(rec) (rec)->name, (rec)->id

static void PGRMON_PRINTF(2, 3) add_issue(struct show *show, const char *fmt, ...)
{
    size_t size = ((size_t)show->n_issues + 1) * sizeof *show->issues;
    char **grown = realloc(show->issues, size);
    va_list args;

    if (grown == NULL)
        err_out_of_memory();
    show->issues = grown;
    va_start(args, fmt);
    if (vasprintf(&grown[show->n_issues], fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
    show->n_issues++;
}

/* ---- status -----------------------------------------------------------------------
 */

/* It answered: is it what its record says? */
static const char *
status_up(const struct node_record *record, bool in_recovery, enum show_tone *ret_tone)
{
    bool should_be_standby = record->role == CORE_ROLE_STANDBY;

    if (in_recovery != should_be_standby) {
        *ret_tone = SHOW_TONE_BAD;
        return in_recovery ? "! running as standby" : "! running as primary";
    }
    *ret_tone = record->active ? SHOW_TONE_GOOD : SHOW_TONE_DOUBT;
    if (!record->active)
        return "! running";
    return should_be_standby ? "  running" : "* running";
}

/* It has no PostgreSQL to ask: its daemon's notes on the other boards stand for it. */
static const char *status_witness(const struct node_record *record,
                                  const struct daemons_row *daemon,
                                  enum show_tone *ret_tone)
{
    switch (daemon->sign) {
    case DAEMONS_FRESH:
        *ret_tone = record->active ? SHOW_TONE_GOOD : SHOW_TONE_DOUBT;
        return record->active ? "* running" : "! running";
    case DAEMONS_UNSURE:
        *ret_tone = SHOW_TONE_DOUBT;
        return record->active ? "? running" : "! running";
    case DAEMONS_UNSEEN:
    case DAEMONS_OLD:
        break;
    }
    *ret_tone = SHOW_TONE_BAD;
    return record->active ? "? unreachable" : "- failed";
}

/* Its daemon says so, or said so last. */
static bool is_frozen(const struct core_observation *seen,
                      const struct daemons_row *daemon)
{
    return seen->reach != REACH_OK && daemon->note != NULL && daemon->note->frozen;
}

const char *show_status(const struct node_record *record,
                        const struct core_observation *seen,
                        const struct daemons_row *daemon,
                        enum show_tone *ret_tone)
{
    if (record->role == CORE_ROLE_WITNESS)
        return status_witness(record, daemon, ret_tone);
    if (is_frozen(seen, daemon)) {
        *ret_tone = SHOW_TONE_BAD;
        return "! frozen";
    }
    *ret_tone = SHOW_TONE_DOUBT;
    switch (seen->reach) {
    case REACH_OK:
        return status_up(record, seen->in_recovery, ret_tone);
    case REACH_REJECTED:
    case REACH_FAILED:
        return record->active ? "? running" : "! running";
    case REACH_STARTING:
        return "? rejected";
    case REACH_REFUSED:
    case REACH_SILENT:
    case REACH_UNUSABLE:
        *ret_tone = SHOW_TONE_BAD;
        return record->active ? "? unreachable" : "- failed";
    case REACH_UNKNOWN:
        break;
    }
    return "! unknown";
}

/* ---- rows -------------------------------------------------------------------------
 */

static bool is_up(const struct gathered *answer)
{
    return answer->seen.reach == REACH_OK;
}

static bool is_primary(const struct show_row *row)
{
    return is_up(row->answer) && !row->answer->seen.in_recovery;
}

/* The upstream's list is proof. Where it is silent, the node's own receiver at least
 * shows that it streams from somebody. */
static enum show_attach attach_of(const struct show_row *row,
                                  const struct gathered *upstream)
{
    if (!is_up(row->answer))
        return SHOW_ATTACH_UNKNOWN;
    if (!row->answer->seen.in_recovery)
        return SHOW_ATTACH_NONE;
    if (upstream != NULL && is_up(upstream) && upstream->has_downstreams)
        return gathered_has_downstream(upstream, row->record->name) ? SHOW_ATTACH_YES
                                                                    : SHOW_ATTACH_NO;
    return SHOW_ATTACH_UNKNOWN;
}

/* Who leads: out of recovery, and of the highest term where several are. */
static void find_primary(struct show *show)
{
    show->primary = -1;
    for (int i = 0; i < show->n; i++) {
        const struct gathered *answer = show->rows[i].answer;

        if (is_up(answer) && answer->seen.term > show->term)
            show->term = answer->seen.term;
        if (!is_primary(&show->rows[i]))
            continue;
        show->n_primaries++;
        if (show->primary < 0 ||
            answer->seen.term > show->rows[show->primary].answer->seen.term)
            show->primary = i;
    }
}

static void fill_lag(struct show *show, struct show_row *row)
{
    struct lsn end;

    row->lag_bytes = -1;
    if (show->primary < 0 || !is_up(row->answer) || !row->answer->seen.in_recovery)
        return;
    end = show->rows[show->primary].answer->seen.position;
    if (!lsn_known(end) || !lsn_known(row->answer->seen.replayed))
        return;
    row->lag_bytes = 0;
    if (lsn_cmp(row->answer->seen.replayed, end) < 0)
        row->lag_bytes = (int64_t)(end.pos - row->answer->seen.replayed.pos);
}

static void fill_row(struct show *show,
                     int i,
                     const struct nodeset *set,
                     const struct gathered *answers)
{
    struct show_row *row = &show->rows[i];
    const struct gathered *upstream = NULL;

    row->record = &set->v[i];
    row->answer = &answers[i];
    row->daemon = &show->daemons.rows[i];
    row->status = show_status(row->record, &row->answer->seen, row->daemon, &row->tone);
    row->upstream = nodeset_find(set, row->record->upstream_id);
    if (row->upstream != NULL)
        upstream = &answers[row->upstream - set->v];
    if (row->upstream != NULL && row->record->role != CORE_ROLE_WITNESS)
        row->attach = attach_of(row, upstream);
    if (row->attach == SHOW_ATTACH_NO && row->tone == SHOW_TONE_GOOD)
        row->tone = SHOW_TONE_DOUBT;
}

/* ---- issues -----------------------------------------------------------------------
 */

static void judge_primaries(struct show *show)
{
    char names[1024] = "";
    size_t used = 0;

    if (show->n_primaries == 0)
        add_issue(show, "no node is a reachable primary: nothing can be written");
    if (show->n_primaries < 2)
        return;
    for (int i = 0; i < show->n && used < sizeof names; i++)
        if (is_primary(&show->rows[i])) {
            int n = snprintf(names + used, sizeof names - used, "%s" NODE_FMT,
                             used > 0 ? " and " : "", NODE_ARGS(show->rows[i].record));

            show->rows[i].tone = SHOW_TONE_BAD;
            used += n > 0 ? (size_t)n : 0;
        }
    add_issue(show, "SPLIT BRAIN: %d nodes accept writes: %s; stop all but one at once",
              show->n_primaries, names);
}

static void
judge_unreachable(struct show *show, const struct show_row *row, bool verbose)
{
    const struct node_record *record = row->record;

    show->unreachable = true;
    if (verbose)
        add_issue(show, "connecting to " NODE_FMT " ended in: %s", NODE_ARGS(record),
                  row->answer->message);
    if (reach_is_alive(row->answer->seen.reach))
        add_issue(show, NODE_FMT " is running but %s", NODE_ARGS(record),
                  row->answer->seen.reach == REACH_STARTING
                      ? "is starting up or shutting down"
                      : "does not let pgrmon in");
    else if (!record->active)
        add_issue(show, NODE_FMT " is registered as inactive and cannot be reached",
                  NODE_ARGS(record));
    else if (record->role == CORE_ROLE_PRIMARY)
        add_issue(show,
                  NODE_FMT " is registered as an active primary but cannot be reached",
                  NODE_ARGS(record));
    else
        add_issue(show, "unable to connect to " NODE_FMT, NODE_ARGS(record));
}

static void judge_role(struct show *show, const struct show_row *row)
{
    const struct node_record *record = row->record;
    bool in_recovery = row->answer->seen.in_recovery;

    if (in_recovery != (record->role == CORE_ROLE_STANDBY))
        add_issue(show, NODE_FMT " is registered as %s but running as %s",
                  NODE_ARGS(record), node_role_name(record->role),
                  in_recovery ? "standby" : "primary");
    if (!record->active)
        add_issue(show, NODE_FMT " is registered as inactive but running",
                  NODE_ARGS(record));
}

static void judge_upstream(struct show *show, const struct show_row *row)
{
    const struct node_record *record = row->record;

    if (row->attach == SHOW_ATTACH_NO)
        add_issue(show, NODE_FMT " is not attached to its upstream " NODE_FMT "%s",
                  NODE_ARGS(record), NODE_ARGS(row->upstream),
                  row->answer->seen.receiver_streaming ? ", but streams from elsewhere"
                                                       : "");
    else if (row->attach == SHOW_ATTACH_UNKNOWN)
        add_issue(show,
                  "unable to determine whether " NODE_FMT
                  " is attached to its upstream " NODE_FMT,
                  NODE_ARGS(record), NODE_ARGS(row->upstream));
    else if (row->attach == SHOW_ATTACH_NONE && row->answer->seen.in_recovery)
        add_issue(show, NODE_FMT " has no upstream in its record", NODE_ARGS(record));
}

/* What was the primary, or was cut off by a vote, and came back read-only. While it
 * follows nobody its daemon may be about to; if its WAL has diverged it never will. */
static void judge_held(struct show *show, const struct show_row *row)
{
    const struct core_observation *seen = &row->answer->seen;
    const struct node_record *record = row->record;

    if (show->primary < 0 || !seen->in_recovery || seen->receiver_streaming ||
        row->attach == SHOW_ATTACH_YES ||
        (record->active && record->role == CORE_ROLE_STANDBY))
        return;
    add_issue(show,
              NODE_FMT " is held read-only and follows nobody: if that lasts, execute "
                       "\"pgrmon node rejoin\" there",
              NODE_ARGS(record));
}

static void judge_cluster(struct show *show, const struct show_row *row)
{
    const struct core_observation *lead;

    if (show->primary < 0)
        return;
    lead = &show->rows[show->primary].answer->seen;
    if (row->answer->seen.system_identifier != lead->system_identifier)
        add_issue(show,
                  NODE_FMT " belongs to another cluster (system identifier %llu, not "
                           "%llu)",
                  NODE_ARGS(row->record),
                  (unsigned long long)row->answer->seen.system_identifier,
                  (unsigned long long)lead->system_identifier);
    else if (row->answer->seen.in_recovery &&
             row->answer->seen.timeline > lead->timeline)
        add_issue(show, NODE_FMT " is on timeline %d, beyond the primary's timeline %d",
                  NODE_ARGS(row->record), row->answer->seen.timeline, lead->timeline);
    if (row->answer->seen.replay_paused)
        add_issue(show, "WAL replay is paused on " NODE_FMT, NODE_ARGS(row->record));
}

/* What this node's part in leases and elections lacks. Where no daemon is seen at all,
 * nobody wants any. */
static void judge_voter(struct show *show, const struct show_row *row)
{
    const struct core_note *note = row->daemon->note;
    const struct node_record *record = row->record;

    if (!record->voting)
        add_issue(show, NODE_FMT " does not vote: it is in maintenance",
                  NODE_ARGS(record));
    if (note == NULL || row->daemon->sign == DAEMONS_OLD) {
        add_issue(show, "no pgrmond is seen of " NODE_FMT, NODE_ARGS(record));
        return;
    }
    if (note->frozen)
        add_issue(show,
                  "PostgreSQL of " NODE_FMT " is frozen: too few voters support it",
                  NODE_ARGS(record));
    if (note->voiceless && record->voting)
        add_issue(show, NODE_FMT " does not vote: it has no valid state file",
                  NODE_ARGS(record));
    if (note->paused)
        add_issue(show, NODE_FMT " is paused: it votes for nobody", NODE_ARGS(record));
    else if (show->daemons.leader >= 0 && record->voting && !note->voiceless &&
             !row->daemon->supports)
        add_issue(show, NODE_FMT " does not support the leader: it says \"%s\"",
                  NODE_ARGS(record), note_phase_name(note->phase));
}

static void judge_no_leader(struct show *show)
{
    add_issue(show, "no pgrmond leads: there is no primary with a lease");
    if (show->daemons.n_paused > 0)
        add_issue(show,
                  "%d of %d voters are paused: they elect nobody before that is over, "
                  "see \"pgrmon service status\"",
                  show->daemons.n_paused, show->daemons.n_voters);
}

static void judge_leader(struct show *show)
{
    const struct daemons *daemons = &show->daemons;

    if (!daemons->any)
        return;
    if (daemons->leader < 0)
        judge_no_leader(show);
    else if (daemons->n_supporting < daemons->needed &&
             !daemons->rows[daemons->leader].note->relies)
        add_issue(show, NODE_FMT " leads, supported by %d of %d voters: %d are needed",
                  NODE_ARGS(show->rows[daemons->leader].record), daemons->n_supporting,
                  daemons->n_voters, daemons->needed);
}

static void judge_row(struct show *show, const struct show_row *row, bool verbose)
{
    if (show->daemons.any)
        judge_voter(show, row);
    if (row->record->role == CORE_ROLE_WITNESS)
        return;
    if (!is_up(row->answer)) {
        judge_unreachable(show, row, verbose);
        return;
    }
    judge_role(show, row);
    judge_upstream(show, row);
    judge_held(show, row);
    judge_cluster(show, row);
}

void show_build(struct show *ret,
                const struct nodeset *set,
                const struct gathered *answers,
                bool verbose)
{
    *ret = (struct show){.n = set->n};
    daemons_read(&ret->daemons, set, answers);
    for (int i = 0; i < set->n; i++)
        fill_row(ret, i, set, answers);
    find_primary(ret);
    for (int i = 0; i < set->n; i++)
        fill_lag(ret, &ret->rows[i]);
    judge_primaries(ret);
    judge_leader(ret);
    for (int i = 0; i < set->n; i++)
        judge_row(ret, &ret->rows[i], verbose);
}

void show_deinit(struct show *show)
{
    for (int i = 0; i < show->n_issues; i++)
        free(show->issues[i]);
    free(show->issues);
    *show = (struct show){0};
}
