/* queries_prepare.c - the statements of lib/queries.c on a real server, for
 * test_queries.py.
 *
 *     queries_prepare [--create] [--post NOTE] CONNINFO
 *     queries_prepare CONNINFO NAME [PARAMETER | NULL]...
 *     queries_prepare --note "ID PHASE LEADER TERM"
 *
 * The first form prepares all, runs those that only read, and prints what the decoders
 * make of the rows; --create first installs the embedded schema in one transaction,
 * --post posts a note with the probe. The second form runs one statement and prints its
 * rows, tab between columns. The third prints a note's text form. The exit code is 1
 * when anything failed. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "queries.h"
#include "schema.h"

static int failures;

static void complain(const struct err *err, const char *what)
{
    printf("FAILED %s: %s: %s\n", what, err->text, err->detail);
    failures++;
}

static void create_schema(PGconn *conn)
{
    struct err err = ERR_INIT;

    if (query_exec(conn, "BEGIN", &err) != 0 ||
        query_exec(conn, schema_create_text(), &err) != 0 ||
        query_exec(conn, "COMMIT", &err) != 0)
        complain(&err, "schema");
}

/* Prepare, and compare the number of parameters with what the server understood. */
static void prepare(PGconn *conn, const struct query *query)
{
    PGresult *res = PQprepare(conn, query->name, query->text, 0, NULL);
    PGresult *description = PQdescribePrepared(conn, query->name);

    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        printf("FAILED prepare %s: %s", query->name, PQresultErrorMessage(res));
        failures++;
    } else if (PQnparams(description) != query->n_params) {
        printf("FAILED %s: has %d parameters, not %d\n", query->name,
               PQnparams(description), query->n_params);
        failures++;
    } else {
        printf("prepared %s\n", query->name);
    }
    PQclear(description);
    PQclear(res);
}

/* Statements without parameters only read, but for these. */
static bool only_reads(const struct query *query)
{
    return query->n_params == 0 && query != &query_reload &&
           query != &query_checkpoint && query != &query_membership_lock;
}

static void run(PGconn *conn, const struct query *query)
{
    struct err err = ERR_INIT;
    PGresult *res = query_run(conn, query, NULL, &err);

    if (res == NULL) {
        complain(&err, query->name);
        return;
    }
    printf("%s:", query->name);
    if (query != &query_server_settings && PQntuples(res) > 0) {
        for (int i = 0; i < PQnfields(res); i++) {
            const char *text = query_text(res, 0, i);

            printf(" [%s]", text != NULL ? text : "NULL");
        }
    }
    printf(" %d rows\n", PQntuples(res));
    PQclear(res);
}

/* Run the statement `name`; a failure shows its SQLSTATE. */
static void run_named(PGconn *conn, const char *name, char **params, int n_params)
{
    const struct query *query = NULL;
    char sqlstate[6];
    struct err err = ERR_INIT;
    PGresult *res;

    for (int i = 0; query_all[i] != NULL; i++) {
        if (strcmp(query_all[i]->name, name) == 0)
            query = query_all[i];
    }
    if (query == NULL || query->n_params != n_params) {
        printf("FAILED %s: no such statement of %d parameters\n", name, n_params);
        failures++;
        return;
    }
    for (int i = 0; i < n_params; i++) {
        if (strcmp(params[i], "NULL") == 0)
            params[i] = NULL;
    }
    res = query_run_state(conn, query, (const char *const *)params, sqlstate, &err);
    if (res == NULL)
        complain(&err, sqlstate);
    for (int row = 0; row < PQntuples(res); row++) {
        for (int column = 0; column < PQnfields(res); column++) {
            const char *text = query_text(res, row, column);

            printf("%s%s", column > 0 ? "\t" : "", text != NULL ? text : "NULL");
        }
        printf("\n");
    }
    PQclear(res);
}

static void decode_nodes(PGconn *conn)
{
    struct err err = ERR_INIT;
    struct nodeset set = NODESET_INIT;
    PGresult *res = query_run(conn, &query_nodes, NULL, &err);

    if (res == NULL || query_decode_nodes(res, &set, &err) != 0)
        complain(&err, "nodes");
    for (int i = 0; i < set.n; i++)
        printf("node %d %s %s upstream %d active %d\n", set.v[i].id, set.v[i].name,
               node_role_name(set.v[i].role), set.v[i].upstream_id, set.v[i].active);
    PQclear(res);
    nodeset_free(&set);
}

