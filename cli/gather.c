/* gather.c - one private loop per call, one asynchronous session per node. */
#include "gather.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "mono.h"
#include "pgconn.h"
#include "queries.h"
#include "resolve.h"

#define DEFAULT_DEADLINE_MS  3000
#define STATEMENT_TIMEOUT_MS 60000
#define DEADLINE_MAX_S       3600

/* One call's loop; it ends when nothing is pending. */
struct round {
    struct ev_loop *loop;
    struct resolve *resolve;
    int pending;
};

/* One node's part of it. */
struct probe {
    struct round *round;
    struct pgconn *conn;
    struct gathered *out;
    struct mono begin;
    int node_id;
    int64_t deadline_ms;
};

static void round_init(struct round *round)
{
    round->loop = ev_loop_new(EVFLAG_AUTO);
    if (round->loop == NULL)
        err_out_of_memory();
    round->resolve = resolve_new(round->loop);
    round->pending = 0;
}

static void round_deinit(struct round *round)
{
    resolve_free(round->resolve);
    ev_loop_destroy(round->loop);
}

static void round_one_done(struct round *round)
{
    if (--round->pending == 0)
        ev_break(round->loop, EVBREAK_ALL);
}

/* "node1,node2" are two. */
static int count_hosts(const char *conninfo)
{
    char *hosts CLEANUP(cleanup_free) = conninfo_get(conninfo, "host");
    int n = 1;

    for (const char *at = hosts; at != NULL && *at != '\0'; at++)
        n += *at == ',';
    return n;
}

int64_t gather_deadline_ms(const char *conninfo)
{
    char *text CLEANUP(cleanup_free) = conninfo_get(conninfo, "connect_timeout");
    long seconds = text != NULL ? strtol(text, NULL, 10) : 0;

    /* 0 and less mean "for ever" to libpq; nothing is for ever here. */
    if (seconds <= 0 || seconds > DEADLINE_MAX_S)
        return (int64_t)DEFAULT_DEADLINE_MS * count_hosts(conninfo);
    return (int64_t)seconds * 1000 * count_hosts(conninfo);
}

/* ---- one blocking session ---------------------------------------------------------
 */

struct opening {
    struct round round;
    bool ok;
    struct gather_failure *failure;
};

static void opened(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct opening *opening = arg;

    (void)conn;
    opening->ok = answer->reach == REACH_OK;
    if (!opening->ok) {
        opening->failure->reach = answer->reach;
        (void)snprintf(opening->failure->sqlstate, sizeof opening->failure->sqlstate,
                       "%s", answer->sqlstate);
        (void)snprintf(opening->failure->message, sizeof opening->failure->message,
                       "%s", answer->message);
    }
    round_one_done(&opening->round);
}

PGconn *gather_open(const char *conninfo, struct gather_failure *ret_failure)
{
    static const struct pgconn_options options = {
        .application_name = "pgrmon",
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .verbose_errors = true,
    };
    struct opening opening = {.failure = ret_failure};
    struct pgconn *conn;
    PGconn *released = NULL;

    *ret_failure = (struct gather_failure){0};
    round_init(&opening.round);
    conn = pgconn_new(opening.round.loop, opening.round.resolve);
    opening.round.pending = 1;
    pgconn_connect(conn, conninfo, &options, gather_deadline_ms(conninfo), opened,
                   &opening);
    (void)ev_run(opening.round.loop, 0);
    if (opening.ok)
        released = pgconn_release(conn);
    pgconn_free(conn);
    round_deinit(&opening.round);
    return released;
}

/* ---- all nodes --------------------------------------------------------------------
 */

static void probe_done(struct probe *probe)
{
    probe->out->took_ms = mono_diff(mono_now(), probe->begin);
    pgconn_close(probe->conn);
    round_one_done(probe->round);
}

/* What is left of the node's deadline, at least a moment. */
static int64_t time_left(const struct probe *probe)
{
    int64_t left = probe->deadline_ms - mono_diff(mono_now(), probe->begin);

    return left > 1 ? left : 1;
}

