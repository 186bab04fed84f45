/* probe.c - one held session per watched node, one statement per beat. */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "log.h"
#include "queries.h"

struct probe {
    struct daemon *daemon;
    int node_id;
    char *conninfo; /* of the session; NULL = none yet */
    struct pgconn *conn;
    ev_timer timer;
    int64_t interval_ms; /* 0 = at rest */
    bool under_way;
    bool again;         /* right after the one under way */
    bool unasked_said;  /* that it cannot be asked */
    bool fresh_session; /* this probe opened its own session */
};

static void ask(struct probe *probe);
static void connect_anew(struct probe *probe);

static void observed_board(struct probe *probe,
                           struct core_observation *seen,
                           const struct core_note *notes,
                           int n_notes)
{
    struct core_event event = {
        .kind = CORE_EV_OBSERVED, .notes = notes, .n_notes = n_notes};

    probe->under_way = false;
    seen->node_id = probe->node_id;
    event.observed = *seen;
    if (probe->again) {
        probe->again = false;
        ev_feed_event(probe->daemon->loop, &probe->timer, EV_TIMER);
    }
    daemon_feed(probe->daemon, &event);
}

static void observed(struct probe *probe, struct core_observation *seen)
{
    observed_board(probe, seen, NULL, 0);
}

/* We could not even ask: no name server answers, the conninfo is mistyped. The core
 * learns nothing from it; people should. Said once. */
static void warn_if_unasked(struct probe *probe, const struct pgconn_answer *answer)
{
    const struct node_record *record =
        nodeset_find(&probe->daemon->nodes, probe->node_id);
    bool unasked = !reach_is_evidence(answer->reach);

    if (unasked && !probe->unasked_said) {
        log_warning("node \"%s\" (ID: %d) cannot be asked",
                    record == NULL ? "?" : record->name, probe->node_id);
        log_detail(LOG_LEVEL_WARNING, "%s", answer->message);
        log_hint(LOG_LEVEL_WARNING, "%s",
                 answer->reach == REACH_UNUSABLE
                     ? "correct its conninfo, and register it again with --force"
                     : "check the name server in /etc/resolv.conf");
    }
    probe->unasked_said = unasked;
}

/* The probe ended without a row. */
static void failed(struct probe *probe, const struct pgconn_answer *answer)
{
    struct core_observation seen = {.reach = answer->reach,
                                    .connected = probe->fresh_session &&
                                                 !pgconn_is_closed(probe->conn)};

    warn_if_unasked(probe, answer);
    log_debug("probe of node %d: %s %s %s", probe->node_id, reach_name(answer->reach),
              answer->sqlstate, answer->message);
    if (answer->reach != REACH_FAILED)
        pgconn_close(probe->conn);
    observed(probe, &seen);
}

static void
on_answer(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct probe *probe = arg;
    struct core_observation seen;
    struct core_note notes[CORE_MAX_NODES];
    int n_notes;
    struct err err;

    (void)conn;
    if (answer->reach == REACH_OK) {
        probe->unasked_said = false;
        if (query_decode_probe(answer->result, probe->node_id, &seen, notes, &n_notes,
                               &err) < 0) {
            struct pgconn_answer odd = {REACH_FAILED, NULL, "", err.text};

            failed(probe, &odd);
            return;
        }
        seen.connected = probe->fresh_session;
        observed_board(probe, &seen, notes, n_notes);
        return;
    }
    /* A held session proves nothing by failing: ask again on a new one. */
    if (!probe->fresh_session && answer->reach != REACH_FAILED) {
        connect_anew(probe);
        return;
    }
    if (probe->fresh_session && answer->reach == REACH_SILENT) {
        struct core_observation hung = {.reach = REACH_SILENT, .connected = true};

        log_debug("probe of node %d: connected, but no answer", probe->node_id);
        pgconn_close(probe->conn);
        observed(probe, &hung);
        return;
    }
    failed(probe, answer);
}

static void
on_connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    (void)conn;
    if (answer->reach == REACH_OK)
        ask(arg);
    else
        failed(arg, answer);
}

/* An idle session ended: find out at once what that means. */
static void on_loss(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    (void)conn;
    (void)answer;
    probe_now(arg, true);
}

static void ask(struct probe *probe)
{
    char note[NOTE_TEXT_SIZE];
    const char *params[] = {daemon_note(probe->daemon, note)};
    int64_t beats = probe->fresh_session ? 2 : 1;

    pgconn_query(probe->conn, query_probe.text, query_probe.n_params, params,
                 beats * daemon_beat_ms(probe->daemon), on_answer, probe);
}

static void connect_anew(struct probe *probe)
{
    int64_t deadline_ms = 2 * daemon_beat_ms(probe->daemon);
    char note[NOTE_TEXT_SIZE];
    const struct pgconn_options options = {.application_name =
                                               daemon_note(probe->daemon, note),
                                           .statement_timeout_ms = deadline_ms};
    const char *conninfo = members_conninfo(probe->daemon, probe->node_id);

    pgconn_close(probe->conn);
    free(probe->conninfo);
    probe->conninfo = xstrdup(conninfo == NULL ? "" : conninfo);
    probe->fresh_session = true;
    pgconn_on_loss(probe->conn, on_loss, probe);
    pgconn_connect(probe->conn, probe->conninfo, &options, deadline_ms, on_connected,
                   probe);
}

void probe_now(struct probe *probe, bool anew)
{
    if (probe->under_way || probe->interval_ms == 0 ||
        members_conninfo(probe->daemon, probe->node_id) == NULL)
        return;
    probe->under_way = true;
    if (anew || !pgconn_is_idle(probe->conn)) {
        connect_anew(probe);
        return;
    }
    probe->fresh_session = false;
    ask(probe);
}

void probe_post(struct probe *probe)
{
    if (probe->under_way)
        probe->again = true;
    else
        probe_now(probe, false);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    probe_now(timer->data, false);
}

struct probe *probe_new(struct daemon *daemon, int node_id)
{
    struct probe *probe = xcalloc(1, sizeof *probe);

    probe->daemon = daemon;
    probe->node_id = node_id;
    probe->conn = pgconn_new(daemon->loop, daemon->resolve);
    ev_timer_init(&probe->timer, on_timer, 0., 0.);
    probe->timer.data = probe;
    return probe;
}

void probe_free(struct probe *probe)
{
    if (probe == NULL)
        return;
    ev_timer_stop(probe->daemon->loop, &probe->timer);
    pgconn_free(probe->conn);
    free(probe->conninfo);
    free(probe);
}

int probe_node_id(const struct probe *probe)
{
    return probe->node_id;
}

void probe_watch(struct probe *probe, int64_t interval_ms)
{
    struct ev_loop *loop = probe->daemon->loop;

    if (probe->interval_ms == interval_ms)
        return;
    ev_timer_stop(loop, &probe->timer);
    probe->interval_ms = interval_ms;
    if (interval_ms == 0) {
        pgconn_close(probe->conn);
        probe->under_way = false;
        return;
    }
    /* The first one from the loop, never from inside the caller's step. */
    ev_timer_set(&probe->timer, 0., (double)interval_ms / 1000.0);
    ev_timer_start(loop, &probe->timer);
}

void probe_refresh(struct probe *probe)
{
    const char *conninfo = members_conninfo(probe->daemon, probe->node_id);

    if (probe->conninfo == NULL ||
        (conninfo != NULL && strcmp(conninfo, probe->conninfo) == 0))
        return;
    pgconn_close(probe->conn);
    probe->under_way = false;
}