static void decode_probe(PGconn *conn, const char *posted)
{
    char position[LSN_TEXT_SIZE];
    struct err err = ERR_INIT;
    struct core_observation seen = {0};
    struct core_note own = {0}, notes[CORE_MAX_NODES];
    int n_notes = 0;
    const char *params[] = {posted};
    PGresult *res;

    if (posted != NULL && note_parse(posted, &own) != 0)
        printf("not a note: %s\n", posted);
    /* The second one reads what the first one posted. */
    PQclear(query_run(conn, &query_probe, params, &err));
    res = query_run(conn, &query_probe, params, &err);
    if (res == NULL ||
        query_decode_probe(res, own.node_id, &seen, notes, &n_notes, &err) != 0)
        complain(&err, "probe");
    printf(
        "observed in_recovery=%d timeline=%d term=%" PRId64 " position=%s replayed=%d"
        " streaming=%d aged=%d note=%s leader=%d notes=%d\n",
        seen.in_recovery, seen.timeline, seen.term, lsn_format(seen.position, position),
        lsn_known(seen.replayed), seen.receiver_streaming, seen.receiver_age_ms >= 0,
        note_phase_name(seen.note.phase), seen.note.leader_id, n_notes);
    printf("system %" PRIu64 "\n", seen.system_identifier);
    PQclear(res);
}

static void escape(PGconn *conn)
{
    char *text = query_build_alter_system(conn, "primary_conninfo", "a='b\\c'");

    printf("built %s\n", text != NULL ? text : "nothing");
    free(text);
    text = query_build_alter_system(conn, "port; drop", "1");
    if (text != NULL) {
        printf("FAILED built %s\n", text);
        failures++;
    }
    free(text);
}

static void check_all(PGconn *conn, const char *posted)
{
    for (int i = 0; query_all[i] != NULL; i++) {
        if (PQserverVersion(conn) < query_all[i]->min_version)
            continue;
        prepare(conn, query_all[i]);
        if (only_reads(query_all[i]))
            run(conn, query_all[i]);
    }
    decode_nodes(conn);
    decode_probe(conn, posted);
    escape(conn);
}

static int print_note(const char *words)
{
    struct core_note note = {
        .stamp = {.boot = 1, .ms = 1000}
    };
    char name[16], text[NOTE_TEXT_SIZE];

    if (sscanf(words, "%d %15s %d %" SCNd64, &note.node_id, name, &note.leader_id,
               &note.term) != 4)
        return 2;
    for (int phase = CORE_PHASE_LEAD; phase <= CORE_PHASE_PAUSED; phase++)
        if (strcmp(name, note_phase_name((enum core_phase)phase)) == 0)
            note.phase = (enum core_phase)phase;
    if (note.phase == CORE_PHASE_NONE)
        return 2;
    printf("%s\n", note_format(&note, text));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"create", no_argument,       NULL, 'c'},
        {"note",   required_argument, NULL, 'n'},
        {"post",   required_argument, NULL, 'p'},
        {NULL,     0,                 NULL, 0  },
    };
    const char *posted = NULL;
    bool create = false;
    PGconn *conn;

    for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        if (c == '?')
            return 2;
        if (c == 'n')
            return print_note(optarg);
        if (c == 'c')
            create = true;
        else
            posted = optarg;
    }
    if (optind == argc)
        return 2;
    argv += optind;
    argc -= optind;
    conn = PQconnectdb(argv[0]);
    if (PQstatus(conn) != CONNECTION_OK) {
        printf("FAILED %s", PQerrorMessage(conn));
        PQfinish(conn);
        return 1;
    }
    PQclear(PQexec(conn, "SET search_path = pg_catalog"));
    if (create)
        create_schema(conn);
    if (argc > 1)
        run_named(conn, argv[1], argv + 2, argc - 2);
    else
        check_all(conn, posted);
    PQfinish(conn);
    return failures > 0;
}
