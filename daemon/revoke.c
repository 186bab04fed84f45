/* revoke.c - see revoke.h.
 *
 * The proof. The postmaster has reread its files when our own session sees
 * primary_conninfo empty; it has then signalled the startup process, too, which alone
 * asks for walreceivers. It may be a moment behind: so a state counts only when the
 * signal was delivered to it, when it does not sit in a wait for a reader, in which it
 * rereads nothing, and when the same is seen again by the next question. A walreceiver
 * that it does not end itself, because it waits elsewhere (a pause, a delay), is ended
 * by us; it is not asked for again before the settings are reread. */
#include "revoke.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mono.h"
#include "ownpg.h"
#include "pgconn.h"
#include "queries.h"
#include "revoke_state.h"
#include "waldump.h"

/* Between questions. */
#define ASK_MS 5

/* Between tries to get a session, and the bound of each. */
#define RETRY_MS   50
#define CONNECT_MS 2000

/* How long the startup process has for ending the walreceiver itself; then, and again
 * as long after, we do. */
#define PATIENCE_MS     30
#define SIGNAL_AGAIN_MS 200

/* Equal answers that prove a state. */
#define N_PROOFS 2

/* Without progress for so many answers, replay waits for WAL that never comes. */
#define N_STUCK 4

struct revoke {
    struct daemon *daemon;
    uint32_t id;
    struct mono begun, deadline;
    revoke_cb *cb;
    void *arg;
    struct pgconn *conn;
    struct waldump *waldump;
    ev_timer timer;
    void (*step)(struct revoke *revoke);
    struct walend_layout layout;
    struct mono empty_since; /* ms 0: primary_conninfo is not seen empty yet */
    struct mono signalled;   /* the walreceiver or readers, the last time */
    bool answered;           /* `seen` is something */
    struct revoke_state seen;
    int n_clean; /* answers in a row that prove the revocation */
    int n_ended; /* of them, those that prove the end of WAL */
    int n_stuck;
    struct lsn end; /* of the last complete record; LSN_UNKNOWN: not found out yet */
    bool ended;
    struct revoke_end result;
    char text[256];
};

/* ---- steps, and the end
 * -------------------------------------------------------------- */

static int64_t left_ms(const struct revoke *revoke)
{
    int64_t left = mono_diff(revoke->deadline, mono_now());

    return left > 0 ? left : 1;
}

static bool expired(const struct revoke *revoke)
{
    return mono_reached(revoke->deadline, mono_now());
}