static void fail(struct probe *probe, enum reach reach, const char *message)
{
    probe->out->seen.reach = reach;
    (void)snprintf(probe->out->message, sizeof probe->out->message, "%s", message);
    probe_done(probe);
}

/* Failing here costs only the column "Upstream" its certainty. */
static void
downstreams_read(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct probe *probe = arg;
    struct gathered *out = probe->out;

    (void)conn;
    if (answer->reach == REACH_OK) {
        int column = PQfnumber(answer->result, "application_name");
        int rows = column >= 0 ? PQntuples(answer->result) : 0;

        out->has_downstreams = column >= 0;
        for (int i = 0; i < rows && out->n_downstreams < CORE_MAX_NODES; i++)
            (void)snprintf(out->downstreams[out->n_downstreams++], CORE_NAME_SIZE, "%s",
                           PQgetvalue(answer->result, i, column));
    }
    probe_done(probe);
}

static void probed(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    struct probe *probe = arg;
    struct gathered *out = probe->out;
    struct err err = ERR_INIT;

    if (answer->reach != REACH_OK) {
        fail(probe, answer->reach, answer->message);
        return;
    }
    if (query_decode_probe(answer->result, probe->node_id, &out->seen, out->notes,
                           &out->n_notes, &err) < 0) {
        fail(probe, REACH_FAILED, err.text);
        return;
    }
    (void)query_decode_notes(answer->result, out->notes, &out->n_bad_notes);
    out->seen.reach = REACH_OK;
    pgconn_query(conn, query_downstreams.text, 0, NULL, time_left(probe),
                 downstreams_read, probe);
}

static void
connected(struct pgconn *conn, void *arg, const struct pgconn_answer *answer)
{
    const char *no_note = NULL;
    struct probe *probe = arg;

    if (answer->reach != REACH_OK) {
        fail(probe, answer->reach, answer->message);
        return;
    }
    probe->out->server_version = pgconn_server_version(conn);
    pgconn_query(conn, query_probe.text, 1, &no_note, time_left(probe), probed, probe);
}

static void probe_start(struct probe *probe,
                        struct round *round,
                        const struct node_record *record,
                        struct gathered *out)
{
    struct pgconn_options options = {
        .application_name = "pgrmon",
        .verbose_errors = true,
    };

    *probe = (struct probe){
        .round = round,
        .conn = pgconn_new(round->loop, round->resolve),
        .out = out,
        .begin = mono_now(),
        .node_id = record->id,
        .deadline_ms = gather_deadline_ms(record->conninfo),
    };
    options.statement_timeout_ms = probe->deadline_ms;
    *out = (struct gathered){
        .seen = {.node_id = record->id, .receiver_age_ms = -1}
    };
    pgconn_connect(probe->conn, record->conninfo, &options, probe->deadline_ms,
                   connected, probe);
}

/* A witness has no PostgreSQL, and no conninfo in its record. */
static bool is_asked(const struct node_record *record)
{
    return record->role != CORE_ROLE_WITNESS;
}

static void
not_asked(struct probe *probe, const struct node_record *record, struct gathered *out)
{
    *probe = (struct probe){0};
    *out = (struct gathered){
        .seen = {.node_id = record->id, .receiver_age_ms = -1}
    };
}

void gather_probe(const struct nodeset *set, struct gathered *ret)
{
    struct probe probes[CORE_MAX_NODES];
    struct round round;

    round_init(&round);
    for (int i = 0; i < set->n; i++)
        round.pending += is_asked(&set->v[i]);
    for (int i = 0; i < set->n; i++)
        if (is_asked(&set->v[i]))
            probe_start(&probes[i], &round, &set->v[i], &ret[i]);
        else
            not_asked(&probes[i], &set->v[i], &ret[i]);
    if (round.pending > 0)
        (void)ev_run(round.loop, 0);
    for (int i = 0; i < set->n; i++)
        pgconn_free(probes[i].conn);
    round_deinit(&round);
}

bool gathered_has_downstream(const struct gathered *gathered, const char *name)
{
    for (int i = 0; i < gathered->n_downstreams; i++)
        if (strcmp(gathered->downstreams[i], name) == 0)
            return true;
    return false;
}
