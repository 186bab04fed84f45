/* pausing.c - see pausing.h. */
#include "pausing.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cleanup.h"
#include "exit_code.h"
#include "log.h"
#include "mono.h"
#include "queries.h"

/* A daemon reads the wish once in monitor_interval_secs, its standby replays it before,
 * and the leader hears of it a beat later. */
#define WAIT_MS 30000
#define POLL_US 300000

/* ---- the wish ------------------------------------------------------------------- */

static void take_text(const PGresult *res, int column, char *buf, size_t size)
{
    const char *text = query_text(res, 0, column);

    (void)snprintf(buf, size, "%s", text != NULL ? text : "");
}

int pausing_read_wish(PGconn *conn, struct pausing_wish *ret, struct err *err)
{
    PGresult *res CLEANUP(query_clear) = query_run(conn, &query_pause, NULL, err);

    *ret = (struct pausing_wish){0};
    if (res == NULL) {
        err_prefix(err, "could not read table pgrmon.pause");
        return EXIT_CODE_DB_QUERY;
    }
    ret->version = query_int64(res, 0, 0, 0);
    ret->ms = query_int64(res, 0, 1, 0);
    take_text(res, 2, ret->by, sizeof ret->by);
    take_text(res, 3, ret->at, sizeof ret->at);
    take_text(res, 4, ret->until, sizeof ret->until);
    ret->left_ms = ret->ms > 0 ? query_int64(res, 0, 5, 0) : 0;
    return EXIT_CODE_SUCCESS;
}

int pausing_wish(PGconn *primary, int64_t ms, int64_t *ret_version, struct err *err)
{
    char text[24];
    const char *params[] = {text};
    PGresult *res CLEANUP(query_clear) = NULL;

    (void)snprintf(text, sizeof text, "%" PRId64, ms);
    res = query_run(primary, &query_pause_set, params, err);
    if (res == NULL) {
        err_prefix(err, "could not write table pgrmon.pause");
        return EXIT_CODE_DB_QUERY;
    }
    *ret_version = query_int64(res, 0, 0, 0);
    return EXIT_CODE_SUCCESS;
}

/* ---- judging -------------------------------------------------------------------- */

static void
count(struct pausing *pausing, int i, const struct core_note *note, int64_t version)
{
    pausing->n_voters++;
    pausing->seen[i] = note != NULL;
    if (note == NULL || !note->paused)
        return;
    pausing->paused[i] = true;
    pausing->n_paused++;
    pausing->granted[i] = note->pause_version >= version;
    pausing->n_granted += pausing->granted[i];
}

void pausing_judge(struct pausing *ret,
                   const struct nodeset *set,
                   const struct gathered *answers,
                   int64_t version)
{
    struct daemons daemons;

    *ret = (struct pausing){0};
    daemons_read(&daemons, set, answers);
    for (int i = 0; i < set->n; i++)
        if (set->v[i].voting)
            count(ret, i, daemons.rows[i].note, version);
    /* Of two, both: each alone could elect itself. */
    ret->needed = ret->n_voters / 2 + 1;
    if (daemons.leader < 0)
        return;
    ret->leads = true;
    ret->relies = daemons.rows[daemons.leader].note->relies;
    ret->leader_version = daemons.rows[daemons.leader].note->pause_version;
}

bool pausing_is_in_force(const struct pausing *pausing, int64_t version)
{
    return pausing->leads && pausing->relies && pausing->leader_version >= version &&
           pausing->n_granted >= pausing->needed;
}

bool pausing_is_ended(const struct pausing *pausing, int64_t version)
{
    return pausing->leads && !pausing->relies && pausing->leader_version >= version &&
           pausing->n_paused == 0;
}

/* ---- waiting -------------------------------------------------------------------- */

static void tell_progress(const struct pausing *pausing, int64_t version)
{
    if (version > pausing->leader_version)
        log_info("the leader has not read it yet; %d of %d voters are paused",
                 pausing->n_paused, pausing->n_voters);
    else
        log_info("%d of %d voters are paused (%d needed); the leader %s",
                 pausing->n_paused, pausing->n_voters, pausing->needed,
                 pausing->relies ? "needs no majority" : "needs a majority");
}

bool pausing_await(const struct nodeset *set,
                   int64_t version,
                   bool (*is_done)(const struct pausing *, int64_t),
                   struct pausing *ret)
{
    struct gathered *answers CLEANUP(cleanup_free) =
        xcalloc(CORE_MAX_NODES, sizeof *answers);
    struct mono deadline = mono_add(mono_now(), WAIT_MS);
    int told = -1;

    for (;;) {
        int now;

        gather_probe(set, answers);
        pausing_judge(ret, set, answers, version);
        if (is_done(ret, version))
            return true;
        if (mono_reached(deadline, mono_now()))
            return false;
        now = 4 * ret->n_paused + 2 * ret->relies + (version > ret->leader_version);
        if (now != told)
            tell_progress(ret, version);
        told = now;
        (void)usleep(POLL_US);
    }
}

/* ---- words ---------------------------------------------------------------------- */

const char *pausing_names(const struct nodeset *set,
                          const bool flags[static CORE_MAX_NODES],
                          bool value,
                          char buf[static PAUSING_TEXT_SIZE])
{
    size_t used = 0;

    buf[0] = '\0';
    for (int i = 0; i < set->n && used < PAUSING_TEXT_SIZE; i++) {
        int n;

        if (!set->v[i].voting || flags[i] != value)
            continue;
        n = snprintf(buf + used, PAUSING_TEXT_SIZE - used, "%s%s", used > 0 ? ", " : "",
                     set->v[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

const char *pausing_span(int64_t ms, char buf[static PAUSING_SPAN_SIZE])
{
    int64_t s = (ms + 500) / 1000, min = (s + 30) / 60;

    if (s < 120)
        (void)snprintf(buf, PAUSING_SPAN_SIZE, "%" PRId64 " s", s);
    else if (min < 120)
        (void)snprintf(buf, PAUSING_SPAN_SIZE, "%" PRId64 " min", min);
    else
        (void)snprintf(buf, PAUSING_SPAN_SIZE, "%" PRId64 " h %" PRId64 " min",
                       min / 60, min % 60);
    return buf;
}