static void later(struct revoke *revoke, int64_t ms, void (*step)(struct revoke *))
{
    revoke->step = step;
    ev_timer_stop(revoke->daemon->loop, &revoke->timer);
    ev_timer_set(&revoke->timer, (double)ms / 1000., 0.);
    ev_timer_start(revoke->daemon->loop, &revoke->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct revoke *revoke = timer->data;
    revoke_cb *cb = revoke->cb;
    void *arg = revoke->arg;
    uint32_t id = revoke->id;
    struct revoke_end result;
    char text[sizeof revoke->text];

    (void)loop;
    (void)revents;
    if (!revoke->ended) {
        revoke->step(revoke);
        return;
    }
    result = revoke->result;
    memcpy(text, revoke->text, sizeof text);
    result.text = text;
    revoke_log_end(&result);
    revoke_cancel(revoke);
    cb(arg, id, &result);
}

/* End it, from the loop. */
static void end(struct revoke *revoke, bool ok, enum revoke_why why, const char *text)
{
    if (revoke->ended)
        return;
    revoke->ended = true;
    revoke->result.ok = ok;
    revoke->result.why = why;
    revoke->result.took_ms = mono_diff(mono_now(), revoke->begun);
    (void)snprintf(revoke->text, sizeof revoke->text, "%s", text);
    later(revoke, 0, NULL);
}

/* The deadline has passed: say what stands in the way. */
static void end_late(struct revoke *revoke)
{
    const struct revoke_state *seen = &revoke->seen;

    if (revoke->n_clean >= N_PROOFS)
        end(revoke, true, REVOKE_LATE,
            "the end of the WAL was not replayed in time (recovery_min_apply_delay?)");
    else if (revoke->empty_since.ms == 0)
        end(revoke, false, REVOKE_BLOCKED,
            "primary_conninfo is still set after a reload; do PostgreSQL's "
            "configuration files have errors?");
    else if (seen->conflict)
        end(revoke, false, REVOKE_CONFLICT,
            "replay waits for a reader that could not be ended");
    else
        end(revoke, false, REVOKE_RECEIVER, "a walreceiver is left");
}

/* ---- a session
 * ----------------------------------------------------------------------- */

static void reconnect(struct revoke *revoke);
static void ask_facts(struct revoke *revoke);

/* A statement failed, or the session with it. */
static void on_failure(struct revoke *revoke, const struct pgconn_answer *answer)
{
    char text[sizeof revoke->text];

    (void)snprintf(text, sizeof text, "%s", answer->message);
    text[strcspn(text, "\n")] = '\0';
    /* Class 40: replay needed something that our own statement held. */
    if (answer->reach == REACH_FAILED && strncmp(answer->sqlstate, "40", 2) != 0)
        end(revoke, false, REVOKE_REFUSED, text);
    else if (!expired(revoke))
        later(revoke, RETRY_MS, reconnect);
    else if (revoke->answered)
        end_late(revoke);
    else
        end(revoke, false, REVOKE_NO_SESSION, text);
}

static void
on_connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;

    (void)conn;
    if (answer->reach == REACH_OK)
        ask_facts(revoke);
    else if (expired(revoke))
        on_failure(revoke, answer);
    else
        later(revoke, RETRY_MS, reconnect);
}

/* Each session begins with its questions anew: nothing is known of the time between. */
static void reconnect(struct revoke *revoke)
{
    int64_t left = left_ms(revoke);
    const struct pgconn_options options = {.application_name = "pgrmond",
                                           .statement_timeout_ms = left,
                                           .verbose_errors = true};

    revoke->n_clean = revoke->n_ended = 0;
    pgconn_close(revoke->conn);
    pgconn_connect(revoke->conn, revoke->daemon->config.conninfo, &options,
                   left < CONNECT_MS ? left : CONNECT_MS, on_connected, revoke);
}

static void
query(struct revoke *revoke, const char *text, const char *param, pgconn_cb *cb)
{
    const char *params[] = {param};

    pgconn_query(revoke->conn, text, param != NULL, params, left_ms(revoke), cb,
                 revoke);
}

/* ---- ending what is in the way
 * ------------------------------------------------------- */

static void ask(struct revoke *revoke);

/* Once in a while: who was signalled needs a moment. */
static bool may_signal(struct revoke *revoke)
{
    if (revoke->signalled.ms != 0 &&
        mono_diff(mono_now(), revoke->signalled) < SIGNAL_AGAIN_MS)
        return false;
    revoke->signalled = mono_now();
    return true;
}

static void end_receivers(struct revoke *revoke)
{
    char *next = revoke->seen.receivers;

    if (!may_signal(revoke))
        return;
    while (*next != '\0') {
        pid_t pid = (pid_t)strtol(next, &next, 10);
        int r = ownpg_signal(revoke->daemon->config.data_directory, pid, SIGTERM);

        if (pid == 0)
            return;
        if (r == 0)
            log_info("ended the walreceiver (process %d)", (int)pid);
        else
            log_info("could not end the walreceiver (process %d): %s", (int)pid,
                     strerror(-r));
    }
}

static void
on_terminated(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;

    (void)conn;
    if (answer->reach == REACH_FAILED)
        log_info("could not end a reader: %s", answer->message);
    else if (answer->reach != REACH_OK) {
        on_failure(revoke, answer);
        return;
    }
    later(revoke, ASK_MS, ask);
}

static void
on_blockers(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;
    char left_over[16];
    pid_t pid;

    (void)conn;
    if (answer->reach != REACH_OK) {
        on_failure(revoke, answer);
        return;
    }
    pid = ownpg_end_readers(revoke->daemon->config.data_directory, answer->result);
    /* Processes that we cannot see, one at a time. */
    (void)snprintf(left_over, sizeof left_over, "%d", (int)pid);
    if (pid != 0)
        query(revoke, query_terminate.text, left_over, on_terminated);
    else
        later(revoke, ASK_MS, ask);
}

/* ---- the end of the WAL
 * -------------------------------------------------------------- */

static void on_waldump(void *arg, struct lsn end_of_wal, const char *why)
{
    struct revoke *revoke = arg;

    revoke->waldump = NULL;
    if (!lsn_known(end_of_wal)) {
        end(revoke, true, REVOKE_UNKNOWN_END, why);
        return;
    }
    revoke->end = end_of_wal;
    ask(revoke);
}

static void find_end(struct revoke *revoke)
{
    revoke->waldump =
        waldump_start(revoke->daemon->loop, &revoke->daemon->config, &revoke->layout,
                      revoke->seen.replayed, left_ms(revoke), on_waldump, revoke);
}

/* Where it ends, as far as is known. What was received may stop within a record, which
 * is then never replayed; pg_waldump's answer counts more. */
static struct lsn known_end(const struct revoke *revoke)
{
    if (lsn_known(revoke->end))
        return revoke->end;
    return revoke->seen.received;
}

/* The revocation is proved; is the end of the WAL? Returns false when the next question
 * has to wait for something else. */
static bool judge_end(struct revoke *revoke)
{
    const struct revoke_state *seen = &revoke->seen;

    if (revoke->n_ended >= N_PROOFS) {
        revoke->result.report = (struct core_report){
            .known = true, .term = seen->term, .position = seen->replayed};
        end(revoke, true, REVOKE_DONE, "");
        return false;
    }
    if (revoke->n_ended > 0)
        return true;
    if (!lsn_known(revoke->end) &&
        (!lsn_known(seen->received) || revoke->n_stuck >= N_STUCK)) {
        find_end(revoke);
        return false;
    }
    if (seen->paused) {
        end(revoke, true, REVOKE_PAUSED,
            "replay is paused before the end of the WAL; execute "
            "\"SELECT pg_wal_replay_resume()\"");
        return false;
    }
    return true;
}

/* ---- asking, again and again
 * --------------------------------------------------------- */

/* Returns false when the next question has to wait for something else. */
static bool judge(struct revoke *revoke)
{
    const struct revoke_state *seen = &revoke->seen;

    if (!seen->in_recovery) {
        end(revoke, false, REVOKE_NOT_STANDBY, "own PostgreSQL is not in recovery");
        return false;
    }
    if (seen->empty && revoke->empty_since.ms == 0)
        revoke->empty_since = mono_now();
    if (seen->empty && !seen->conflict && seen->receivers[0] == '\0' &&
        !ownpg_signal_pending(seen->startup, SIGHUP)) {
        struct lsn where = known_end(revoke);
        bool at_end = lsn_known(where) && lsn_cmp(seen->replayed, where) >= 0;

        revoke->n_clean++;
        revoke->n_ended = at_end ? revoke->n_ended + 1 : 0;
        return revoke->n_clean < N_PROOFS || judge_end(revoke);
    }
    revoke->n_clean = revoke->n_ended = 0;
    if (!seen->empty)
        return true;
    if (seen->receivers[0] != '\0' &&
        (seen->elsewhere || mono_diff(mono_now(), revoke->empty_since) >= PATIENCE_MS))
        end_receivers(revoke);
    if (seen->conflict && seen->receivers[0] == '\0' && may_signal(revoke)) {
        query(revoke, query_replay_blockers.text, NULL, on_blockers);
        return false;
    }
    return true;
}

static void on_state(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;
    struct lsn before = revoke->seen.replayed;

    (void)conn;
    if (answer->reach != REACH_OK) {
        on_failure(revoke, answer);
        return;
    }
    revoke_state_take(&revoke->seen, answer->result);
    revoke->answered = true;
    if (lsn_cmp(before, revoke->seen.replayed) == 0 && !revoke->seen.elsewhere)
        revoke->n_stuck++;
    else
        revoke->n_stuck = 0;
    if (!judge(revoke))
        return;
    if (expired(revoke))
        end_late(revoke);
    else
        later(revoke, ASK_MS, ask);
}

static void ask(struct revoke *revoke)
{
    query(revoke, query_revoke_state.text, NULL, on_state);
}

/* ---- clearing primary_conninfo
 * ------------------------------------------------------- */

static void
on_reloaded(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;

    (void)conn;
    if (answer->reach != REACH_OK)
        on_failure(revoke, answer);
    else
        ask(revoke);
}

static void
on_cleared(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;
    char text[sizeof revoke->text];

    (void)conn;
    if (answer->reach == REACH_OK) {
        query(revoke, query_reload.text, NULL, on_reloaded);
    } else if (answer->reach == REACH_FAILED) {
        (void)snprintf(text, sizeof text, "primary_conninfo cannot be cleared: %s",
                       answer->message);
        end(revoke, false, REVOKE_BLOCKED, text);
    } else {
        on_failure(revoke, answer);
    }
}

static void clear(struct revoke *revoke)
{
    char *text =
        query_build_alter_system(pgconn_raw(revoke->conn), "primary_conninfo", "");

    if (text == NULL)
        end(revoke, false, REVOKE_REFUSED, "the session was lost");
    else
        query(revoke, text, NULL, on_cleared);
    free(text);
}

/* Columns of revoke_facts: in_recovery, empty, source, block size, segment size. */
static void on_facts(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct revoke *revoke = arg;
    const PGresult *res = answer->result;
    const char *source;

    (void)conn;
    if (answer->reach != REACH_OK) {
        on_failure(revoke, answer);
        return;
    }
    source = query_text(res, 0, 2);
    revoke->layout.page_size = (uint32_t)query_int64(res, 0, 3, 0);
    revoke->layout.segment_size = (uint64_t)query_int64(res, 0, 4, 0);
    if (!query_bool(res, 0, 0))
        end(revoke, false, REVOKE_NOT_STANDBY, "own PostgreSQL is not in recovery");
    else if (query_bool(res, 0, 1))
        ask(revoke);
    else if (source != NULL && strcmp(source, "command line") == 0)
        end(revoke, false, REVOKE_BLOCKED,
            "primary_conninfo was given on the postmaster's command line, where it "
            "cannot be changed; start PostgreSQL without it");
    else
        clear(revoke);
}

static void ask_facts(struct revoke *revoke)
{
    query(revoke, query_revoke_facts.text, NULL, on_facts);
}

struct revoke *revoke_start(
    struct daemon *daemon, uint32_t id, int64_t deadline_ms, revoke_cb *cb, void *arg)
{
    struct revoke *revoke = xcalloc(1, sizeof *revoke);

    revoke->daemon = daemon;
    revoke->id = id;
    revoke->begun = mono_now();
    revoke->deadline = mono_add(revoke->begun, deadline_ms);
    revoke->cb = cb;
    revoke->arg = arg;
    revoke->conn = pgconn_new(daemon->loop, daemon->resolve);
    ev_timer_init(&revoke->timer, on_timer, 0., 0.);
    revoke->timer.data = revoke;
    reconnect(revoke);
    return revoke;
}

void revoke_cancel(struct revoke *revoke)
{
    if (revoke == NULL)
        return;
    ev_timer_stop(revoke->daemon->loop, &revoke->timer);
    waldump_cancel(revoke->waldump);
    pgconn_free(revoke->conn);
    free(revoke);
}
